#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A disk that is full: a tmpfs of 12 MiB and an ext4 image of 24 MiB. A disk
# that fails: an ext4 image, sparse on a tmpfs that gets full, so that what is
# synced finds no place. Needs root and loop devices.
set -u
disk=${top_builddir:?}/tests/fault/disk
work=$(mktemp -d "${TMPDIR:-/tmp}/pmheap-disk-XXXXXX") || exit 99
bad=0

clean_up()
{
	for d in "$work"/*/; do
		umount "$d" 2>/dev/null
	done
	umount "$work/under" 2>/dev/null
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

skip()
{
	echo "SKIP: $1"
	exit 77
}

PATH=$PATH:/usr/sbin:/sbin
[ "$(id -u)" = 0 ] || skip "mounting needs root"
command -v mkfs.ext4 >/dev/null || skip "no mkfs.ext4"
mkdir "$work/tmpfs" "$work/ext4" "$work/under" "$work/fails" "$work/good"
mount -t tmpfs -o size=12m none "$work/tmpfs" 2>"$work/log" ||
	skip "no tmpfs can be mounted: $(cat "$work/log")"
truncate -s 24M "$work/image"
mkfs.ext4 -q -F "$work/image" || exit 99
mount -o loop "$work/image" "$work/ext4" 2>"$work/log" ||
	skip "no loop device: $(cat "$work/log")"

for fs in tmpfs ext4; do
	echo "a full $fs:"
	"$disk" full "$work/$fs" || bad=1
done

mount -t tmpfs -o size=40m none "$work/under" || exit 99
truncate -s 96M "$work/under/image"
mkfs.ext4 -q -F "$work/under/image" || exit 99
mount -o loop "$work/under/image" "$work/fails" || exit 99
if "$disk" fail "$work/good" "$work/fails" "$work/under/filler" >"$work/out"
then
	n=$(tail -n 1 "$work/out")
	echo "a disk that fails: $n commits had returned"
	# What the kernel holds in memory must not stand for what is on disk.
	rm "$work/under/filler"
	umount "$work/fails" && mount -o loop "$work/under/image" \
		"$work/fails" || exit 99
	"$disk" after "$work/good" "$work/fails" "$n" || bad=1
else
	cat "$work/out"
	bad=1
fi
exit $bad
