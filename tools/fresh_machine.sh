#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Tries a fresh Debian 12 machine: tools/fresh_machine.sh FOLDER [root|user], as root, with Debian's debootstrap and git.
#
# Makes a minimal Debian 12 in FOLDER/machine, which must not exist yet, clones what is committed here into it, and runs
# ./run and ./test there: as root with nothing else installed, or (user) as a plain user who has sudo. Its status is 0
# if both went well. Nothing outside FOLDER is touched; mounts are in a namespace of their own, and end with it. FOLDER is left
# for inspection.
set -eu
tree=$(dirname "$(dirname "$(readlink -f "$0")")")

fail() {
    echo "fresh_machine: error: $1" >&2
    exit 1
}

[ $# -ge 1 ] || fail "usage: tools/fresh_machine.sh FOLDER [root|user]"
machine=$(readlink -m "$1")/machine
who=${2:-root}
[ "$who" = root ] || [ "$who" = user ] || fail "'$who' is neither root nor user"
[ "$(id -u)" -eq 0 ] || fail "making a machine needs root"
[ ! -e "$machine" ] || fail "$machine exists already"
command -v debootstrap >/dev/null || fail "debootstrap is missing: apt-get install debootstrap"

mkdir -p "$machine"
debootstrap --variant=minbase bookworm "$machine" http://deb.debian.org/debian || fail "debootstrap failed"
cp /etc/resolv.conf "$machine/etc/"
mkdir -p "$machine/home/user"
git clone -q --no-hardlinks "$tree" "$machine/home/user/salto"

cat >"$machine/tmp/inside" <<'INSIDE'
set -e
cd /home/user/salto
./run </dev/null
exec ./test
INSIDE
cat >"$machine/tmp/prepare" <<'PREPARE'
set -e
[ "$1" = user ] || exec sh /tmp/inside
apt-get update -q
DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends sudo
useradd --shell /bin/sh user
chown -R user:user /home/user
echo 'user ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/user
exec su - user -c 'sh /tmp/inside'
PREPARE

# A namespace of mounts: what a machine has in /proc and /dev, and nothing of the host's but its plain devices.
exec unshare -m --propagation private sh -eu -c '
machine=$1
mount -t proc proc "$machine/proc"
mount -t tmpfs -o mode=755 tmpfs "$machine/dev"
for name in null zero full random urandom tty; do
    touch "$machine/dev/$name"
    mount --bind "/dev/$name" "$machine/dev/$name"
done
mkdir "$machine/dev/pts" "$machine/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$machine/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$machine/dev/shm"
ln -s pts/ptmx "$machine/dev/ptmx"
ln -s /proc/self/fd "$machine/dev/fd"
exec chroot "$machine" /usr/bin/env -i HOME=/root TERM="${TERM:-dumb}" \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin sh /tmp/prepare "$2"
' sh "$machine" "$who" </dev/null
