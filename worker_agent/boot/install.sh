#!/bin/bash
# Makes a render worker of a fresh Amazon Linux 2023 (x86-64); running it again changes nothing.
# Arguments: the file system, its access point, and the user id that owns the scratch space.
# The agent's settings are in /etc/render-worker/agent.env, its code lies around this script.
set -euo pipefail

file_system=$1 access_point=$2 uid=$3
agent=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
base=/opt/render-worker
config=/etc/render-worker
metadata=http://169.254.169.254/latest

# shellcheck source=/dev/null
. "$config/agent.env"

step() { echo "render-worker install: $*"; }

install_packages() {
    # After Python and the file system's helper: what Blender links against. It is installed at first need.
    dnf install -y --setopt=install_weak_deps=False python3.11 amazon-efs-utils \
        libX11 libXi libXxf86vm libXfixes libXrender libXext libxkbcommon libSM libICE \
        mesa-libGL mesa-libEGL libgomp
}

make_user() {
    getent group render-agent >/dev/null || groupadd --system --gid "$uid" render-agent
    getent passwd render-agent >/dev/null ||
        useradd --system --uid "$uid" --gid "$uid" --home-dir "$FARM_WORK_DIRECTORY" --shell /sbin/nologin render-agent
    install -d -m 700 -o render-agent -g render-agent "$FARM_WORK_DIRECTORY" "$FARM_BLENDER_DIRECTORY"
}

mount_scratch() {
    install -d "$FARM_SCRATCH_DIRECTORY"
    local line="$file_system:/ $FARM_SCRATCH_DIRECTORY efs _netdev,noresvport,tls,iam,accesspoint=$access_point 0 0"
    grep -qxF "$line" /etc/fstab || echo "$line" >>/etc/fstab
    mountpoint -q "$FARM_SCRATCH_DIRECTORY" || mount "$FARM_SCRATCH_DIRECTORY"
}

install_python_packages() {
    [ -x "$base/venv/bin/python" ] || python3.11 -m venv "$base/venv"
    "$base/venv/bin/python" -m pip install --no-cache-dir --disable-pip-version-check \
        --constraint "$agent/requirements.txt" boto3 blender-asset-tracer zstandard \
        openimageio opencolorio numpy pillow av
}

write_worker_id() {
    local token
    token=$(curl -sSf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$metadata/api/token")
    echo "FARM_WORKER_ID=$(curl -sSf -H "X-aws-ec2-metadata-token: $token" "$metadata/meta-data/instance-id")" \
        >"$config/instance.env"
}

start_agent() {
    install -m 644 "$agent/worker_agent/boot/render-worker.service" /etc/systemd/system/render-worker.service
    systemctl daemon-reload
    systemctl enable render-worker.service
    systemctl restart render-worker.service
}

step "system packages"
install_packages
step "user"
make_user
step "scratch space"
mount_scratch
step "Python packages"
install_python_packages
step "worker id"
write_worker_id
step "agent"
start_agent
step "done"
