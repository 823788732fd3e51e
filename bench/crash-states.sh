#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Crash states that the explorer of tests/crash tries in a second: a pool of
# 1 MiB with 300 objects, in which little happens, on persistent memory. One
# process per processor; the median of five rounds. A state is counted once,
# however often it is met; crashes inside recovery are among them.
set -eu
explore=${top_builddir:-.}/tests/crash/explore
procs=$(nproc)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

for round in 1 2 3 4 5; do
	i=0
	while [ "$i" -lt "$procs" ]; do
		i=$((i + 1))
		"$explore" --workload hundreds --mode adr --states 60000 \
			--seed $((round * 100 + i)) >"$out/$round.$i" &
	done
	wait
	sed -n 's/.* in [0-9.]* s: \([0-9]*\) a second.*/\1/p' \
		"$out/$round".* | awk -v r="$round" -v p="$procs" '
		{ sum += $1 }
		END { printf "round %d: %d a second by %d processes\n", r, sum, p }'
done | tee "$out/rounds"
sort -t' ' -k3 -n "$out/rounds" |
	awk 'NR == 3 { print "median: " $3 " crash states a second" }'
