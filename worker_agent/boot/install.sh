#!/bin/bash
# Makes a render worker of Amazon Linux 2023 (x86-64); what is there already is left as it is.
# Argument: `prepare` for what an image can hold (packages, user, Python, Blenders), `start` for what each
# machine needs (disks, units), `all` for both, where Blenders come at first need.
# Reads agent.env and boot.env of /etc/render-worker if they are there. The agent's code lies around this
# script, its wheels in /opt/render-worker/wheels. Exit code 1: the reason was said, and is in $REASON_FILE.
set -Eeuo pipefail

mode=${1:-all}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
agent=$(cd "$here/../.." && pwd)
base=/opt/render-worker
config=/etc/render-worker
user=render-worker
current="nothing yet"

# shellcheck source=worker_agent/boot/reasons.sh
. "$here/reasons.sh"
# shellcheck source=/dev/null
for file in agent.env boot.env; do
    [ ! -e "$config/$file" ] || . "$config/$file"
done
trap 'fail "unknown: $current: \`$BASH_COMMAND\` ended with $?"' ERR

step() {
    current=$1
    echo "render-worker install: $current"
}

check_architecture() {
    [ "$(uname -m)" = x86_64 ] || fail "unknown architecture: $(uname -m): no Blender is published for it"
}

install_packages() {
    # Python, the file system's helper, the cage, the work disk's tools; then what Blender links against.
    local package missing=()
    for package in python3.11 amazon-efs-utils bubblewrap xfsprogs libX11 libXi libXxf86vm libXfixes libXrender \
        libXext libxkbcommon libSM libICE mesa-libGL mesa-libEGL libgomp; do
        rpm -q "$package" >/dev/null 2>&1 || missing+=("$package")
    done
    ((${#missing[@]} == 0)) ||
        attempt "package refused" "${missing[*]}" dnf install -y --setopt=install_weak_deps=False "${missing[@]}"
}

make_user() {
    local uid=${AGENT_UID:-1100}
    getent group "$user" >/dev/null || groupadd --gid "$uid" "$user"
    getent passwd "$user" >/dev/null ||
        useradd --uid "$uid" --gid "$uid" --no-create-home --home-dir "$work" --shell /sbin/nologin "$user"
    install -d -m 755 "$base"
    install -d -m 700 -o "$user" -g "$user" "$blenders"
}

# The environment is whole once it says which packages it has.
has_python_packages() { [ "$(cat "$base/venv/packages.sha256" 2>/dev/null)" = "$(packages_sum)" ]; }
packages_sum() { sha256sum <"$here/packages.txt"; }

install_python_packages() {
    ! has_python_packages || return 0
    rm -rf "$base/venv"
    attempt "python refused" "python3.11 -m venv" python3.11 -m venv "$base/venv"
    attempt "wheel refused" "the agent's packages" "$base/venv/bin/python" -m pip install --quiet --no-cache-dir \
        --disable-pip-version-check --no-index --find-links "$base/wheels" --require-hashes -r "$here/packages.txt"
    packages_sum >"$base/venv/packages.sha256"
    rm -rf "$base/wheels"
}

install_blenders() {
    [ -n "${FARM_BLENDER_RUNTIMES:-}" ] || return 0
    attempt "blender refused" "$FARM_BLENDER_RUNTIMES" runuser -u "$user" -- env -C "$agent" \
        "$base/venv/bin/python" -m worker_agent.runtimes "$FARM_BLENDER_RUNTIMES" "$blenders" ${BLENDER_DOWNLOADS:+"$BLENDER_DOWNLOADS"}
}

require_prepared() {
    has_python_packages || fail "image outdated: it was prepared for other packages than this agent's: prepare it again"
}

mount_work_disk() {
    local device waited
    for waited in {0..30}; do
        for device in /dev/sdf /dev/xvdf; do
            [ ! -e "$device" ] || break 2
        done
        ((waited < 30)) || fail "no disk: the work disk is neither /dev/sdf nor /dev/xvdf"
        sleep 1
    done
    blkid "$device" >/dev/null || attempt "disk refused" "the work disk $device" mkfs.xfs -q "$device"
    mount_at "$work" "$device $work xfs defaults,nofail,nodev,nosuid 0 2"
    install -d -m 700 -o "$user" -g "$user" "$work"
}

mount_scratch() {
    mount_at "$scratch" "$FILE_SYSTEM:/ $scratch efs _netdev,noresvport,tls,iam,accesspoint=$ACCESS_POINT 0 0"
}

# mount_at FOLDER LINE: of /etc/fstab.
mount_at() {
    install -d "$1"
    grep -qxF "$2" /etc/fstab || echo "$2" >>/etc/fstab
    mountpoint -q "$1" || attempt "mount refused" "$1" mount "$1"
}

# A machine on which no cage can be built would fail every job.
try_cage() {
    [ "${FARM_CAGE:-}" = bubblewrap ] || return 0
    attempt "cage refused" "bubblewrap" runuser -u "$user" -- env -C "$agent" "$base/venv/bin/python" \
        -c "from contract.cage.probe import offered_options; offered_options()"
}

# CUDA makes its device files at first use, which in Blender's cage it cannot. A GPU that does not wake is found out
# by Blender, and the job's record says so.
wake_gpu() {
    local program
    for program in "nvidia-smi -L" "nvidia-modprobe -u -c 0"; do
        # shellcheck disable=SC2086 # its arguments
        ! command -v "${program%% *}" >/dev/null || $program || echo "render-worker install: \`$program\` failed: $?"
    done
}

start_agent() {
    install -m 755 "$here/give_up.sh" "$base/give_up.sh"
    install -m 644 "$here"/render-worker*.service /etc/systemd/system/
    attempt "unit refused" "systemd" systemctl daemon-reload
    attempt "unit refused" "systemd" systemctl enable render-worker.service
    attempt "unit refused" "systemd" systemctl restart --no-block render-worker.service
}

work=${FARM_WORK_DIRECTORY:-/var/lib/render-worker}
scratch=${FARM_SCRATCH_DIRECTORY:-/mnt/scratch}
blenders=${FARM_BLENDER_DIRECTORY:-$base/blender}

step "architecture"
check_architecture
if [ "$mode" != start ]; then
    step "system packages"
    install_packages
    step "user"
    make_user
    step "Python packages"
    install_python_packages
fi
if [ "$mode" = prepare ]; then
    step "Blenders"
    install_blenders
else
    step "prepared image"
    require_prepared
    step "work disk"
    mount_work_disk
    step "scratch space"
    mount_scratch
    step "GPU"
    wake_gpu
    step "cage"
    try_cage
    step "agent"
    start_agent
fi
step "done"
