#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Pools that lie, made up by libFuzzer, under ASan, UBSan and LSan: none makes
# the library crash, hang, leak, or contradict itself.
#
# PMHEAP_FUZZ_SECONDS (30) is shared by the four targets of both fuzzers. What
# is found is printed in base64: tests/fuzz/replay runs it without a fuzzer.
# PMHEAP_FUZZ_CORPUS names a directory in which the corpora are kept.
set -u
. "${top_srcdir:?}/tests/fuzz/build.sh"
seconds=$(((${PMHEAP_FUZZ_SECONDS:-30} + 3) / 4))
dir=$bld/tests/fuzz/libfuzzer
cc=${FUZZ_CLANG:-}
san='-fsanitize=address,undefined -fno-sanitize-recover=all'
bad=0

[ -n "$cc" ] || skip "no clang"
work=$(mktemp -d "${TMPDIR:-/tmp}/pmheap-fuzz-XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
printf 'int LLVMFuzzerTestOneInput(const char *p, long n);
int LLVMFuzzerTestOneInput(const char *p, long n) { return p && n < 0; }\n' \
	>"$work/try.c"
$cc -fsanitize=fuzzer,address,undefined -o "$work/try" "$work/try.c" \
	2>"$work/log" || skip "$cc has no libFuzzer: $(head -n 1 "$work/log")"

# Its tracing of comparisons costs a third and finds little behind checksums.
compile "$dir" $san -fsanitize-coverage=inline-8bit-counters,pc-table || exit 99
for target in built noise; do
	link_target "$dir" $target libfuzzer.c $san -fsanitize=fuzzer ||
		exit 99
	corpus=${PMHEAP_FUZZ_CORPUS:-$work}/libfuzzer-$target
	mkdir -p "$corpus"
	"$bld/tests/fuzz/replay" $target --corpus "$corpus" 300 || exit 99
	# A small quarantine: fresh memory for each allocation is slow.
	ASAN_OPTIONS=quarantine_size_mb=1 "$dir/$target" -max_len=4096 \
		-timeout=20 -rss_limit_mb=2048 -max_total_time=$seconds \
		-print_final_stats=1 -artifact_prefix="$work/found-$target-" \
		"$corpus" >"$work/log" 2>&1
	if [ $? -ne 0 ]; then
		bad=1
		grep -vE '^#[0-9]+|^"' "$work/log"
	fi
	for found in "$work/found-$target"-*; do
		[ -e "$found" ] || continue
		bad=1
		echo "FAIL: replay $target: $(base64 -w 0 "$found")"
	done
	echo "libFuzzer, $target: $(sed -n \
		's/^stat::number_of_executed_units: *//p' "$work/log")" \
		"executions in $seconds s"
done
exit $bad
