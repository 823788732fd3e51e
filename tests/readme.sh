#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# tests/readme.sh: the README's program is short, builds, and finds in its
# second run what the first one left.
set -u

: "${top_srcdir:=$(cd "$(dirname "$0")/.." && pwd)}"
: "${top_builddir:=$(pwd)}"
: "${CC:=cc}"
: "${PM_PROGRAM_CFLAGS=-O2}"
: "${PM_PROGRAM_LDFLAGS=}"
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
. "$top_srcdir/man/run-program.sh"

fail() {
	echo "FAIL: $*"
	exit 1
}

sed -n '/^```c$/,/^```$/{/^```/!p}' "$top_srcdir/README" >"$work/hello.c"
lines=$(wc -l <"$work/hello.c")
[ "$lines" -ge 20 ] && [ "$lines" -le 40 ] ||
	fail "the README's program has $lines lines"

why=$(program_skip)
if [ -n "$why" ]; then
	echo "SKIP: $why"
	exit 77
fi
program_build "$work/hello.c" "$work/hello" || fail "it does not build"
cd "$work" || exit 99
./hello >first || fail "the first run fails"
./hello >second || fail "the second run fails"
printf 'run 1\n' | cmp -s - first || fail "the first run prints: $(cat first)"
printf 'run 2\nrun 1\n' | cmp -s - second ||
	fail "the second run prints: $(cat second)"
