#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# run.sh check-KIND: builds everything again in check-KIND/ of the build tree,
# with AddressSanitizer and UBSan (asan), ThreadSanitizer (tsan) or for valgrind
# (memcheck), and runs tests there. Any report fails the test that made it; a
# planted fault shows first that reports are made at all.
#
# PMHEAP_SANITIZE=long runs more of api_tests, kill_tests, unit_tests and
# other_tests, which are the names of the tests by kind.
set -eu -o pipefail
kind=${1#check-}
size=${PMHEAP_SANITIZE:-short}
src=${top_srcdir:?}
out=${top_builddir:?}
dir=$out/check-$kind
cc=${CC:-gcc}
flags='-O1 -g'
# Everything is slower, and the limits of the tests are in seconds.
export CK_TIMEOUT_MULTIPLIER=10
export PMHEAP_TEST_KILLS=${PMHEAP_TEST_KILLS:-12}

skip() {
	echo "SKIP: check-$kind: $*"
	exit 77
}

die() {
	echo "check-$kind: $*" >&2
	exit 1
}

case $kind in
asan)
	flags+=' -fsanitize=address,undefined -fno-sanitize-recover=all'
	flags+=' -fno-omit-frame-pointer'
	export ASAN_OPTIONS=detect_leaks=1
	export UBSAN_OPTIONS=print_stacktrace=1
	faults='leak overflow undefined'
	;;
tsan)
	flags+=' -fsanitize=thread'
	export TSAN_OPTIONS="halt_on_error=1 suppressions=$src/tests/sanitize/tsan.supp"
	faults=race
	;;
memcheck)
	command -v valgrind >/dev/null || skip "no valgrind"
	faults='leak overflow'
	;;
*)
	die "unknown kind"
	;;
esac

# only NAMES SUFFIXES: those of the names that end in one of the suffixes.
only() {
	local t s
	for t in $1; do
		for s in $2; do
			[ "${t##*[./]}" != "$s" ] || echo "$t"
		done
	done
}

on_shm() {
	local t
	for t; do
		echo "tests/api/$t.shm"
	done
}

select_tests() {
	local t
	case $kind-$size in
	asan-short)
		only "$api_tests" 'shm file'
		only "$kill_tests" shm
		echo "$other_tests"
		;;
	asan-long)
		echo "$api_tests $kill_tests $other_tests"
		;;
	tsan-short)
		on_shm threads lock multi relaxed fork growth free trim
		echo tests/kill/commits.shm tests/unit/places tests/unit/sweep
		;;
	tsan-long)
		only "$api_tests" 'shm file'
		echo "$kill_tests" tests/unit/places tests/unit/sweep
		;;
	memcheck-short)
		# The random records of this one take minutes.
		for t in $unit_tests; do
			[ "$t" = tests/unit/record ] || echo "$t"
		done
		on_shm write
		;;
	memcheck-long)
		echo "$unit_tests"
		# "pointer" executes itself again, which valgrind does not let it.
		on_shm alloc idmap large lock multi nested readonly tx write
		;;
	esac
}

# A program of ours, as the tests run it.
run() {
	if [ "$kind" = memcheck ]; then
		valgrind -q --error-exitcode=99 --leak-check=full \
			--errors-for-leak-kinds=definite --child-silent-after-fork=no \
			"$@"
	else
		"$@"
	fi
}

mkdir -p "$dir"

# The fault that $1 names must be found, or the tests below prove nothing.
plant() {
	cat >"$dir/fault.c" <<'END'
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static int shared;

static void *add(void *arg)
{
	(void)arg;
	for (int i = 0; i < 10000; i++)
		shared++;
	return NULL;
}

int main(int argc, char **argv)
{
	volatile int n = INT_MAX;
	char *volatile p = malloc(10);
	pthread_t thread;

	if (argc > 1 && !strcmp(argv[1], "leak"))
		p = NULL;
	if (argc > 1 && !strcmp(argv[1], "overflow") && p[10])
		n = 0;
	if (argc > 1 && !strcmp(argv[1], "undefined"))
		n++;
	if (argc > 1 && !strcmp(argv[1], "race")) {
		pthread_create(&thread, NULL, add, NULL);
		add(NULL);
		pthread_join(thread, NULL);
	}
	free(p);
	return 0;
}
END
	$cc $flags -pthread -o "$dir/fault" "$dir/fault.c" 2>"$dir/fault.out" ||
		skip "$cc cannot build with $flags"
	run "$dir/fault" >"$dir/fault.out" 2>&1 ||
		die "a good program fails: $(cat "$dir/fault.out")"
	! run "$dir/fault" "$1" >"$dir/fault.out" 2>&1 ||
		die "a planted fault ($1) is not found"
}

build() {
	[ -f "$dir/config.status" ] ||
		(cd "$dir" && "$src/configure" --disable-shared CC="$cc" \
			CFLAGS="$flags" CXXFLAGS="$flags" >configure.out 2>&1) ||
		die "configure fails, see $dir/configure.out"
	make -C "$dir" check TESTS= >"$dir/make.out" 2>&1 ||
		die "the build fails, see $dir/make.out"
}

# Names of pools that each of the two windows must refuse from the other.
try_windows() {
	pools=$(mktemp -d)
	trap 'rm -rf "$pools"' EXIT
	"$out/pmheap" create --size 1M "$pools/plain" >"$pools/out" 2>&1 ||
		die "pmheap create: $(cat "$pools/out")"
	"$dir/pmheap" create --size 1M "$pools/tsan" >"$pools/out" 2>&1 ||
		die "pmheap create: $(cat "$pools/out")"
	"$dir/pmheap" check "$pools/tsan" >"$pools/out" 2>&1 ||
		die "pmheap check: $(cat "$pools/out")"
	refused "$dir/pmheap" "$pools/plain" 0x550000000000
	refused "$out/pmheap" "$pools/tsan" 0x300000000000
	echo "PASS: pools of the other address window are refused"
}

# Refused by name: the error says which window this process has.
refused() {
	! "$1" check "$2" >"$pools/out" 2>&1 || die "$1 takes $2"
	grep -q "another address window.*this process has $3" "$pools/out" ||
		die "$1 does not say why $2 is refused: $(cat "$pools/out")"
}

# valgrind on the programs themselves: make would run it on shells.
run_memcheck() {
	local t failed=0
	for t in $tests; do
		case $t in
		*.shm | *.file | *.dax | *.volatile)
			export PMHEAP_TEST_BACKEND=${t##*.}
			;;
		esac
		if run "$dir/${t%.*}" >"$dir/memcheck.out" 2>&1; then
			echo "PASS: $t"
		else
			cat "$dir/memcheck.out"
			echo "FAIL: $t"
			failed=1
		fi
	done
	return $failed
}

tests=$(select_tests | tr '\n' ' ')
[ -n "$tests" ] || die "PMHEAP_SANITIZE is neither short nor long"
for f in $faults; do
	plant "$f"
done
build
if [ "$kind" = memcheck ]; then
	run_memcheck
	exit
fi
[ "$kind" != tsan ] || try_windows
make -C "$dir" -k check TESTS="$tests" >"$dir/check.out" 2>&1 || {
	grep -E '^(PASS|SKIP|FAIL|ERROR): ' "$dir/check.out" || true
	cat "$dir/test-suite.log"
	die "tests fail"
}
grep -E '^(PASS|SKIP|FAIL|ERROR): ' "$dir/check.out"
