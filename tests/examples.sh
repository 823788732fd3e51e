#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# examples.sh: runs every example program and compares what it prints.
set -eu
LC_ALL=C
export LC_ALL
unset PMHEAP_BACKEND PMHEAP_ASSUME_PMEM

ex=$(cd "${top_builddir:-.}/examples" && pwd)
dir=$(mktemp -d "${TMPDIR:-/tmp}/pmheap-examples.XXXXXX")
shm=
pid=
cleanup()
{
	if [ -n "$pid" ]; then
		kill -9 "$pid" 2>/dev/null || :
	fi
	rm -rf "$dir"
	[ -z "$shm" ] || rm -rf "$shm"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

fail()
{
	printf 'FAIL: %s\n' "$*" >&2
	exit 1
}

# expect CODE OUTPUT COMMAND...: standard output and exit code must be these.
expect()
{
	code=$1 want=$2
	shift 2
	rc=0
	got=$("$@" 2>"$dir/stderr") || rc=$?
	[ "$rc" -eq "$code" ] ||
		fail "$*: exit code $rc, not $code: $(cat "$dir/stderr")"
	[ "$got" = "$want" ] || fail "$*: printed '$got', not '$want'"
}

# says PATTERN: the last command's standard error.
says()
{
	grep -q -- "$1" "$dir/stderr" ||
		fail "stderr lacks '$1': $(cat "$dir/stderr")"
}

lines()
{
	printf '%s\n' "$@"
}

queue_keeps_its_order_across_processes()
{
	q=$dir/queue
	expect 1 '' "$ex/queue" "$q" dequeue
	says 'queue'
	expect 0 '' "$ex/queue" "$q" new
	expect 1 '' "$ex/queue" "$q" new
	says 'exists'
	expect 1 '' "$ex/queue" "$q" dequeue
	says 'empty'
	expect 0 '' "$ex/queue" "$q" enqueue one 'two and a half'
	expect 0 '' "$ex/queue" "$q" enqueue three
	expect 0 "$(lines one 'two and a half' three)" "$ex/queue" "$q" show
	says '3 entries'
	expect 0 one "$ex/queue" "$q" dequeue
	expect 0 'two and a half' "$ex/queue" "$q" dequeue
	expect 0 three "$ex/queue" "$q" dequeue
	expect 1 '' "$ex/queue" "$q" dequeue
	expect 0 '' "$ex/queue" "$q" enqueue four
	expect 0 four "$ex/queue" "$q" show
	expect 2 '' "$ex/queue" "$q" nonsense
}

list_changes_all_or_nothing()
{
	l=$dir/list
	expect 0 '' "$ex/list" "$l" add 3 1 2
	expect 0 "$(lines 1 2 3)" "$ex/list" "$l" show
	expect 1 '' "$ex/list" "$l" remove 1 9
	says 'nothing was changed'
	expect 0 "$(lines 1 2 3)" "$ex/list" "$l" show
	expect 0 '' "$ex/list" "$l" reverse
	expect 0 '' "$ex/list" "$l" add -5 10
	expect 0 "$(lines 10 3 2 1 -5)" "$ex/list" "$l" show
	expect 0 '' "$ex/list" "$l" remove 3 10 -5
	expect 0 "$(lines 2 1)" "$ex/list" "$l" show
	expect 2 '' "$ex/list" "$l" add 1x
	expect 1 '' "$ex/queue" "$l" show
	says 'layout'
}

tree_stays_in_order()
{
	t=$dir/tree
	expect 0 '' "$ex/tree" "$t" insert m f t b h p w g i m
	expect 0 "$(lines b f g h i m p t w)" "$ex/tree" "$t" walk
	expect 0 '' "$ex/tree" "$t" remove m b nothing
	expect 0 "$(lines f g h i p t w)" "$ex/tree" "$t" walk
	expect 0 '' "$ex/tree" "$t" remove f t p
	expect 0 "$(lines g h i w)" "$ex/tree" "$t" walk
	expect 0 '' "$ex/tree" "$t" remove g h i w
	expect 0 '' "$ex/tree" "$t" walk
}

regions_agree_in_any_order()
{
	mkdir "$dir/multi"
	for run in 1 2 3; do
		first=left
		[ $((run % 2)) -eq 1 ] || first=right
		expect 0 "run $run: $((run * 90)) transfers, $first opened\
 first: all verified" "$ex/multi_region" "$dir/multi"
	done
	mv "$dir/multi" "$dir/moved"
	expect 0 'run 4: 360 transfers, right opened first: all verified' \
		"$ex/multi_region" "$dir/moved"
	rm "$dir/moved/left.pm"
	expect 1 '' "$ex/multi_region" "$dir/moved"
}

# What crashes do to it is in crash-test.sh.
bank_keeps_its_money()
{
	expect 0 '' "$ex/bank" "$dir/bank" move 100
	expect 0 '' "$ex/bank" "$dir/bank" split 100
	expect 0 '' "$ex/bank" "$dir/bank" verify
	expect 1 '' "$ex/bank" "$dir/no-bank" verify
	expect 2 '' "$ex/bank" "$dir/bank"
}

warm_restart_finds_its_results()
{
	pool=$dir/primes
	backend='file'
	if [ -d /dev/shm ] && [ -w /dev/shm ]; then
		shm=$(mktemp -d /dev/shm/pmheap-examples.XXXXXX)
		pool=$shm/primes
		backend=shm
	fi
	"$ex/warm_restart" "$pool" 100 5000 100 >"$dir/first"
	"$ex/warm_restart" "$pool" 5000 100 10 >"$dir/second"
	expect 0 "$(lines 'prime 100 is 541 (cold' 'prime 5000 is 48611 (cold' \
		'prime 100 is 541 (warm')" sed -n 's/, .* us)$//p' "$dir/first"
	expect 0 "$(lines 'prime 5000 is 48611 (warm' 'prime 100 is 541 (warm' \
		'prime 10 is 29 (cold')" sed -n 's/, .* us)$//p' "$dir/second"
	got=$(tail -n 1 "$dir/second")
	case $got in
	"start 2: 3 hits, 3 misses in its life; backend $backend") ;;
	"start 2: 3 hits, 3 misses in its life; backend "*)
		[ "$backend" = file ] || fail "warm_restart: $got" ;;
	*) fail "warm_restart: $got" ;;
	esac
	expect 0 "$(lines 'start 3: 3 hits, 3 misses in its life')" \
		sh -c "\"$ex/warm_restart\" \"$pool\" | sed 's/; .*//'"
}

backend_of_ones_own_works()
{
	expect 0 "$(lines 'created: 5000 numbers, sum 12502500' \
		'reopened: 5000 numbers, sum 12502500' \
		'backend ram, survives nothing, grown: yes' \
		'emptied: 0 numbers, sum 0' \
		'recovered from the copy: 5000 numbers, sum 12502500')" \
		"$ex/backend_ram"
}

# Text with known and unknown separators, long lines, and no newline at the
# end of the second file.
make_text()
{
	awk 'BEGIN {
		x = 1
		for (i = 0; i < 3000; i++) {
			line = ""
			for (j = 0; j < i % 13; j++) {
				x = (x * 16807) % 2147483647
				w = sprintf("%c%c%c", 97 + x % 26,
					65 + int(x / 26) % 26,
					97 + int(x / 1000) % 7)
				line = line w substr(" ,.-0\t'\''_", 1 + x % 8, 1)
			}
			print line
		}
	}' >"$dir/a.txt"
	tr -d '\n' <"$dir/a.txt" >"$dir/b.txt"
	printf 'the End' >>"$dir/b.txt"
	: >"$dir/empty.txt"
	printf 'ending\303\251\000nul\377 x' >"$dir/c.txt"
	# shellcheck disable=SC2018,SC2019
	for f in a b empty c; do
		tr -cs 'A-Za-z' '\n' <"$dir/$f.txt"
		echo
	done | tr 'A-Z' 'a-z' | grep . | sort | uniq -c |
		awk '{ print $1, $2 }' | sort >"$dir/expected"
}

# words POOL OPTION...: the files of make_text.
words()
{
	pool=$1
	shift
	"$ex/pmwords" -p "$pool" "$@" "$dir/a.txt" "$dir/b.txt" \
		"$dir/empty.txt" "$dir/c.txt"
}

same_as_expected()
{
	sort "$1" | cmp -s - "$dir/expected" ||
		fail "$2: the counts are not those of tr | sort | uniq -c"
}

pmwords_counts_as_the_tools_do()
{
	for batch in 1 7 1000000; do
		words "$dir/words-$batch" -q -l -b "$batch" >"$dir/out" ||
			fail "pmwords -b $batch"
		same_as_expected "$dir/out" "-b $batch"
	done
	"$ex/pmwords" -q -l -p "$dir/words-7" >"$dir/out"
	same_as_expected "$dir/out" 'shown again'
	head -n 3 "$dir/out" | awk '{ printf "%10d %s\n", $1, $2 }' \
		>"$dir/want"
	"$ex/pmwords" -q -n 3 -p "$dir/words-7" >"$dir/out"
	cmp "$dir/want" "$dir/out" || fail "the top 3"
	sort -c -k1,1nr -k2 "$dir/out" || fail "the order of the top"
}

pmwords_refuses_what_it_cannot_continue()
{
	expect 1 '' "$ex/pmwords" "$dir/a.txt"
	says 'no pool'
	expect 1 '' "$ex/pmwords" -p "$dir/none"
	says 'none'
	expect 1 '' "$ex/pmwords" -p "$dir/p" "$dir/missing.txt"
	says 'missing.txt: No such file'
	expect 1 '' "$ex/pmwords" -p "$dir/p" "$dir"
	says 'not a regular file'
	expect 1 '' "$ex/pmwords" -p "$dir/p" -b 0 "$dir/a.txt"
	says 'not a number'
	expect 1 '' "$ex/pmwords" -p "$dir/words-7" "$dir/a.txt"
	says 'was begun with 4 files'
	mv "$dir/c.txt" "$dir/d.txt"
	cp "$dir/d.txt" "$dir/c.txt"
	touch -d '2001-02-03 04:05:06' "$dir/c.txt"
	rc=0
	words "$dir/words-7" 2>"$dir/stderr" >&2 || rc=$?
	[ "$rc" -eq 1 ] || fail "a changed file was accepted"
	says 'has changed since'
	expect 1 '' "$ex/pmwords" -p "$dir/words-7" "$dir/a.txt" \
		"$dir/b.txt" "$dir/empty.txt" "$dir/d.txt"
	says 'but was'
	mv "$dir/d.txt" "$dir/c.txt"
}

pmwords_keeps_what_a_full_pool_holds()
{
	awk 'BEGIN {
		for (i = 0; i < 20000; i++) {
			w = i ""
			gsub(/0/, "ab", w)
			gsub(/[1-5]/, "&x", w)
			for (d = 1; d < 10; d++)
				gsub(d, sprintf("%c", 98 + d), w)
			print "word" w, "the"
		}
	}' >"$dir/many.txt"
	expect 1 '' "$ex/pmwords" -q -s 1M -b 100 -p "$dir/small" "$dir/many.txt"
	says 'larger pool'
	expect 0 counting sh -c "\"$ex/pmwords\" --status -p \"$dir/small\" |
		sed -n 's/^state //p'"
	"$ex/pmwords" -q -l -p "$dir/small" >"$dir/out" 2>"$dir/stderr"
	n=$(sed -n 's/ the$//p' "$dir/out")
	if [ "$n" -eq 0 ] || [ $((n % 100)) -ne 0 ]; then
		fail "a full pool holds $n lines, no whole batches"
	fi
	[ "$(wc -l <"$dir/out")" -eq $((n + 1)) ] ||
		fail "a full pool holds other words than it says"
}

pmwords_survives_kills()
{
	pool=$dir/killed
	kills=0 tries=0
	while [ "$kills" -lt 5 ] && [ "$tries" -lt 60 ]; do
		tries=$((tries + 1))
		# Not by words(): the pid must be that of pmwords.
		"$ex/pmwords" -p "$pool" -q -n 0 -b 3 --pause-us 4000 \
			"$dir/a.txt" "$dir/b.txt" "$dir/empty.txt" \
			"$dir/c.txt" 2>"$dir/stderr" &
		pid=$!
		n=$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')
		sleep "0.$(printf %03d $((60 + n % 300)))"
		kill -9 "$pid" 2>/dev/null || :
		rc=0
		wait "$pid" 2>/dev/null || rc=$?
		pid=
		[ "$rc" -eq 137 ] || fail "kill: code $rc: $(cat "$dir/stderr")"
		"$ex/pmwords" --status -p "$pool" >"$dir/status" 2>&1 || :
		if grep -q '^state counting' "$dir/status" &&
		   ! grep -q '^bytes_done 0$' "$dir/status"; then
			kills=$((kills + 1))
		fi
	done
	[ "$kills" -eq 5 ] || fail "only $kills kills in the middle"
	words "$pool" -q -l >"$dir/out" || fail "pmwords did not continue"
	same_as_expected "$dir/out" "after $kills kills"
}

queue_keeps_its_order_across_processes
list_changes_all_or_nothing
tree_stays_in_order
regions_agree_in_any_order
warm_restart_finds_its_results
backend_of_ones_own_works
bank_keeps_its_money
make_text
pmwords_counts_as_the_tools_do
pmwords_refuses_what_it_cannot_continue
pmwords_keeps_what_a_full_pool_holds
pmwords_survives_kills
echo 'examples: all as expected'
