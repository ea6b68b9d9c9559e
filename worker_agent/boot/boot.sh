#!/bin/bash
# The last command of the user data: fetches the agent, and has its install script make a worker of this machine.
# What fails, and what takes too long, ends the machine with a reason (give_up.sh).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
base=/opt/render-worker
config=/etc/render-worker
metadata=${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254}/latest
export REASON_FILE=/run/render-worker-reason

# shellcheck source=worker_agent/boot/reasons.sh
. "$here/reasons.sh"
# shellcheck source=/dev/null
. "$config/agent.env"
# shellcheck source=/dev/null
. "$config/boot.env"
export AWS_DEFAULT_REGION AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=4

# shellcheck disable=SC2317 # the trap calls it
give_up() {
    local status=$?
    [ "$status" != 0 ] || return 0
    exec bash "$here/give_up.sh" "$(cat "$REASON_FILE" 2>/dev/null || echo "unknown: boot.sh ended with $status")"
}
trap give_up EXIT
rm -f "$REASON_FILE"

write_worker_id() {
    local token id
    token=$(mktemp) id=$(mktemp)
    attempt "no network" "the machine's metadata" curl -sSf -m 10 --retry 5 --retry-connrefused -o "$token" -X PUT \
        -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$metadata/api/token"
    attempt "no network" "the machine's metadata" curl -sSf -m 10 --retry 5 --retry-connrefused -o "$id" \
        -H "X-aws-ec2-metadata-token: $(cat "$token")" "$metadata/meta-data/instance-id"
    echo "FARM_WORKER_ID=$(cat "$id")" >"$config/instance.env"
    rm -f "$token" "$id"
}

# fetch ADDRESS FOLDER: what is in an archive of the bucket of assets, in place of what is in the folder.
fetch() {
    attempt "archive refused" "$1" aws s3 cp --only-show-errors "$1" "$2.zip"
    rm -rf "$2"
    attempt "bad checksum" "$1" python3 -m zipfile -e "$2.zip" "$2"
    rm -f "$2.zip"
}

write_worker_id
fetch "$AGENT_ARCHIVE" "$base/agent"
[ -z "$WHEELS_ARCHIVE" ] || fetch "$WHEELS_ARCHIVE" "$base/wheels"
status=0
timeout --kill-after=30 "$INSTALL_SECONDS" bash "$base/agent/worker_agent/boot/install.sh" "$INSTALL_MODE" || status=$?
case $status in
124 | 137) fail "no end: the installation was not done within $INSTALL_SECONDS s" ;;
esac
exit "$status"
