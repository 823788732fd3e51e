#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Pools that lie, from seeds, without a fuzzer or a sanitizer: a part of what
# libfuzzer.sh and afl.sh do that needs no other compiler.
# PMHEAP_FUZZ_SEEDS (3000) of each target.
set -u
replay=${top_builddir:-.}/tests/fuzz/replay
seeds=${PMHEAP_FUZZ_SEEDS:-3000}
bad=0

for target in built noise; do
	"$replay" $target --seeds 0 "$seeds" || bad=1
done
exit $bad
