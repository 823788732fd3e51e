# SPDX-License-Identifier: BSD-3-Clause
# tests/tools/common.bash: what the tests of the command share. Each test works
# in a folder of its own that bats removes.

# shellcheck disable=SC2034 # for the tests
src=$(cd "${top_srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
pmheap=$build/pmheap
writer=$build/tests/tools_writer
busy=$build/tests/tools_busy
writer_pid=

setup() {
	cd "$BATS_TEST_TMPDIR" || exit 1
}

teardown() {
	stop_writer
}

# start_writer PROGRAM ARGUMENTS...: a process that works in a pool until it is
# stopped; returns when it is at work.
start_writer() {
	mkfifo ready
	"$@" >ready 2>writer.err 3>&- &
	writer_pid=$!
	local word
	read -r word <ready || word=
	rm -f ready
	[ "$word" = ready ] || {
		cat writer.err
		false
	}
}

stop_writer() {
	[ -n "$writer_pid" ] || return 0
	kill -9 "$writer_pid" 2>/dev/null || true
	wait "$writer_pid" 2>/dev/null || true
	writer_pid=
}

# refused CODE PATTERN: after `run`: that code, what failed and what to do.
refused() {
	[ "$status" -eq "$1" ] || {
		echo "code $status, not $1: $output"
		false
	}
	grep -Eq -- "$2" <<<"$output" || {
		echo "no '$2' in: $output"
		false
	}
	[ "${#lines[@]}" -ge 2 ]
}

# says PATTERN: a line of the last output matches.
says() {
	grep -Eq -- "$1" <<<"$output" || {
		echo "no '$1' in: $output"
		false
	}
}

# true_of FILTER: the last output is JSON, of which this is true.
true_of() {
	jq -e "$1" <<<"$output" >/dev/null || {
		echo "not true: $1 of: $output"
		false
	}
}

# same A B: the files do not differ.
same() {
	cmp -- "$1" "$2"
}
