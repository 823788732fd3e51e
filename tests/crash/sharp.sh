#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A removed fence or flush is found: the crash explorer fails when all fences
# of one order (T1 to T4 in lib/tx/log.c), the flushes of what entries changed,
# or those of deferred entries do nothing. With all of them tests/crash/explore
# passes.
set -u
explore=${top_builddir:-.}/tests/crash/explore
bad=0

run()
{
	out=$("$explore" --workload "$2" --mode "$3" --states "$4" \
		--drop "$1" 2>&1)
	status=$?
}

# order, workload, mode, states, name
while read -r order workload mode states name; do
	run "$order" "$workload" "$mode" "$states"
	if [ $status -ne 1 ] || ! echo "$out" | grep -q '^FAIL .*: '; then
		echo "FAIL: without $name ($workload, $mode) nothing is found"
		echo "$out"
		bad=1
	else
		echo "found without $name: $workload, $mode"
	fi
done <<END
1 anything adr 600 T1
1 tiny-lane page 600 T1
1 relaxed adr 600 T1
1 two-regions adr 600 T1
2 tiny-lane adr 1500 T2
2 reuse adr 1500 T2
2 two-lanes page 1500 T2
3 two-lanes adr 4000 T3
3 two-regions adr 4000 T3
4 direct adr 2500 T4
5 anything adr 600 flushes-of-changes
6 manual adr 600 flushes-of-deferred-entries
END
exit $bad
