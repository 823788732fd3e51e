#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The shared library exports what lib/libpmheap.map lists, and that is what the
# public headers declare with PM_API and what the Debian package promises.
set -eu
src=${top_srcdir:-.}
build=${top_builddir:-.}
LC_ALL=C
export LC_ALL
lib=$build/.libs/libpmheap.so
if [ ! -e "$lib" ]; then
	echo "SKIP: no shared library was built"
	exit 77
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

sed 's,/\*.*\*/,,' "$src/lib/libpmheap.map" |
	tr ';{}' '\n\n\n' | sed -n 's/^[ 	]*\(pm_[a-z0-9_]*\)[ 	]*$/\1/p' |
	sort >"$tmp/map"
cat "$src"/include/pmheap.h "$src"/include/pmheap/*.h |
	sed -e 's,/\*.*\*/,,' -e '/#define/d' | tr '\n' ' ' |
	grep -o 'PM_API [^;]*' | grep -o 'pm_[a-z0-9_]*[[(]' | tr -d '[(' |
	sort -u >"$tmp/headers"
nm -D --defined-only "$lib" | awk '$2 != "A" { print $3 }' |
	sed 's/@.*//' | sort -u >"$tmp/exported"
sed -n 's/^ \(pm_[a-z0-9_]*\)@.*/\1/p' "$src/debian/libpmheap1.symbols" |
	sort >"$tmp/debian"

bad=0
compare()
{
	if ! diff -u "$1" "$2"; then
		echo "$3"
		bad=1
	fi
}
[ -s "$tmp/headers" ] || { echo "no PM_API in the headers"; bad=1; }
if grep -n '[*?]' "$src/lib/libpmheap.map" | grep -v 'local:\|^[0-9]*:[ 	]*\*;' |
	grep 'pm_'; then
	echo "the map lists symbols by pattern"
	bad=1
fi
compare "$tmp/map" "$tmp/exported" "map and library differ"
compare "$tmp/headers" "$tmp/map" "headers and map differ"
compare "$tmp/map" "$tmp/debian" "map and debian/libpmheap1.symbols differ"
exit $bad
