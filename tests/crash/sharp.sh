#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A removed fence or flush is found: the crash explorer fails when all fences
# of one order (T1 to T4 in lib/tx/log.c), the flushes of what entries changed,
# or those of deferred entries do nothing. With all of them tests/crash/explore
# passes.
set -u
explore=${top_builddir:-.}/tests/crash/explore
bad=0

# order, workload, mode, states, name
# A fault that shows in few states is given several seeds.
while read -r order workload mode states name; do
	found=no
	for seed in 1 2 3 4 5; do
		out=$("$explore" --workload "$workload" --mode "$mode" \
			--states "$states" --drop "$order" --seed $seed 2>&1)
		[ $? -eq 1 ] && echo "$out" | grep -q '^FAIL .*: ' &&
			found=yes && break
	done
	if [ $found = yes ]; then
		echo "found without $name: $workload, $mode, seed $seed"
	else
		echo "FAIL: without $name ($workload, $mode) nothing is found"
		echo "$out"
		bad=1
	fi
done <<END
1 anything adr 600 T1
1 tiny-lane page 600 T1
1 relaxed adr 600 T1
1 two-regions adr 600 T1
2 tiny-lane adr 1500 T2
2 reuse adr 1500 T2
2 two-lanes page 1500 T2
3 anything adr 4000 T3
3 two-lanes adr 4000 T3
4 direct adr 2500 T4
5 anything adr 600 flushes-of-changes
6 manual adr 600 flushes-of-deferred-entries
END
exit $bad
