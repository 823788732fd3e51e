#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# tests/readme.sh: the README's program is short, builds, and finds in its
# second run what the first one left; crash-test reports what is shown there.
# The packages are those of demo.sh.
set -u

: "${top_srcdir:=$(cd "$(dirname "$0")/.." && pwd)}"
. "$top_srcdir/man/run-program.sh"

fail() {
	echo "FAIL: $*"
	exit 1
}

sed -n '/^```c$/,/^```$/{/^```/!p}' "$top_srcdir/README" >"$work/hello.c"
lines=$(wc -l <"$work/hello.c")
[ "$lines" -ge 20 ] && [ "$lines" -le 40 ] ||
	fail "the README's program has $lines lines"

# What the README has installed is what demo.sh installs.
packages=$(sed -n '/^packages="/,/"$/p' "$top_srcdir/demo.sh" |
	sed 's/^packages=//' | tr -d '"' | xargs)
[ -n "$packages" ] &&
	tr -s " \t\n" " " <"$top_srcdir/README" | grep -qF -- "$packages" ||
	fail "the README does not name the packages of demo.sh: $packages"

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

# Numbers, and what follows three dots, may differ; so may all of it where the
# command finds no source lines.
if [ -e "$top_builddir/.libs/crash-record.so" ]; then
	"$top_builddir/pmheap" crash-test --mode page -- \
		"$top_builddir/examples/bank" bank.pool split 10 >report
	grep -q 'bank\.c:' report || {
		echo "SKIP: no source lines: libdw, or -g, is missing"
		exit 77
	}
	sed -n '/^    result /,/^    *replay /s/^    //p' \
		"$top_srcdir/README" >shown
	[ "$(wc -l <shown)" -eq 7 ] || fail "the README shows no report"
	sed 's/[0-9][0-9]*/N/g; s|-- /.*/bank|-- ./bank|' report >report.N
	sed 's/[0-9][0-9]*/N/g; s/,* \.\.\.$//' shown >shown.N
	while read -r line; do
		grep -qF -- "$line" report.N || {
			cat report
			fail "crash-test does not report: $line"
		}
	done <shown.N
fi
