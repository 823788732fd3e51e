#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# memory.sh: AddressSanitizer and memcheck find what a program does to objects
# that are freed, and beyond those that are not, and nothing in a program that
# does what it may.
set -u
unset PMHEAP_BACKEND PMHEAP_ASSUME_PMEM PMHEAP_DEBUG

: "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}"
. "$top_srcdir/man/run-program.sh"
failed=0
tools=0

skip() {
	echo "SKIP: $*"
	exit 77
}

fail() {
	echo "FAIL: $*"
	sed 's/^/    /' "$work/out"
	failed=1
}

# run PROGRAM NAME: its report is in $work/out.
run() {
	rm -f "$work/pool"
	# shellcheck disable=SC2086 # options
	$with "$1" "$work/pool" "$2" >"$work/out" 2>&1
}

# try TOOL PROGRAM: each mistake is found, and each in the function that makes
# it.
try() {
	tools=$((tools + 1))
	run "$2" none || fail "$1: a report where there is no mistake"
	PMHEAP_DEBUG=unlogged
	export PMHEAP_DEBUG
	run "$2" after-free && fail "$1: after-free is not found with unlogged"
	unset PMHEAP_DEBUG
	run "$2" list || fail "$1: no list of mistakes"
	for bug in $(cat "$work/out"); do
		in=$(echo "$bug" | tr - _)
		if run "$2" "$bug"; then
			fail "$1: $bug is not found"
		elif ! grep -q "$report" "$work/out" ||
		     ! grep -q "$in" "$work/out"; then
			fail "$1: $bug: not '$report' in $in()"
		fi
	done
}

why=$(program_skip)
[ -z "$why" ] || skip "$why"
source=$top_srcdir/tests/memory/bugs.c
flags="$PM_PROGRAM_CFLAGS -O1 -gdwarf-4 -Wno-unknown-warning-option"
flags="$flags -Wno-stringop-overflow"

PM_PROGRAM_CFLAGS="$flags -fsanitize=address"
with=
report='use-after-poison'
if program_build "$source" "$work/asan" 2>"$work/out"; then
	try AddressSanitizer "$work/asan"
	case $flags in
	*-fsanitize*) skip "memcheck cannot run what has a sanitizer" ;;
	esac
fi

PM_PROGRAM_CFLAGS=$flags
program_build "$source" "$work/plain" 2>"$work/out" || {
	fail "the program does not build"
	exit 1
}
with='valgrind -q --error-exitcode=99 --fair-sched=yes'
report='Invalid \(read\|write\) of size 1'
if ! command -v valgrind >/dev/null; then
	echo "valgrind is not installed"
elif ! grep -q 'define HAVE_VALGRIND_MEMCHECK_H 1' "$top_builddir/config.h"; then
	echo "the library was built without valgrind/memcheck.h"
else
	try memcheck "$work/plain"
	# Where the memory came from, and where it went.
	run "$work/plain" after-free
	for line in '10 bytes inside a block of size 100' 'pm_free' \
		'by .* object (.*bugs.c'; do
		grep -q "$line" "$work/out" || fail "memcheck: no '$line'"
	done
	run "$work/plain" overflow
	grep -q '0 bytes after a block of size 100' "$work/out" ||
		fail "memcheck: no size of the object that overflows"
fi
[ "$tools" -gt 0 ] || skip "neither AddressSanitizer nor memcheck"
exit $failed
