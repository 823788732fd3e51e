#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Every function that the shared library imports is one that tests/fault/inject
# lets fail, or one that its table says need not be. A call that is new in lib/
# has to be put into one of them.
set -eu
build=${top_builddir:-.}
lib=$build/.libs/libpmheap.so
if [ ! -e "$lib" ]; then
	echo "SKIP: no shared library was built"
	exit 77
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

"$build/tests/fault/inject/inject" --list | sed 's/:.*//' |
	awk '{ print $2 }' | sort -u >"$tmp/known"
# What the compiler, a sanitizer or a profile brings is not lib/'s; names with
# a version or a check in them stand for the plain ones.
nm -D --undefined-only "$lib" | awk '{ print $NF }' | sed 's/@.*//' |
	grep -vE '^(_ITM_|__cxa_finalize|__gmon_start__|__(a|u|t|m)san_|__ubsan_|__sanitizer_|__stack_chk_|__gcov_|llvm_)' |
	sed -e 's/^__isoc99_//' -e 's/^__xpg_//' -e 's/^__cxa_atexit$/atexit/' \
	    -e 's/^__register_atfork$/pthread_atfork/' \
	    -e 's/^__\(.*\)_chk$/\1/' -e 's/^__open64_2$/open/' \
	    -e 's/^__open_2$/open/' -e 's/^__//' -e 's/64$//' |
	sort -u >"$tmp/used"

if [ "$(wc -l <"$tmp/used")" -lt 50 ]; then
	echo "only $(wc -l <"$tmp/used") imports were found"
	exit 1
fi
bad=$(comm -23 "$tmp/used" "$tmp/known")
if [ -n "$bad" ]; then
	echo "lib/ calls what tests/fault/inject/calls.c does not know:"
	echo "$bad"
	exit 1
fi
fails=$("$build/tests/fault/inject/inject" --list | grep -c '^fails')
echo "$(wc -l <"$tmp/used") imports, $fails calls that are made to fail"
