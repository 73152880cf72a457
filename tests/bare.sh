#!/usr/bin/env bash
# The newcomer's experience: both commands of the README in a Debian that has nothing but what
# its installer puts there.
#   tests/bare.sh bookworm|trixie [COMMAND…]     COMMAND instead of the two, in the clone
# Needs root and mmdebstrap, so it is not part of a normal run.
set -euo pipefail
suite=${1:?bookworm or trixie}
shift
cd "$(dirname "$0")/.."
[[ $EUID -eq 0 ]] || { echo "$0 needs root, for chroot and mount" >&2; exit 1; }
command -v mmdebstrap >/dev/null || { echo "$0 needs mmdebstrap" >&2; exit 1; }

root=$(mktemp -d "${TMPDIR:-/tmp}/bare-$suite.XXXXXX")
mounts=()

clean_up() {
    # Whatever still runs in there began there: its root directory says so.
    local pid at
    for pid in /proc/[0-9]*; do
        [[ $(readlink "$pid/root" 2>/dev/null) == "$root" ]] && kill -9 "${pid#/proc/}" || true
    done
    for ((at = ${#mounts[@]} - 1; at >= 0; at--)); do
        umount -R "${mounts[at]}" || umount -R -l "${mounts[at]}"
    done
    if grep -qF " $root/" /proc/mounts; then
        # The content of a mount that stayed is the host's.
        echo "still mounted below $root; unmount and delete it by hand" >&2
    else
        rm -rf "$root"
    fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

bind() { # options for mount, directory
    local directory=$2
    # shellcheck disable=SC2086
    mount $1 "$root/$directory"
    mounts+=("$root/$directory")
}

echo "== a bare $suite"
mmdebstrap --quiet --variant=minbase "$suite" "$root"
cp --dereference /etc/resolv.conf "$root/etc/resolv.conf"
apt-config dump | grep -i '^Acquire::https\?::Proxy' >"$root/etc/apt/apt.conf.d/00host" || true
# In a chroot there is no init to start services with.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
bind "-t proc proc" proc
bind "-t sysfs sys -o ro" sys
bind "--rbind --make-rslave /dev" dev

echo "== a clone of the tree"
mkdir "$root/root/bindery"
# What git would clone, and what is not committed yet.
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
    [[ ! -e $file ]] || printf '%s\0' "$file"
done | tar --null -T - -cf - | tar -C "$root/root/bindery" -xf -

inside() {
    echo "== $suite: $*"
    env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM="${TERM:-dumb}" LANG=C.UTF-8 \
        chroot "$root" /bin/bash -c 'cd /root/bindery && exec "$@"' inside "$@"
}
if [[ $# -gt 0 ]]; then
    inside "$@"
else
    inside config/demo.sh --for 20s
    inside tests/run.sh
fi
echo "== $suite: all well"
