#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# tests/gdb.sh: gdb lists the regions of a running program and of a core file,
# and prints where fat pointers point.
set -u
unset PMHEAP_BACKEND PMHEAP_ASSUME_PMEM

: "${top_srcdir:=$(cd "$(dirname "$0")/.." && pwd)}"
. "$top_srcdir/man/run-program.sh"

skip() {
	echo "SKIP: $*"
	exit 77
}

fail() {
	echo "FAIL: $*"
	cat "$work/out"
	exit 1
}

command -v gdb >/dev/null || skip "gdb is not installed"
gdb -nx -batch -ex 'python print(1)' 2>/dev/null | grep -q 1 ||
	skip "gdb has no Python"
why=$(program_skip)
[ -z "$why" ] || skip "$why"

cat >"$work/fat.c" <<'END'
#include <pmheap.h>
#include <stdio.h>

PmFat first, second, none, foreign, outside;

__attribute__((noinline)) void stop_here(void);
void stop_here(void)
{
	__asm__ volatile("");
}

int main(void)
{
	PmWrapperConfig config = { .path = "one.pool", .layout = "one-layout",
				   .size = 1 << 20, .flags = PM_CREATE };
	PmWrapperConfig other = { .path = "two.pool", .size = 1 << 20,
				  .flags = PM_CREATE };
	int region;
	char *p;

	if (pm_init(config) || (region = pm_init_sec(other)) < 0 ||
	    !(p = pm_root(64)))
		return 1;
	first = pm_fat(p);
	second = pm_fat(pm_root_in(region, 10));
	foreign = (PmFat){ 0xabcdef, 64 };
	outside = (PmFat){ first.region, 1ull << 40 };
	snprintf(p, 64, "a root of %p and %p", PM_R(first), PM_R(second));
	puts(p);
	fflush(stdout);
	if (pm_persist(p, 64))
		return 1;
	stop_here();
	return 0;
}
END
# The program is to be read by gdb, whatever the library was built with.
PM_PROGRAM_CFLAGS="$PM_PROGRAM_CFLAGS -g"
build() {
	program_build "$work/fat.c" "$work/fat" || {
		: >"$work/out"
		fail "the program does not build"
	}
}

# The commands of both runs; each answer starts with its name.
cat >"$work/look" <<'END'
echo @info\n
info pmheap
echo @first\n
print first
print/x (long)$pm_r(first)
print (char *)$pm_r(first)
echo @second\n
print second
print/x (long)$pm_r(second)
echo @others\n
print none
print foreign
print outside
print $pm_r(foreign)
END
look() {
	(cd "$work" && gdb -nx -batch -ex 'set confirm off' \
		-ex "source $top_srcdir/tools/gdb/libpmheap-gdb.py" "$@" \
		./fat >out 2>&1 </dev/null)
}

# What gdb must have said: of addresses the program told.
said() {
	grep -q -- "$1" "$work/out" || fail "$when: there is no '$1'"
}

check() {
	when=$1
	said '^1  *[0-9a-f]\{16\}  *0x.*  one-layout  .*/one\.pool$'
	said '^[0-9][0-9]*  *[0-9a-f]\{16\}  *0x.*  -  .*/two\.pool$'
	said "= [0-9a-f]\{16\}+0x[0-9a-f]* = $first (.*/one\.pool)"
	said "= $first\$"
	said "= $first \"a root of $first and $second\""
	said "= [0-9a-f]\{16\}+0x[0-9a-f]* = $second (.*/two\.pool)"
	said "= $second\$"
	said '= PM_FAT_NULL$'
	said '= 0000000000abcdef+0x40 (region not open)'
	said '= .*+0x10000000000 (outside of .*/one\.pool)'
	said 'The region of this fat pointer is not open'
}

run_all() {
	rm -f "$work"/*.pool "$work/core.fat"
	look -ex 'break stop_here' -ex run \
		-ex 'generate-core-file core.fat' -x "$work/look"
	grep -q '^a root of' "$work/out" ||
		skip "gdb cannot run a program here: $(tail -n 1 "$work/out")"
	# The script must find its way wherever gdb can.
	if grep -q 'no debug information of libpmheap' "$work/out"; then
		(cd "$work" && gdb -nx -batch -ex 'break stop_here' -ex run \
			-ex 'info types ^region$' ./fat 2>&1) |
			grep -q 'struct region' &&
			fail "$1: gdb knows the library's types, its script does not"
		skip "the library has no debug information"
	fi
	first=$(sed -n 's/^a root of \(0x[0-9a-f]*\) and 0x.*/\1/p' "$work/out")
	second=$(sed -n 's/^a root of 0x[0-9a-f]* and \(0x[0-9a-f]*\)$/\1/p' \
		"$work/out")
	check "$1, running"
	[ -s "$work/core.fat" ] || skip "gdb cannot write a core file here"
	look -ex 'core-file core.fat' -x "$work/look"
	check "$1, core file"
}

# A program without debug information: what is listed is the library's own. The
# script is loaded before the library is.
without_its_own() {
	when="shared library, program without -g"
	rm -f "$work"/*.pool
	look -ex 'info pmheap'
	said 'the shared library is not loaded'
	look -ex 'break stop_here' -ex run -ex 'info pmheap'
	said '^1  *[0-9a-f]\{16\}  *0x.*  one-layout  .*/one\.pool$'
}

build
run_all "static library"
if grep -q '^build_libtool_libs=yes' "$top_builddir/libtool"; then
	# No script around the program, which gdb could not run.
	PM_PROGRAM_LINK=-no-install
	build
	run_all "shared library"
	PM_PROGRAM_CFLAGS=-O2
	build
	without_its_own
fi
