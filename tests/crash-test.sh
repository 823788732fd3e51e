#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# tests/crash-test.sh: pmheap crash-test finds planted faults, says where they
# are, repeats them, and finds nothing where there is nothing.
set -u
unset PMHEAP_BACKEND PMHEAP_ASSUME_PMEM
: "${top_srcdir:=$(cd "$(dirname "$0")/.." && pwd)}"
src=$(cd "$top_srcdir" && pwd) || exit 99
build=$(cd "${top_builddir:-.}" && pwd) || exit 99
pmheap=$build/pmheap
bank=$build/examples/bank
target=$build/tests/crash_target
checks=0
failures=0

if [ ! -e "$build/.libs/crash-record.so" ]; then
	echo "SKIP: no shared library was built"
	exit 77
fi
dir=$(mktemp -d "${TMPDIR:-/tmp}/pmheap-crash-test-XXXXXX") || exit 99
mkdir "$dir/work" || exit 99
trap 'rm -rf "$dir"' EXIT
trap 'exit 99' INT TERM
cd "$dir" || exit 99
python3=$(command -v python3)

fail() {
	echo "FAIL: $*"
	sed 's/^/    out: /' out
	sed 's/^/    err: /' err
	failures=$((failures + 1))
}

# run CODE WHAT OPTION... -- PROGRAM...: crash-test ends with CODE.
run() {
	want=$1 what=$2
	shift 2
	checks=$((checks + 1))
	"$pmheap" crash-test --dir "$dir/work" --states 1500 "$@" \
		>out 2>err </dev/null
	got=$?
	[ "$got" -eq "$want" ] || fail "$what: exit code $got, not $want"
	[ -z "$(ls -A work)" ] || fail "$what: it leaves files: $(ls work)"
	rm -rf work
	mkdir work
}

# says FILE PATTERN: a line of the last output (out or err) matches.
says() {
	checks=$((checks + 1))
	grep -Eq -- "$2" "$1" || fail "$what: no '$2' in $1"
}

# says_not FILE PATTERN
says_not() {
	checks=$((checks + 1))
	if grep -Eq -- "$2" "$1"; then
		fail "$what: '$2' in $1"
	fi
}

# json PYTHON: the last output is one JSON object, d, of which this is true.
json() {
	[ -n "$python3" ] || return 0
	checks=$((checks + 1))
	python3 -c '
import json, sys
d = json.load(open("out"))
sys.exit(0 if eval(sys.argv[1]) else 1)' "$1" 2>>err ||
		fail "$what: not true of the JSON: $1"
}

# The line in file $1 of the $2nd TX_START after the first match of $3.
transaction_line() {
	awk -v pattern="$3" -v n="$2" '
		$0 ~ pattern { on = 1 }
		on && /TX_START/ && --n == 0 { print NR; exit }' "$1"
}

has_lines() {
	grep -q '^#define HAVE_LIBDW 1' "$build/config.h" &&
		readelf -S "$build/examples/.libs/bank" "$bank" 2>/dev/null |
		grep -q '\.debug_line'
}

a_split_transfer_is_found_with_its_line() {
	first=$(transaction_line "$src/examples/bank.c" 1 '^static void move_split')
	second=$(transaction_line "$src/examples/bank.c" 2 '^static void move_split')
	run 1 'bank split' -- "$bank" bank.pool split 4
	says out '^result .*1 failure, in [0-9]+ states'
	says out '^ *says .*bank: 4000 in all accounts instead of 8000'
	says out '^ *after +transaction 2'
	says out '^ *before +transaction 3'
	if has_lines; then
		says out "^ *after .*move_split\(\) at bank\.c:$first, from run"
		says out "^ *before .*move_split\(\) at bank\.c:$second,"
	else
		echo "part skipped: no libdw or no line numbers"
	fi
}

# replay: the command of the last report, with another file for the pool.
replay() {
	sed -n 's/^ *replay *pmheap crash-test //p' out | head -n 1
}

a_replay_repeats_one_state() {
	command=$(replay)
	rm -f bank.pool
	eval "run 1 replay $command"
	says out 'tried .* 1 state,'
	says out 'bank: 4000 in all accounts'
	says out '^ *after +transaction 2'
}

the_whole_transfer_passes() {
	rm -f bank.pool
	run 0 'bank move' -- "$bank" bank.pool move 4
	says out '^result +no failure'
	says out '^verify .*own function'
	says out '^recorded .*5 transactions'
	what=states
	tried=$(sed -n 's/^tried.* \([0-9]*\) of them different.*/\1/p' out)
	[ "$tried" -ge 80 ] || fail "only $tried different states were tried"
}

a_kept_run_is_explored_again() {
	rm -f bank.pool
	run 1 keep --keep kept -- "$bank" bank.pool split 2
	says out '^ *kept in +kept/failure-1'
	run 1 'keep twice' --trace kept -- "$bank"
	says out 'recorded earlier'
	command=$(replay)
	eval "run 1 'replay of a kept run' $command"
	says out '4000 in all accounts'
	checks=$((checks + 1))
	"$pmheap" check kept/failure-1/bank.pool >out 2>err ||
		fail "the kept pool is damaged"
	"$bank" kept/failure-1/bank.pool verify >out 2>err &&
		fail "the kept pool is right"
	run 8 'keep in what is there' --keep kept -- "$bank" bank.pool move 1
	says err 'File exists'
}

a_run_over_a_pool_that_exists_is_explored() {
	rm -f bank.pool
	"$bank" bank.pool move 3
	cp bank.pool before.pool
	run 1 'existing pool' --points 0-200 -- "$bank" bank.pool split 2
	says out '^ *after +transaction 1,'
	cp before.pool bank.pool
	run 0 'existing pool, whole' -- "$bank" bank.pool move 2
	says out '^recorded .*2 transactions'
}

each_model_finds_it() {
	for mode in adr eadr page; do
		rm -f bank.pool
		run 1 "mode $mode" --mode $mode -- "$bank" bank.pool split 2
		says out "^model +$mode, seed 1"
	done
	run 16 'no mode' --mode sync -- "$bank" bank.pool split 2
}

a_command_verifies() {
	rm -f p
	run 1 'verify by a command' --states 60 \
		--verify "'$target' verify {}" -- "$target" split p
	says out 'verify ends with 7'
	says out 'pair [01]: [1-9] and [0-9]'
	says_not out 'first line'
	rm -f p
	run 1 'the environment' --states 60 \
		--verify "'$target' verify \"\$PMHEAP_CRASH_POOL\"" \
		-- "$target" split p
	rm -f p
	run 0 'a command that is content' --states 60 --verify true \
		-- "$target" split p
	rm -f p
	run 1 'a command that dies' --states 30 --verify 'kill -SEGV $$' \
		-- "$target" ok p
	says out 'killed by signal 11'
	rm -f p
	run 8 'no such command' --verify 'no-such-command {}' -- "$target" ok p
	says err 'cannot verify'
	says err 'no-such-command'
}

a_verify_that_hangs_is_a_failure() {
	rm -f p
	run 1 hang --timeout 1 --states 100 -- "$target" hang p
	says out 'verify does not end, in [1-9][0-9]* state'
	says out '^ *after +transaction [345],'
	rm -f p
	run 1 'hang of a command' --timeout 1 --states 20 \
		--verify 'sleep 1000 & wait' -- "$target" ok p
	says out 'verify does not end'
}

programs_end_in_every_way() {
	for how in die exit ok calls fork reopen threads; do
		rm -f p
		run 0 "$how" -- "$target" $how p
		says out '^result +no failure'
	done
	rm -f p
	run 0 die -- "$target" die p
	says out '^ended .*signal 11'
	says out '^recorded .*5 transactions'
	rm -f p
	run 0 exit -- "$target" exit p
	says out '^ended .*exit code 3'
	rm -f p
	run 0 threads -- "$target" threads p
	says out '^recorded .*20 transactions'
}

# A write outside of transactions is named by its function.
other_calls_are_named() {
	rm -f p
	run 1 writes -- "$target" writes p
	says out '^ *after +pm_write'
	says out '^ *before +pm_write'
	! has_lines || says out '^ *after .*in step_writes\(\) at crash_target\.c'
}

two_pools_are_crashed_together() {
	rm -f p second
	run 0 'two pools' -- "$target" ok p second
	says out '^pools .*p \(.*\), second \('
	rm -f p second
	run 1 'two pools, split' -- "$target" split p second
	says out '^ *after +transaction 1,'
	mkdir -p other
	rm -f p other/p
	run 8 'two pools of one name' -- "$target" ok p other/p
	says err 'same file name'
}

what_cannot_be_tested_is_said() {
	run 8 'no pool' -- "$target" none
	says err 'opened no pool'
	run 8 'no program' -- ./no-such-program
	says err 'cannot run'
	run 16 'nothing'
	says err 'program is missing'
	run 16 'bad state' --state 1:nonsense:0 -- "$target" ok p
	run 16 'bad number' --states many -- "$target" ok p
	run 16 'bad points' --points 7 -- "$target" ok p
	run 8 'no trace' --trace nowhere -- "$target" ok p
	rm -f p
	run 0 'no verify' -- "$target" mute p
	says out '^verify +none'
}

a_damaged_pool_is_the_library_s_fault() {
	rm -f p
	"$target" ok p
	run 0 'for damage' --keep spoiled -- "$target" ok p
	dd if=/dev/zero of=spoiled/image-1 bs=4096 count=8 conv=notrunc 2>err
	run 1 damage --trace spoiled -- "$target" ok p
	says out 'THE POOL IS DAMAGED: a fault of libpmheap'
	dd if=/dev/urandom of=spoiled/trace bs=4096 seek=1 count=1 \
		conv=notrunc 2>err
	run 8 'a spoiled trace' --trace spoiled -- "$target" ok p
	says err 'damaged'
}

the_report_is_json() {
	rm -f bank.pool
	run 1 JSON --json -- "$bank" bank.pool split 2
	json 'd["transactions"] == 5 and d["states"] > 100 and d["complete"]'
	json 'len(d["failures"]) == 1 and d["failures"][0]["kind"] == "exit"'
	json 'd["failures"][0]["after"]["transaction"] == 2'
	json 'd["failures"][0]["replay"].startswith("pmheap crash-test ")'
	! has_lines ||
		json 'd["failures"][0]["after"]["frames"][0]["file"] == "bank.c"'
	rm -f bank.pool
	run 0 JSON --json -- "$bank" bank.pool move 2
	json 'd["failures"] == [] and d["pools"][0]["file"].endswith("bank.pool")'
}

the_number_of_jobs_changes_nothing() {
	rm -f p
	run 1 'to keep' --keep jobs -- "$target" split p
	for jobs in 1 3; do
		run 1 "$jobs jobs" --jobs $jobs --json --trace jobs -- "$target" split p
		json 'd["states"] > 0'
		sed 's/"replay.*//' out >out.$jobs
	done
	checks=$((checks + 1))
	cmp -s out.1 out.3 || fail "1 and 3 jobs find different things"
}

a_split_transfer_is_found_with_its_line
a_replay_repeats_one_state
the_whole_transfer_passes
a_kept_run_is_explored_again
a_run_over_a_pool_that_exists_is_explored
each_model_finds_it
a_command_verifies
a_verify_that_hangs_is_a_failure
programs_end_in_every_way
other_calls_are_named
two_pools_are_crashed_together
what_cannot_be_tested_is_said
a_damaged_pool_is_the_library_s_fault
the_report_is_json
the_number_of_jobs_changes_nothing

echo "$checks checks, $failures failed"
[ "$failures" -eq 0 ]
