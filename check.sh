#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# check.sh: builds libpmheap and proves it, on a fresh Debian machine too.
#
# It installs the packages that are missing (as root, or with sudo), builds
# with gcc and with clang with warnings as errors, runs the test suite, builds
# and runs a program against the installed library, and runs `make distcheck`.
# Everything is done in build-check/. The last line counts the tests.
#
#   JOBS=2 DISTCHECK=1 SANITIZE=1 PMHEAP_TEST_KILLS=30 ./check.sh
set -eu -o pipefail
cd "$(dirname "$0")"
top=$PWD
out=$top/build-check
jobs=${JOBS:-2}
status=0
export LC_ALL=C

packages="gcc g++ clang make autoconf automake libtool pkg-config libpmem-dev
	libatomic-ops-dev libxxhash-dev check mandoc valgrind afl++
	libclang-rt-dev libdw-dev e2fsprogs libpmemobj-dev liblmdb-dev
	libsqlite3-dev libjemalloc-dev libsmartcols-dev libjansson-dev
	libpopt-dev bats jq cmake debhelper dpkg-dev lintian abigail-tools
	gdb"

# What the guests of tests/dax/ need; they are skipped without.
guest_packages="qemu-system-x86 cpio e2fsprogs xfsprogs"

say() { printf '== [%4ds] %s\n' "$SECONDS" "$*"; }

die() {
	say "$*"
	exit 1
}

# quietly LOG COMMAND...: shows the end of the log only if the command fails.
quietly() {
	local log=$1
	shift
	if ! "$@" >"$log" 2>&1; then
		tail -n 60 "$log"
		return 1
	fi
}

missing_of() {
	local p
	for p in "$@"; do
		dpkg-query -W -f '${Status}' "$p" 2>/dev/null |
			grep -q 'ok installed' || printf '%s ' "$p"
	done
}

install_packages() {
	local missing sudo=
	command -v dpkg-query >/dev/null || {
		say "no dpkg here: taking for granted:" $packages
		return
	}
	missing=$(missing_of $packages)
	[ -n "$missing" ] || return 0
	say "installing $missing"
	[ "$(id -u)" = 0 ] || sudo=sudo
	export DEBIAN_FRONTEND=noninteractive
	$sudo apt-get update -q
	$sudo apt-get install -q -y --no-install-recommends $missing
}

# The kernel is only unpacked, in a folder that stays for the next run.
prepare_guests() {
	local missing sudo=
	export DEBIAN_FRONTEND=noninteractive
	export PMHEAP_DAX_KERNEL=${PMHEAP_DAX_KERNEL:-$top/build-kernel}
	command -v dpkg-query >/dev/null || return 0
	[ "$(id -u)" = 0 ] || sudo=sudo
	missing=$(missing_of $guest_packages)
	command -v busybox >/dev/null || missing="$missing busybox-static"
	if [ -n "$missing" ]; then
		say "installing $missing"
		{ $sudo apt-get update -q && $sudo apt-get install -q -y \
			--no-install-recommends $missing; } ||
			say "tests/dax will be skipped"
	fi
	tests/dax/kernel.sh "$PMHEAP_DAX_KERNEL" ||
		{ $sudo apt-get update -q &&
			tests/dax/kernel.sh "$PMHEAP_DAX_KERNEL"; } ||
		say "tests/dax will be skipped"
}

# build NAME CC CXX: configures and compiles everything in build-check/NAME.
build() {
	local dir=$out/$1
	mkdir -p "$dir"
	say "building with $2 (warnings are errors)"
	(cd "$dir" && quietly configure.out "$top/configure" --prefix="$out/usr" \
		CC="$2" CFLAGS='-O2 -g -Wall -Wextra -Werror') ||
		die "configure fails with $2"
	quietly "$dir/make.out" make -C "$dir" -j"$jobs" ||
		die "the build fails with $2"
	quietly "$dir/make.out" make -C "$dir" -j"$jobs" check TESTS= ||
		die "the build of the tests fails with $2"
}

run_tests() {
	local dir=$out/gcc
	say "running the tests"
	if ! make -C "$dir" -k -j"$jobs" check >"$dir/check.out" 2>&1; then
		status=1
		if [ -s "$dir/test-suite.log" ]; then
			cat "$dir/test-suite.log"
		else
			tail -n 60 "$dir/check.out"
		fi
		say "tests failed"
	fi
	grep -E '^(SKIP|FAIL|ERROR|XPASS): ' "$dir/check.out" || true
}

# A part of the suite once more under sanitizers and valgrind.
run_sanitizers() {
	local kind
	for kind in asan tsan memcheck; do
		say "running tests: $kind"
		quietly "$out/$kind.out" make -C "$out/gcc" -j"$jobs" \
			"check-$kind" || {
			status=1
			say "tests failed: $kind"
		}
	done
}

# A program of 20 lines against what `make install` installed.
try_installed() {
	local root=$out/root flags
	say "trying the installed library"
	rm -rf "$root" "$out/usr" "$out/try"
	mkdir "$out/try"
	quietly "$out/install.out" make -C "$out/gcc" install DESTDIR="$root" ||
		die "make install fails with DESTDIR"
	[ -f "$root$out/usr/include/pmheap.h" ] || die "DESTDIR is ignored"
	quietly "$out/install.out" make -C "$out/gcc" install ||
		die "make install fails"
	cat >"$out/try/try.c" <<'END'
#include <pmheap.h>
#include <stdio.h>

struct root { int runs; };

int main(int argc, char **argv)
{
	PmWrapperConfig config = { 0 };
	struct root *root;

	config.path = argc > 1 ? argv[1] : NULL;
	config.size = 1 << 20;
	config.flags = PM_CREATE;
	if (pm_init(config) != 0) {
		fprintf(stderr, "%s\n", pm_errormsg());
		return 1;
	}
	root = (struct root *)pm_root(sizeof *root);
	if (root == NULL)
		return 2;
	TX_START {
		TX_SET(root->runs, root->runs + 1);
	} TX_END
	printf("run %d\n", root->runs);
	return pm_tx_errno();
}
END
	cp "$out/try/try.c" "$out/try/try.cc"
	flags=$(PKG_CONFIG_PATH="$out/usr/lib/pkgconfig" \
		pkg-config --cflags --libs pmheap) || die "no pmheap.pc"
	gcc -std=c11 -Wall -Wextra -Werror -o "$out/try/c" "$out/try/try.c" $flags
	g++ -Wall -Wextra -Werror -Wno-missing-field-initializers \
		-o "$out/try/cc" "$out/try/try.cc" $flags
	export LD_LIBRARY_PATH="$out/usr/lib"
	"$out/try/c" "$out/try/pool" >"$out/try/out"
	"$out/try/cc" "$out/try/pool" >>"$out/try/out"
	unset LD_LIBRARY_PATH
	[ "$(cat "$out/try/out")" = "$(printf 'run 1\nrun 2')" ] ||
		die "the program against the installed library is wrong"
	quietly "$out/installcheck.out" make -C "$out/gcc" installcheck ||
		die "make installcheck fails"
	grep '^SKIP' "$out/installcheck.out" || true
}

run_distcheck() {
	say "make distcheck (a few tests of each kind)"
	quietly "$out/distcheck.out" make -C "$out/gcc" -j"$jobs" distcheck \
		TESTS='tests/api/region.file tests/api/tx.shm
		tests/api/alloc.volatile tests/style/layering.sh
		tests/style/symbols.sh tests/style/headers.gcc-c11' ||
		die "make distcheck fails"
}

# Results of all tests, from the files that Automake wrote beside their logs.
count() {
	find "$out/gcc" -name '*.trs' -exec grep -h '^:test-result:' {} + |
		grep -cE "^:test-result: ($1)" || true
}

install_packages
prepare_guests
[ -x configure ] && [ -f Makefile.in ] || {
	say "autoreconf -i"
	autoreconf -i || die "autoreconf fails"
}
rm -rf "$out"
mkdir -p "$out"
build gcc gcc
build clang clang
run_tests
[ "${SANITIZE:-1}" = 0 ] || run_sanitizers
try_installed
[ "${DISTCHECK:-1}" = 0 ] || run_distcheck

say "done"
sed -n '/^# TOTAL/,/^# ERROR/p' "$out/gcc/test-suite.log"
failed=$(count 'FAIL|XPASS|ERROR')
passed=$(count 'PASS|XFAIL')
[ "$failed" = 0 ] && [ "$passed" != 0 ] || status=1
echo "$passed passed, $failed failed, $(count SKIP) skipped"
exit $status
