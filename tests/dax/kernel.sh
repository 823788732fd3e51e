#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# kernel.sh: gets the kernel that the guests of tests/dax/ boot.
#
#	tests/dax/kernel.sh DIR
#
# Downloads Debian's kernel package for virtual machines by apt-get and unpacks
# it in DIR; nothing is installed, no rights are needed. Does nothing if a
# kernel is there already. The tests find it by PMHEAP_DAX_KERNEL=DIR.
set -eu
dir=${1:?usage: kernel.sh DIR}
meta=linux-image-cloud-amd64

die()
{
	echo "kernel.sh: $*" >&2
	exit 1
}

for vmlinuz in "$dir"/boot/vmlinuz-*; do
	[ ! -e "$vmlinuz" ] || exit 0
done
command -v apt-get >/dev/null || die "no apt-get on this machine"
package=$(apt-cache depends $meta 2>/dev/null |
	sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p' | head -n 1)
[ -n "$package" ] || die "apt knows no $meta; is its list missing" \
	"(apt-get update)?"
mkdir -p "$dir"
tmp=$(mktemp -d "$dir/new-XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM HUP
(cd "$tmp" && apt-get download -q "$package" >log 2>&1) || {
	cat "$tmp/log" >&2
	die "cannot download $package"
}
mkdir "$tmp/root"
dpkg-deb -x "$tmp"/*.deb "$tmp/root"
[ -d "$tmp/root/lib" ] || mv "$tmp/root/usr/lib" "$tmp/root/lib"
mv "$tmp/root/lib" "$dir/lib"
mv "$tmp/root/boot" "$dir/boot"
echo "kernel.sh: $package is in $dir"
