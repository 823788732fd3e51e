#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Random programs of 300 operations against a model: PMHEAP_CRASH_PROGRAMS (10)
# seeds, strict and relaxed, PMHEAP_CRASH_EACH (2500) states of each.
set -eu
explore=${top_builddir:-.}/tests/crash/explore
programs=${PMHEAP_CRASH_PROGRAMS:-10}
seed=${PMHEAP_CRASH_SEED:-1}

while [ "$programs" -gt 0 ]; do
	for workload in program program-relaxed; do
		"$explore" --workload $workload --seed "$seed" \
			--states "${PMHEAP_CRASH_EACH:-2500}"
	done
	seed=$((seed + 1))
	programs=$((programs - 1))
done
