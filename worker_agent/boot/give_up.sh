#!/bin/bash
# Ends a machine that cannot be a worker: says why, counts itself, and leaves its group one smaller, so that it
# is not replaced for ever at a person's expense. Argument: the reason, a line.
# No step may keep the next from being tried; when none works, the machine turns itself off and so ends.
set -uo pipefail

config=/etc/render-worker
base=${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254}

# shellcheck source=/dev/null
for file in agent.env boot.env instance.env; do
    [ ! -e "$config/$file" ] || . "$config/$file"
done
export AWS_DEFAULT_REGION

mkdir /run/render-worker-gave-up 2>/dev/null || exit 0 # once is enough

reason=${1//[\"\\[:cntrl:]]/ }
reason=${reason:0:500}
worker=${FARM_WORKER_ID:-}
if [ -z "$worker" ]; then
    token=$(curl -sSf -m 10 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$base/latest/api/token")
    worker=$(curl -sSf -m 10 -H "X-aws-ec2-metadata-token: $token" "$base/latest/meta-data/instance-id")
fi

try() {
    local turn
    for turn in 1 2 3; do
        timeout 20 "$@" >/dev/null && return
        sleep $((turn * 5))
    done
    echo "render-worker: could not run $1 $2 $3" >&2
    return 1
}

echo "render-worker: $worker gives up: $reason" >&2
logger -t render-worker-boot -- "gives up: $reason"

count() {
    try aws dynamodb update-item --table-name "$FARM_JOB_TABLE_NAME" --key "$BOOT_KEY" \
        --update-expression 'ADD #failures :one SET #reason = :reason, #worker = :worker, #at = :at' \
        --expression-attribute-names \
        '{"#failures": "failures", "#reason": "reason", "#worker": "worker_id", "#at": "failed_at"}' \
        --expression-attribute-values "{\":one\": {\"N\": \"1\"}, \":reason\": {\"S\": \"$reason\"},
            \":worker\": {\"S\": \"$worker\"}, \":at\": {\"S\": \"$(date -u +%Y-%m-%dT%H:%M:%SZ)\"}}"
}

# One that ends uncounted is replaced, and the next as well. Without a network nothing can be said: the measure of
# the backlog, which hears nothing of this machine, ends and counts it within these minutes (silent_workers.py).
for _ in {1..25}; do
    ! count || break
    echo "render-worker: waits until it can be counted" >&2
    sleep 60
done

# its agent's stream, if there was one
timeout 20 aws logs create-log-stream --log-group-name "$LOG_GROUP" --log-stream-name "$worker" >/dev/null 2>&1
said=$(tail -c 20000 /var/log/cloud-init-output.log 2>/dev/null | tr -c '[:alnum:] .,:;/()=_-' ' ')
try aws logs put-log-events --log-group-name "$LOG_GROUP" --log-stream-name "$worker" \
    --log-events "[{\"timestamp\": $(date +%s%3N), \"message\": \"${said:-nothing was logged}\"},
        {\"timestamp\": $(date +%s%3N), \"message\": \"$worker gives up: $reason\"}]"

# Where no more machines are wanted already, its group cannot become smaller, and replaces none.
leave() { try aws autoscaling terminate-instance-in-auto-scaling-group --instance-id "$worker" "$1"; }
leave --should-decrement-desired-capacity || leave --no-should-decrement-desired-capacity

sleep 60 # a person who is logged in reads why; a group that was not told replaces machines slowly
shutdown -h now
