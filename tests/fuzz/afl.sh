#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The same as libfuzzer.sh with AFL++, under ASan and UBSan: it has other ways
# to change strings, and notices a hang.
set -u
. "${top_srcdir:?}/tests/fuzz/build.sh"
seconds=$(((${PMHEAP_FUZZ_SECONDS:-30} + 3) / 4))
dir=$bld/tests/fuzz/afl
cc=${FUZZ_AFL_CC:-}
san='-fsanitize=address,undefined -fsanitize-trap=undefined'
bad=0

[ -n "$cc" ] || skip "no AFL++"
[ -n "${FUZZ_AFL:-}" ] || skip "no afl-fuzz"
export AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 \
	AFL_NO_UI=1 AFL_NO_AFFINITY=1 AFL_QUIET=1
export ASAN_OPTIONS=abort_on_error=1:symbolize=0:detect_leaks=0
ASAN_OPTIONS=$ASAN_OPTIONS:quarantine_size_mb=1
work=$(mktemp -d "${TMPDIR:-/tmp}/pmheap-fuzz-XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
echo 'int main(void) { return 0; }' >"$work/try.c"
$cc $san -o "$work/try" "$work/try.c" >"$work/log" 2>&1 ||
	skip "$cc does not work: $(head -n 1 "$work/log")"

compile "$dir" $san || exit 99
for target in built noise; do
	link_target "$dir" $target afl.c $san || exit 99
	mkdir "$work/in-$target"
	"$bld/tests/fuzz/replay" $target --corpus "$work/in-$target" 60 ||
		exit 99
	out=${PMHEAP_FUZZ_CORPUS:-$work}/afl-$target
	mkdir -p "$out"
	AFL_AUTORESUME=1 "$FUZZ_AFL" -i "$work/in-$target" -o "$out" \
		-m none -t 20000 -V $seconds -- "$dir/$target" \
		>"$work/log" 2>&1 || {
		tail -n 30 "$work/log"
		bad=1
	}
	for found in "$out"/default/crashes/id* "$out"/default/hangs/id*; do
		[ -e "$found" ] || continue
		bad=1
		echo "FAIL: replay $target: $(base64 -w 0 "$found")"
	done
	echo "AFL++, $target: $(sed -n 's/^execs_done *: *//p' \
		"$out/default/fuzzer_stats") executions in $seconds s"
done
exit $bad
