#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# What programs are compiled against stays what it was: functions, structs and
# constants of the public headers, as libpmheap.abi and constants here have
# them. New ones may come. With the argument "update" (make abi-update) these
# two files are written instead: after an addition, and after a change for which
# the interface's number in configure.ac was raised.
set -eu
src=${top_srcdir:-.}
build=${top_builddir:-.}
lib=$build/.libs/libpmheap.so
kept=$src/tests/abi
LC_ALL=C
export LC_ALL
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

skip()
{
	echo "SKIP: $1"
	exit 77
}

# Only what the public headers show; nothing of the machine that it is made on.
dump()
{
	abidw --headers-dir "$src/include" --drop-private-types \
		--drop-undefined-syms --no-show-locs --no-corpus-path \
		--no-comp-dir-path --no-parameter-names --no-elf-needed \
		--type-id-style hash --out-file "$1" "$lib"
}

# Macros that are numbers; but for the version, which is meant to change.
constants()
{
	printf '#include <pmheap.h>\n%s\n' '#include <pmheap/backend.h>' |
		${CC:-cc} -I"$src/include" -E -dM - |
		sed -n 's/^#define \(PM_[A-Z_]*\) \([0-9][0-9A-Za-z]*\)$/\1 \2/p' |
		grep -v '^PM_VERSION ' | sort
}

[ -e "$lib" ] || skip "no shared library was built"
[ "$(uname -m)" = x86_64 ] || skip "what is kept is of x86_64"
command -v abidw >/dev/null || skip "no abidw (package abigail-tools)"
readelf -S "$lib" | grep -q '\.debug_info' ||
	skip "the library was built without debugging information (-g)"

if [ "${1:-}" = update ]; then
	dump "$kept/libpmheap.abi"
	constants >"$kept/constants"
	exit 0
fi

bad=0
constants >"$tmp/constants"
[ "$(wc -l <"$tmp/constants")" -ge 20 ] || {
	echo "no constants were found"
	bad=1
}
comm -23 "$kept/constants" "$tmp/constants" >"$tmp/lost"
if [ -s "$tmp/lost" ]; then
	echo "these constants have other values, or are gone:"
	cat "$tmp/lost"
	bad=1
fi
dump "$tmp/libpmheap.abi"
if ! abidiff --no-added-syms "$kept/libpmheap.abi" "$tmp/libpmheap.abi"; then
	echo "the interface differs from tests/abi/libpmheap.abi"
	bad=1
fi
[ $bad = 0 ] || echo "if this must be: see the head of tests/abi/abi.sh"
exit $bad
