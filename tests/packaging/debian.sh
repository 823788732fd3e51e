#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The Debian packages build from what `make dist` packs, lintian finds no error
# in them, and with what they hold a CMake project and the command work.
set -eu
src=$(cd "${top_srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
version=$(sed -n 's/^AC_INIT(\[[^]]*\], \[\(.*\)\])/\1/p' "$src/configure.ac")
LC_ALL=C.UTF-8
export LC_ALL
unset MAKEFLAGS MFLAGS MAKELEVEL DESTDIR CC CFLAGS
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

for tool in dpkg-buildpackage dh lintian; do
	command -v $tool >/dev/null || {
		echo "SKIP: no $tool"
		exit 77
	}
done
if ! (cd "$src" && dpkg-checkbuilddeps -Pnocheck) >"$tmp/missing" 2>&1; then
	echo "SKIP: $(cat "$tmp/missing")"
	exit 77
fi

fail()
{
	[ ! -f "$tmp/out" ] || tail -n 60 "$tmp/out"
	echo "$1"
	exit 1
}

tree=$tmp/libpmheap-$version
make -C "$build" distdir distdir="$tree" >"$tmp/out" 2>&1 ||
	fail "make distdir fails"
chmod -R u+w "$tree"
(
	cd "$tree"
	DEB_BUILD_PROFILES=nocheck \
	DEB_BUILD_OPTIONS='nocheck noautodbgsym parallel=2' \
		dpkg-buildpackage -us -uc -b
) >"$tmp/out" 2>&1 || fail "the packages do not build"
lintian --fail-on error "$tmp"/*.changes >"$tmp/out" 2>&1 ||
	fail "lintian finds errors"
cat "$tmp/out"

for package in libpmheap1 libpmheap-dev pmheap-tools; do
	deb=$(echo "$tmp/${package}_$version"-*.deb)
	[ -f "$deb" ] || fail "no package $package of version $version"
	dpkg-deb -x "$deb" "$tmp/root"
	# No file is in two packages.
	dpkg-deb -c "$deb" | awk '$1 !~ /^d/ { print $6 }' >>"$tmp/files"
done
[ -z "$(sort "$tmp/files" | uniq -d)" ] ||
	fail "in two packages: $(sort "$tmp/files" | uniq -d)"
lib=$(dirname "$(ls "$tmp"/root/usr/lib/*/libpmheap.so.*.*)")
LD_LIBRARY_PATH=$lib "$tmp/root/usr/bin/pmheap" create --size 1M "$tmp/pool" \
	>"$tmp/out" 2>&1 || fail "the command does not work"
LD_LIBRARY_PATH=$lib "$tmp/root/usr/bin/pmheap" check "$tmp/pool" \
	>"$tmp/out" 2>&1 || fail "the command does not work"
top_srcdir=$src "$src/tests/packaging/cmake.sh" "$tmp/root" /usr ||
	[ $? = 77 ] || fail "the packages do not serve a CMake project"
