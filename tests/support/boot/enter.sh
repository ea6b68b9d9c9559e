#!/bin/bash
# Makes this process the first of a machine of its own, in its own mount and process namespaces, and runs a
# program in it. Arguments: the layers that are read (`lowerdir`), the folder of what the machine writes, the
# block device that is its second disk (or nothing), the program.
# Folders of this computer that the machine shall see are in $SHOWN: `folder=as the machine sees it`, with colons
# between them.
set -euo pipefail

lower=$1 written=$2 device=$3
shift 3
mount --make-rprivate /
root=$written/root
mkdir -p "$root" "$written/upper" "$written/work"
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$written/upper,workdir=$written/work" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for node in null zero full random urandom tty; do
    touch "$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
done
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"
mkdir "$root/dev/shm"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
if [ -n "$device" ]; then
    touch "$root/dev/sdf"
    mount --bind "$device" "$root/dev/sdf"
fi
IFS=: read -ra folders <<<"${SHOWN?}"
for folder in "${folders[@]}"; do
    mkdir -p "$root${folder#*=}"
    mount --rbind "${folder%%=*}" "$root${folder#*=}"
done
mkdir -p "$root/old"
cd "$root"
pivot_root . old
umount --lazy /old
rmdir /old
exec "$@"
