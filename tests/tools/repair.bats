# SPDX-License-Identifier: BSD-3-Clause
# pmheap check --repair: what is rebuilt, its steps, its copies, its exit codes.
load common

# spoil FILE OFFSET: other bytes there.
spoil() {
	printf 'spoiledspoiled!!' | dd of="$1" bs=1 seek="$2" conv=notrunc
}

# 50 objects and a root, closed.
filled_pool() {
	"$pmheap" create --size 2M --layout words pool
	start_writer "$writer" pool 50 7 100
	stop_writer
	"$pmheap" check --repair --no-backup pool
	cp pool good
}

@test "a clean pool is left alone" {
	filled_pool
	run "$pmheap" check --repair pool
	[ "$status" -eq 0 ]
	says '^pool: clean\.'
	same pool good
	[ ! -e pool.before-repair ]
}

@test "a damaged header copy is written anew, and a copy kept" {
	filled_pool
	spoil pool 192
	cp pool before
	run "$pmheap" check --repair pool
	[ "$status" -eq 1 ]
	[ "${lines[0]}" = '1. Kept a copy of it as it was: pool.before-repair.' ]
	[ "${lines[1]}" = '2. Wrote the damaged header copy anew.' ]
	says '^pool: repaired\. 51 objects'
	same pool.before-repair before
	"$pmheap" check pool
	# The next copy has another name; without a copy there is none.
	spoil pool 192
	run "$pmheap" check --repair pool
	says 'pool.before-repair-2\.$'
	spoil pool 16576
	run "$pmheap" check --repair --no-backup --json pool
	[ "$status" -eq 1 ]
	true_of '.status == "repaired" and (has("kept") | not)'
	true_of '.steps == ["Wrote the damaged header copy anew."]'
	[ "$(ls pool*)" = "$(printf 'pool\npool.before-repair\npool.before-repair-2')" ]
}

@test "a log is replayed, and that is no fault" {
	"$pmheap" create --size 2M pool
	start_writer "$writer" pool 100
	stop_writer
	cp pool before
	run "$pmheap" check --repair --json pool
	[ "$status" -eq 0 ]
	true_of '.status == "clean" and .objects == 100'
	true_of '.kept == "pool.before-repair"'
	true_of '.steps[1] | test("^Replayed [0-9]+ log entries\\.$")'
	same pool.before-repair before
}

@test "a header is put together from two damaged copies" {
	filled_pool
	for at in 0 192 700; do spoil pool $at; done
	for at in 64 1000 9000 16000; do spoil pool $((16384 + at)); done
	run "$pmheap" check pool
	refused 4 'no header copy is intact'
	run "$pmheap" check --repair pool
	[ "$status" -eq 1 ]
	says '^2\. Put a header together from both damaged copies\.$'
	says '^pool: repaired\. 51 objects'
	run "$pmheap" dump pool
	says 'the root of all'
	"$pmheap" check pool
	cmp <(head -c 32768 pool) <(head -c 32768 good)
}

@test "two copies that are damaged in one place are lost, and nothing changed" {
	filled_pool
	spoil pool 192
	spoil pool 16576
	cp pool before
	run "$pmheap" check --repair pool
	refused 4 "'pool' is damaged"
	says '^2\. Nothing can be repaired and nothing was changed'
	same pool before
	[ ! -e pool.before-repair ]
	run "$pmheap" check --repair --json pool
	[ "$status" -eq 4 ]
}

@test "a truncated file gets its length back if no object was lost" {
	filled_pool
	truncate -s 1M pool
	run "$pmheap" check pool
	refused 4 'truncated'
	run "$pmheap" check --repair pool
	[ "$status" -eq 1 ]
	says '^2\. Gave the file back its length; no object was in what it had lost\.$'
	says '^pool: repaired\. 51 objects'
	same pool good
	[ "$(stat -c %s pool.before-repair)" -eq 1048576 ]
}

@test "a truncated file that lost an object stays as it is" {
	"$pmheap" create --size 2M pool
	start_writer "$writer" pool 12 7 130000
	stop_writer
	"$pmheap" check --repair --no-backup pool
	truncate -s 1M pool
	cp pool before
	run "$pmheap" check --repair pool
	refused 4 "'pool' is damaged"
	same pool before
	[ ! -e pool.before-repair ]
}

@test "a pool in use is not repaired" {
	"$pmheap" create --size 2M pool
	start_writer "$writer" pool 10
	run "$pmheap" check --repair pool
	refused 8 "in use by process $writer_pid"
	[ ! -e pool.before-repair ]
}

@test "no copy can be kept: nothing is repaired" {
	filled_pool
	[ "$(id -u)" -eq 0 ] || skip "only root mounts"
	mkdir small
	mount -t tmpfs -o size=2200k none small || skip "cannot mount"
	cp --sparse=never pool small/pool
	dd if=/dev/zero of=small/rest bs=4k || true
	spoil small/pool 192
	cp small/pool before
	run "$pmheap" check --repair small/pool
	cmp small/pool before && kept=1 || kept=0
	left=$(ls small)
	umount small
	refused 8 "cannot keep a copy of 'small/pool'"
	[ "$kept" -eq 1 ]
	[ "$left" = "$(printf 'pool\nrest')" ]
}

@test "a pool is recovered without a region that is lost" {
	"$pmheap" create --size 2M pool
	"$pmheap" create --size 2M second
	start_writer "$writer" pool 3 7 100 second
	stop_writer
	cp pool crashed
	run "$pmheap" check --repair pool
	[ "$status" -eq 0 ]
	cp crashed pool
	id=$("$pmheap" stat --json second | jq -r .id)
	rm second
	run "$pmheap" check --repair pool
	refused 8 "only region $id can tell"
	says "second: No such file"
	says "check --repair --without ID"
	same pool crashed
	run "$pmheap" check --without "$id" pool
	[ "$status" -eq 16 ]
	run "$pmheap" check --repair --without 0000000000000001 pool
	[ "$status" -ne 0 ]
	same pool crashed
	run "$pmheap" check --repair --without "$id" pool
	[ "$status" -eq 1 ]
	says "^2. Recovered it without region $id"
	same pool.before-repair crashed
	run "$pmheap" dump pool
	says 'in both'
	run "$pmheap" check pool
	[ "$status" -eq 0 ]
}

@test "what cannot be repaired is told once, and repair is not advised again" {
	filled_pool
	dd if=/dev/zero of=pool bs=1024 seek=32 count=8 conv=notrunc
	run "$pmheap" check pool
	[ "$status" -eq 4 ]
	[ "$(grep -c 'no checkpoint record' <<<"$output")" -eq 1 ]
	says 'check --repair'
	run "$pmheap" check --repair pool
	[ "$status" -eq 4 ]
	says "'pmheap restore BACKUP FILE'"
	! grep -q 'check --repair' <<<"$output"
}

@test "the copy stays if only a part could be repaired" {
	"$pmheap" create --size 2M pool
	start_writer "$writer" pool 3 7 500000
	stop_writer
	"$pmheap" check --repair --no-backup pool
	for at in 0 192 700; do spoil pool $at; done
	for at in 64 1000 9000 16000; do spoil pool $((16384 + at)); done
	truncate -s 1M pool
	cp pool before
	run "$pmheap" check --repair pool
	[ "$status" -eq 4 ]
	run cmp -s pool before
	[ "$status" -eq 1 ]
	same pool.before-repair before
}
