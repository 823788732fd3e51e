# SPDX-License-Identifier: BSD-3-Clause
# pmheap stat.
load common

@test "stat of a closed pool says so" {
	"$pmheap" create --size 2M --layout words pool
	cp pool before
	run "$pmheap" stat pool
	[ "$status" -eq 0 ]
	says '^state  +closed$'
	says '^layout  +words$'
	says '^objects  +0$'
	same pool before
}

@test "stat --json is one object" {
	"$pmheap" create --size 2M pool
	run "$pmheap" stat --json pool
	[ "$status" -eq 0 ]
	true_of '.file == "pool" and .size == 2097152 and .objects == 0'
	true_of '.state == "closed" and .pending == 0 and (.id | length) == 16'
}

@test "stat counts the objects of a pool in use" {
	"$pmheap" create --size 2M pool
	start_writer "$writer" pool 100
	run "$pmheap" stat --json pool
	[ "$status" -eq 0 ]
	true_of '.objects == 100 and .used == 6400'
	true_of ".state == \"written by process $writer_pid\""
	true_of '.sequence > .watermark and .pending >= 100 and .log > 6000'
}

@test "stat sees a pool that was left by a killed process" {
	"$pmheap" create --size 2M pool
	start_writer "$writer" pool 100
	stop_writer
	cp pool before
	run "$pmheap" stat --json pool
	[ "$status" -eq 0 ]
	true_of '.objects == 100 and (.state | startswith("not closed"))'
	same pool before
}

@test "stat sees that a pool is only read" {
	"$pmheap" create --size 2M pool
	exec 9<pool
	flock -s 9
	run "$pmheap" stat pool
	says '^state  +read by process [0-9]+$'
}

@test "stat --watch prints a line for each interval" {
	"$pmheap" create --size 8M pool
	start_writer "$busy" work pool 1
	run "$pmheap" stat --watch --count 2 --bytes pool
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 3 ]
	[ "${#lines[0]}" -eq "${#lines[1]}" ]
	[ "${#lines[0]}" -eq "${#lines[2]}" ]
	says '^TIME +COMMITS/S +LOGGED/S +CHECKPOINTS/S '
	# It commits, logs and makes checkpoints.
	awk 'NR > 1 && ($2 < 1 || $3 < 64 || $4 < 1) { exit 1 }' <<<"$output"
}

@test "stat --watch --json prints an object for each line" {
	"$pmheap" create --size 8M pool
	start_writer "$busy" work pool 2
	run "$pmheap" stat --watch --count 2 --json pool
	[ "$status" -eq 0 ]
	[ "$(jq -s 'length == 2 and all(.[]; .commits > 0 and .objects > 0) and
		.[1].sequence > .[0].sequence' <<<"$output")" = true ]
}

@test "stat --watch shows the columns that it is asked for" {
	"$pmheap" create --size 2M pool
	run "$pmheap" stat -w --count 1 -o time,sequence pool
	says '^TIME +SEQUENCE *$'
	run "$pmheap" stat -w --count 1 -o +sequence pool
	says ' SIZE +SEQUENCE *$'
	run "$pmheap" stat -w --count 1 -o time,nonsense pool
	refused 16 "no column 'nonsense'"
	run "$pmheap" stat -w --count x pool
	refused 16 "'x' is no number for --count"
}

@test "a writer does not notice stat" {
	"$pmheap" create --size 8M pool
	start_writer "$busy" work pool 2
	for i in $(seq 50); do
		"$pmheap" stat --json pool | jq -e '.objects > 0' >/dev/null
	done
	kill -0 "$writer_pid"
	stop_writer
	"$busy" verify pool
	"$pmheap" check pool
}

@test "stat refuses what is no pool" {
	run "$pmheap" stat none
	refused 8 'No such file'
	run "$pmheap" stat .
	refused 8 'not a regular file'
	printf '%65536s' x >text
	run "$pmheap" stat text
	refused 8 'not a libpmheap pool'
	: >empty
	run "$pmheap" stat empty
	refused 8 'not a libpmheap pool'
}

@test "stat of a damaged pool is an error" {
	"$pmheap" create --size 2M pool
	for at in 192 16576; do
		printf spoiled | dd of=pool bs=1 seek=$at conv=notrunc
	done
	run "$pmheap" stat pool
	refused 4 'no header copy is intact'
	"$pmheap" create --size 2M other
	truncate -s 1M other
	run "$pmheap" stat other
	refused 4 'truncated'
}

@test "stat refuses what only --watch heeds" {
	"$pmheap" create --size 1M pool
	for option in --raw --noheadings --count=3 --interval=2 --output=time; do
		run "$pmheap" stat "$option" pool
		refused 16 "goes with --watch"
	done
}
