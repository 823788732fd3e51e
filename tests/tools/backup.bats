# SPDX-License-Identifier: BSD-3-Clause
# pmheap backup and restore.
load common

# In memory, where a writer is fastest.
shm() {
	[ -w /dev/shm ] || skip "/dev/shm cannot be written"
	place=$(mktemp -d /dev/shm/pmheap-tools-XXXXXX)
}

teardown() {
	stop_writer
	[ -z "$place" ] || rm -rf "$place"
}

sound() {
	"$pmheap" check --json "$1" | jq -e '.status == "clean"'
	"$busy" verify "$1"
}

@test "a backup of a closed pool is the same, byte by byte" {
	"$pmheap" create --size 2M --layout words --mode 0640 pool
	run "$pmheap" backup pool copy
	[ "$status" -eq 0 ]
	says '^Backed up pool to copy: 2 MiB.*\.$'
	same pool copy
	[ "$(stat -c %a copy)" = 640 ]
	[ "$(ls)" = "$(printf 'copy\npool')" ]
}

@test "a backup of a killed pool has its log, and opens" {
	"$pmheap" create --size 2M pool
	start_writer "$writer" pool 100
	stop_writer
	"$pmheap" backup pool copy
	same pool copy
	run "$pmheap" check --json copy
	true_of '.status == "pending" and .objects == 100'
}

@test "a backup of a pool in use holds what was committed, and is closed" {
	"$pmheap" create --size 2M --layout words pool
	start_writer "$writer" pool 100
	run "$pmheap" backup pool copy
	[ "$status" -eq 0 ]
	says 'while it was in use, at attempt 1\.$'
	run "$pmheap" check --json copy
	true_of '.status == "clean" and .objects == 100 and .layout == "words"'
	kill -0 "$writer_pid"
}

# busy_backups SIZE THREADS HOW N [OPTION]: backups of a pool at work, each
# sound; at least one must succeed.
busy_backups() {
	local i last=0 total
	done=0
	shm
	"$pmheap" create --size "$1" --max-size 64M "$place/pool"
	start_writer "$busy" work "$place/pool" "$2" $3
	for i in $(seq "$4"); do
		run "$pmheap" backup --timeout 20 $5 "$place/pool" "$place/copy"
		if [ "$status" -eq 8 ] && [[ $output == *attempts* ]]; then
			[ ! -e "$place/copy" ]
			continue
		fi
		[ "$status" -eq 0 ] || {
			echo "$output"
			false
		}
		sound "$place/copy"
		total=$("$busy" verify "$place/copy" |
			sed 's/^total \([0-9]*\).*/\1/')
		[ "$total" -gt "$last" ]
		last=$total
		done=$((done + 1))
		rm "$place/copy"
	done
	kill -0 "$writer_pid"
	[ "$done" -gt 0 ]
	stop_writer
	"$busy" verify "$place/pool"
}

@test "a backup of a pool that one thread writes is consistent" {
	busy_backups 4M 1 strict "${PMHEAP_TEST_BACKUPS:-10}"
}

@test "a backup of a pool that three threads write is consistent" {
	busy_backups 4M 3 strict "${PMHEAP_TEST_BACKUPS:-10}"
}

@test "a backup of a pool whose commits are grouped is consistent" {
	busy_backups 4M 2 relaxed "${PMHEAP_TEST_BACKUPS:-10}"
}

@test "a backup of a pool with small lanes is consistent" {
	busy_backups 2M 2 strict "${PMHEAP_TEST_BACKUPS:-10}"
}

@test "a backup with the writer stopped succeeds at once, and it goes on" {
	busy_backups 4M 3 strict "${PMHEAP_TEST_BACKUPS:-10}" --pause
	[ "$done" -eq "${PMHEAP_TEST_BACKUPS:-10}" ]
}

@test "a stopped writer goes on when the command is killed" {
	shm
	"$pmheap" create --size 4M "$place/pool"
	start_writer "$busy" work "$place/pool" 1
	for i in $(seq 20); do
		"$pmheap" backup --pause "$place/pool" "$place/copy$i" &
		sleep "0.00$((i % 10))"
		kill -9 $! || true
		wait $! || true
	done
	for i in $(seq 100); do
		grep -q '^State:.T' "/proc/$writer_pid/status" || break
		sleep 0.05
	done
	grep -q '^State:.[RSD]' "/proc/$writer_pid/status"
}

# Held up again and again, the command loses its place in the log.
@test "a backup that cannot follow the log says so, and leaves no file" {
	local i lost=0
	shm
	"$pmheap" create --size 16M "$place/pool"
	start_writer "$busy" work "$place/pool" 2
	for i in $(seq 20); do
		"$pmheap" backup --timeout 0 "$place/pool" "$place/copy" \
			>out 2>err &
		for _ in 1 2 3 4 5 6; do
			kill -STOP $! 2>/dev/null && sleep 0.01
			kill -CONT $! 2>/dev/null || break
		done
		if wait $!; then
			sound "$place/copy"
			rm "$place/copy"
			continue
		fi
		grep -q 'attempts its log was always written over' err
		grep -q -- "'pmheap backup --pause' stops" err
		[ "$(ls "$place")" = pool ]
		lost=$((lost + 1))
	done
	[ "$lost" -gt 0 ]
}

@test "a backup that was held up begins anew and is consistent" {
	shm
	"$pmheap" create --size 16M "$place/pool"
	start_writer "$busy" work "$place/pool" 2
	"$pmheap" backup "$place/pool" "$place/copy" >out &
	for _ in 1 2 3 4 5 6; do
		kill -STOP $! && sleep 0.01
		kill -CONT $! || break
	done
	wait $!
	sound "$place/copy"
}

@test "backup refuses a place that is not there, and nonsense" {
	"$pmheap" create --size 1M pool
	run "$pmheap" backup --timeout x pool copy
	refused 16 "'x' is no number"
	run "$pmheap" backup pool none/copy
	refused 8 'No such file'
}

@test "backup refuses to overwrite, and what is no pool" {
	"$pmheap" create --size 1M pool
	echo mine >copy
	run "$pmheap" backup pool copy
	refused 8 "cannot make 'copy': File exists"
	[ "$(cat copy)" = mine ]
	run "$pmheap" backup none new
	refused 8 'No such file'
	printf '%65536s' x >text
	run "$pmheap" backup text new
	refused 8 'not a libpmheap pool'
	run "$pmheap" backup pool
	refused 16 'is missing'
	[ "$(ls)" = "$(printf 'copy\npool\ntext')" ]
}

@test "a backup onto a full disk is an error and leaves no file" {
	[ "$(id -u)" -eq 0 ] || skip "only root mounts"
	mkdir small
	mount -t tmpfs -o size=300k none small || skip "cannot mount"
	"$pmheap" create --size 4M pool
	start_writer "$busy" work "$PWD/pool" 1
	run "$pmheap" backup pool small/copy
	left=$(ls -A small)
	umount small
	refused 8 'No space left'
	[ -z "$left" ]
}

@test "a file system that can shares the blocks of a backup" {
	[ "$(id -u)" -eq 0 ] || skip "only root mounts"
	command -v mkfs.xfs || skip "xfsprogs is not installed"
	truncate -s 400M disk
	mkfs.xfs -q -m reflink=1 disk
	mkdir place
	mount -o loop disk place || skip "cannot mount"
	"$pmheap" create --size 32M place/pool
	start_writer "$busy" work "$PWD/place/pool" 2
	run "$pmheap" backup place/pool place/copy
	sound place/copy && good=1 || good=0
	stop_writer
	umount place
	[ "$status" -eq 0 ]
	says 'of it shared with the pool'
	[ "$good" -eq 1 ]
}

@test "restore puts a backup in the place of a pool" {
	"$pmheap" create --size 2M pool
	"$pmheap" backup pool saved
	start_writer "$writer" pool 100
	run "$pmheap" restore --force saved pool
	refused 8 "cannot restore 'pool': a process has it open"
	stop_writer
	run "$pmheap" restore saved pool
	refused 8 'it exists, and --force is not given'
	run "$pmheap" info --json pool
	true_of '.objects == 100'
	run "$pmheap" restore --force saved pool
	[ "$status" -eq 0 ]
	says '^Restored pool from saved\.$'
	same saved pool
	"$pmheap" restore saved elsewhere
	same saved elsewhere
	[ -z "$(find . -name '*.new-*')" ]
}

@test "restore refuses a damaged backup and keeps the pool" {
	"$pmheap" create --size 2M pool
	cp pool before
	cp pool saved
	for at in 192 16576; do
		printf spoiled | dd of=saved bs=1 seek=$at conv=notrunc
	done
	run "$pmheap" restore --force saved pool
	refused 4 'no header copy is intact'
	same pool before
	run "$pmheap" restore none pool
	refused 8 'No such file'
}
