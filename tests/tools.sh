#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# tests/tools.sh: every verb of the pmheap command, its JSON, its failures and
# its exit codes.
set -u
unset PMHEAP_BACKEND PMHEAP_ASSUME_PMEM
build=$(cd "${top_builddir:-.}" && pwd) || exit 99
pmheap=$build/pmheap
writer=$build/tests/tools_writer
dir=$(mktemp -d "${TMPDIR:-/tmp}/pmheap-tools-XXXXXX") || exit 99
writer_pid=
checks=0
failures=0

tidy() {
	[ -z "$writer_pid" ] || kill -9 "$writer_pid" 2>/dev/null
	rm -rf "$dir"
}
trap tidy EXIT
trap 'exit 99' INT TERM

cd "$dir" || exit 99
python3=$(command -v python3)
[ -n "$python3" ] ||
	echo "part skipped: no python3, JSON and colours are not looked at"

fail() {
	echo "FAIL: $*"
	sed 's/^/    out: /' out
	sed 's/^/    err: /' err
	failures=$((failures + 1))
}

# run CODE WHAT COMMAND...: the command ends with CODE.
run() {
	want=$1 what=$2
	shift 2
	checks=$((checks + 1))
	"$@" >out 2>err </dev/null
	got=$?
	[ "$got" -eq "$want" ] || fail "$what: exit code $got, not $want"
}

# says FILE PATTERN: a line of the last output (out or err) matches.
says() {
	checks=$((checks + 1))
	grep -Eq -- "$2" "$1" || fail "$what: no '$2' in $1"
}

# succeeds WHAT COMMAND...: code 0, and nothing on stderr.
succeeds() {
	run 0 "$@"
	[ ! -s err ] || fail "$what: it writes to stderr"
}

# refuses CODE WHAT PATTERN COMMAND...: what failed and why, and what to do,
# each line marked; and, where nothing else is known, no output.
refuses() {
	code=$1 name=$2 pattern=$3
	shift 3
	run "$code" "$name" "$@"
	says err "$pattern"
	[ "$(wc -l <err)" -ge 2 ] || fail "$what: no advice"
	if grep -Evq '^pmheap: .' err; then
		fail "$what: a line of stderr is not marked"
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

# spoil FILE OFFSET: other bytes there.
spoil() {
	printf 'spoiledspoiled!!' |
		dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

same() {
	checks=$((checks + 1))
	cmp -s "$1" "$2" || fail "$what: it changed the file"
}

help_and_usage() {
	succeeds "--help" "$pmheap" --help
	for verb in create info check clone reid demo; do
		what="--help names $verb"
		says out "^  $verb "
	done
	for verb in create info check clone reid demo; do
		succeeds "$verb --help" "$pmheap" $verb --help
		says out "^Usage: pmheap $verb "
		says out '--help  '
		cp out help
		succeeds "help $verb" "$pmheap" help $verb
		same help out
		refuses 16 "$verb --nonsense" "no option '--nonsense'" \
			"$pmheap" $verb --nonsense x
	done
	for verb in create info check clone reid; do
		refuses 16 "$verb without a file" 'is missing' "$pmheap" $verb
		refuses 16 "$verb with too many" "'[bc]' is one name too many" \
			"$pmheap" $verb a b c
	done
	succeeds "--version" "$pmheap" --version
	says out '^pmheap [0-9]+\.[0-9]+\.[0-9]+$'
	refuses 16 "no verb" 'no verb given' "$pmheap"
	refuses 16 "wrong verb" "no verb 'crate'" "$pmheap" crate x
	refuses 16 "help of a wrong verb" "no verb 'x'" "$pmheap" help x
	refuses 16 "wrong option" "no option '--nonsense'" "$pmheap" --nonsense
	if [ -w /dev/full ]; then
		checks=$((checks + 1))
		"$pmheap" --help >/dev/full 2>err
		[ $? -eq 8 ] || fail "output to a full device is not an error"
	fi
}

create() {
	succeeds "create" "$pmheap" create plain
	says out '^Created plain: 64 MiB, id [0-9a-f]{16}, backend '
	what="create's default mode and size"
	checks=$((checks + 1))
	[ "$(stat -c '%a %s' plain)" = "600 67108864" ] ||
		fail "$what: $(stat -c '%a %s' plain)"
	succeeds "create with options" "$pmheap" create --size 2M \
		--max-size=32MiB --layout 'words "1"' --mode 0640 pool
	checks=$((checks + 1))
	[ "$(stat -c %a pool)" = 640 ] || fail "create --mode"
	succeeds "create after --" "$pmheap" create --size 1024k -- -dash
	refuses 8 "create over a file" 'plain.*[Ee]xists' "$pmheap" create plain
	refuses 8 "create in no folder" 'No such file' \
		"$pmheap" create none/pool
	refuses 8 "create below 1 MiB" 'cannot create' \
		"$pmheap" create --size 4096 small
	for size in 0 -1 x 1X 1MM 12Q '' 99999999999999999999 99999999T; do
		refuses 16 "create --size '$size'" 'is no size' \
			"$pmheap" create --size "$size" bad
	done
	refuses 16 "create with max below size" 'less than the size' \
		"$pmheap" create --size 2M --max-size 1M bad
	for mode in 8 abc 0 1777 ''; do
		refuses 16 "create --mode '$mode'" 'octal' \
			"$pmheap" create --mode "$mode" bad
	done
	refuses 16 "create --size alone" 'needs a value' "$pmheap" create --size
	refuses 8 "create with no such backend" 'nosuch' \
		"$pmheap" create --backend nosuch bad
	checks=$((checks + 1))
	if [ -e bad ] || [ -e small ]; then
		fail "a failed create leaves a file"
	fi
}

backends() {
	succeeds "create --backend file" \
		"$pmheap" create --size 1M --backend file by-file
	says out 'backend file .*survives a power cut'
	shm=$(mktemp -u /dev/shm/pmheap-tools-XXXXXX)
	if [ "$(stat -fc %T /dev/shm 2>/dev/null)" != tmpfs ] ||
	   ! : >"$shm"; then
		echo "part skipped: /dev/shm is no tmpfs that can be written"
		return
	fi
	rm -f "$shm"
	refuses 8 "create --backend dax on tmpfs" 'cannot create' \
		"$pmheap" create --size 1M --backend dax "$shm"
	says err 'Leave out --backend'
	succeeds "create on tmpfs" "$pmheap" create --size 1M "$shm"
	says out 'backend shm .*survives the process'
	succeeds "info on tmpfs" "$pmheap" info "$shm"
	says out '^backend  +shm$'
	says out '^durability  +.* survives the process, not the machine$'
	rm -f "$shm"
}

info() {
	cp pool before
	succeeds "info" "$pmheap" info pool
	says out '^id  +[0-9a-f]{16}$'
	says out '^layout  +words "1"$'
	says out '^size  +2 MiB \(2097152 bytes\)$'
	says out '^max size  +32 MiB \(33554432 bytes\)$'
	says out '^objects  +0$'
	says out '^pending log entries  +0$'
	says out '^backend  +[a-z]'
	checks=$((checks + 1))
	[ "$(sed 's/^\(.\{19\}\)  .*/\1/' out | awk '{ print length }' |
		sort -u | wc -l)" -eq 1 ] || fail "info: the table is not aligned"
	succeeds "info --json" "$pmheap" info pool --json
	json 'd["file"] == "pool" and d["layout"] == "words \"1\""'
	json 'd["size"] == 2 << 20 and d["max_size"] == 32 << 20'
	json 'len(d["id"]) == 16 and int(d["id"], 16) > 0'
	json 'd["objects"] == 0 and d["used"] == 0 and d["pending"] == 0'
	json 'd["format"] >= 1 and d["lanes"] >= 1 and d["lane_size"] > 0'
	json 'd["survives"] in ("power", "process") and d["backend"]'
	same pool before
	refuses 8 "info of nothing" 'No such file' "$pmheap" info none
	refuses 8 "info of a folder" 'cannot read' "$pmheap" info .
	printf '%4096s' x >text
	refuses 8 "info of a text" 'text' "$pmheap" info text
	says err 'not made by libpmheap'
	name=$(printf 'a\001"\\\303\244\377')
	cp pool "$name"
	succeeds "info --json of a strange name" "$pmheap" info --json "$name"
	json 'd["file"] == "a\x01\"\\\u00e4\u00ff"'
}

check() {
	cp pool before
	succeeds "check of a clean pool" "$pmheap" check pool
	says out '^pool: clean\. 0 objects, '
	succeeds "check --json" "$pmheap" check --json pool
	json 'd["status"] == "clean" and d["faults"] == 0 and d["zones"] >= 1'
	json 'd["layout"] == "words \"1\"" and d["message"] == ""'
	succeeds "check --repair of a clean pool" "$pmheap" check --repair pool
	same pool before
	refuses 8 "check of nothing" 'No such file' "$pmheap" check none
	refuses 8 "check of a text" 'text' "$pmheap" check text
	refuses 8 "check --json of a text" 'text' "$pmheap" check --json text
	json 'd["status"] == "unreadable" and d["message"]'
}

# Header copy 0 is at 0, copy 1 at 16384; the layout name is at 160 in each.
check_damage() {
	cp pool half && spoil half 192 && cp half before
	run 4 "check of a damaged header copy" "$pmheap" check half
	says out '^half: repairable\. .'
	says out 'pmheap check --repair half'
	run 4 "check --json of it" "$pmheap" check --json half
	json 'd["status"] == "repairable" and d["message"]'
	same half before
	run 1 "check --repair of it" "$pmheap" check --repair half
	says out '^half: repaired\.'
	succeeds "check after the repair" "$pmheap" check half
	cp pool both && spoil both 192 && spoil both 16576 && cp both before
	refuses 4 "check of two damaged copies" "'both' is damaged" \
		"$pmheap" check both
	refuses 4 "check --repair of them" "'both' is damaged" \
		"$pmheap" check --repair both
	refuses 4 "check --json of them" "'both' is damaged" \
		"$pmheap" check --json both
	json 'd["status"] == "damaged" and d["message"]'
	refuses 4 "info of them" 'cannot read' "$pmheap" info both
	same both before
	head -c 1500000 pool >short
	refuses 4 "check of a truncated pool" "'short' is damaged" \
		"$pmheap" check short
}

copies() {
	succeeds "clone" "$pmheap" clone pool copy
	says out '^Cloned pool to copy, id [0-9a-f]{16}\.$'
	id=$("$pmheap" info pool | sed -n 's/^id  *//p')
	succeeds "info of the clone" "$pmheap" info copy
	says out '^layout  +words "1"$'
	checks=$((checks + 1))
	! grep -q "$id" out || fail "the clone has the id of its original"
	refuses 8 "clone over a file" 'copy.*[Ee]xists' "$pmheap" clone pool copy
	refuses 8 "clone of nothing" 'No such file' "$pmheap" clone none new
	refuses 4 "clone of a damaged pool" 'cannot clone' \
		"$pmheap" clone both new
	checks=$((checks + 1))
	[ ! -e new ] || fail "a failed clone leaves a file"
	cp pool copied
	succeeds "reid" "$pmheap" reid copied
	says out "^copied: id $id became [0-9a-f]{16}\.\$"
	checks=$((checks + 1))
	! grep -q "became $id" out || fail "reid gives the same id again"
	succeeds "check after reid" "$pmheap" check copied
	refuses 8 "reid of nothing" 'No such file' "$pmheap" reid none
	refuses 8 "reid of a text" 'text' "$pmheap" reid text
}

# A pool that a process holds, and that the process leaves behind when killed.
held_and_killed() {
	mkfifo ready
	"$writer" pool 100 >ready 2>err &
	writer_pid=$!
	what="the writer"
	read -r word <ready
	checks=$((checks + 1))
	[ "$word" = ready ] || fail "the writer does not write"
	for verb in info check reid; do
		refuses 8 "$verb of a pool that is open" "$writer_pid" \
			"$pmheap" $verb pool
		says err 'Close the program'
	done
	refuses 8 "clone of a pool that is open" "$writer_pid" \
		"$pmheap" clone pool new
	kill -9 "$writer_pid"
	wait "$writer_pid" 2>/dev/null
	writer_pid=
	cp pool before
	succeeds "check of a killed pool" "$pmheap" check pool
	says out '^pool: not closed\. No fault: the next open replays [0-9]+ '
	succeeds "check --json of it" "$pmheap" check --json pool
	json 'd["status"] == "pending" and d["objects"] == 100'
	succeeds "info --json of it" "$pmheap" info --json pool
	json 'd["objects"] == 100 and d["used"] == 6400 and d["pending"] > 0'
	same pool before
	run 0 "check --repair of it" "$pmheap" check --repair pool
	succeeds "check after it" "$pmheap" check --json pool
	json 'd["status"] == "clean" and d["objects"] == 100'
}

demo() {
	mkdir place
	succeeds "demo" "$pmheap" demo place
	for step in 1 2 3 4 5 6; do
		says out "^$step\. "
	done
	says out '^5\. .*Counter: 1000\. Nodes in the list: 1000\. Nodes$'
	says out '^Nothing was lost, and nothing is half done\.$'
	refuses 8 "demo in no folder" "none" "$pmheap" demo none
	succeeds "demo in TMPDIR" env TMPDIR="$dir/place" "$pmheap" demo
	says out "^1\. .*$dir/place/"
	checks=$((checks + 1))
	[ -z "$(ls -A place)" ] || fail "the demo leaves files behind"
}

# on_terminal VARIABLES: check, with its output to a terminal.
on_terminal() {
	what="on a terminal with $*"
	checks=$((checks + 1))
	python3 terminal.py env "$@" "$pmheap" check plain \
		2>err </dev/null >screen || fail "$what: it fails"
}

# Colours: on a terminal only, and not with NO_COLOR.
colours() {
	[ -n "$python3" ] || return 0
	cat >terminal.py <<'PYTHON'
import os, pty, sys
with open("out", "wb") as out:
    def read(fd):
        data = os.read(fd, 4096)
        out.write(data)
        return data
    status = pty.spawn(sys.argv[1:], read)
sys.exit(os.waitstatus_to_exitcode(status))
PYTHON
	esc=$(printf '\033')
	on_terminal NO_COLOR= TERM=xterm
	says out "$esc\[32mclean$esc\[0m"
	on_terminal NO_COLOR=1 TERM=xterm
	says out '^plain: clean\.'
	on_terminal NO_COLOR= TERM=dumb
	says out '^plain: clean\.'
}

: >out
: >err
help_and_usage
create
backends
info
check
check_damage
copies
held_and_killed
demo
colours
echo "tools: $checks checks, $failures failures"
[ "$failures" -eq 0 ]
