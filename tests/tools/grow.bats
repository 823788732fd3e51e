# SPDX-License-Identifier: BSD-3-Clause
# pmheap grow.
load common

@test "grow makes a pool as large as it is told" {
	"$pmheap" create --size 2M --max-size 16M pool
	run "$pmheap" grow pool 8M
	[ "$status" -eq 0 ]
	says '^pool: 8 MiB now, and may grow to 16 MiB\.$'
	[ "$(stat -c %s pool)" -eq 8388608 ]
	run "$pmheap" check --json pool
	true_of '.status == "clean" and .size == 8388608 and .zones == 2'
	"$pmheap" grow pool 16M
	run "$pmheap" ls -J pool
	[ "$status" -eq 0 ]
	run "$pmheap" map --json pool
	true_of '.zones | length == 3'
}

@test "grow keeps what is in a pool, also one that was left by a killed process" {
	"$pmheap" create --size 2M --max-size 4M pool
	start_writer "$writer" pool 50 7 100
	run "$pmheap" grow pool 4M
	refused 8 "$writer_pid"
	stop_writer
	"$pmheap" grow pool 4M
	run "$pmheap" check --json pool
	true_of '.status == "clean" and .objects == 51'
	run "$pmheap" dump pool
	says 'the root of all'
}

@test "a program can use the room" {
	"$pmheap" create --size 2M --max-size 64M pool
	"$pmheap" grow pool 64M
	start_writer "$writer" pool 3 9 15000000
	run "$pmheap" stat --json pool
	true_of '.objects == 4 and .used > 45000000 and .size == 67108864'
}

@test "grow --max-size changes how far a pool may grow" {
	"$pmheap" create --size 2M pool
	run "$pmheap" grow pool 4M
	refused 8 'it may grow to 2097152 bytes'
	run "$pmheap" grow --max-size 8M pool
	says '^pool: 2 MiB now, and may grow to 8 MiB\.$'
	"$pmheap" grow pool 8M
	run "$pmheap" grow --max-size 32M pool 32M
	says '^pool: 32 MiB now, and may grow to 32 MiB\.$'
	run "$pmheap" check --json pool
	true_of '.status == "clean" and .zones == 3'
	run "$pmheap" grow --max-size 1T pool
	refused 8 'pointers into it have room for 17179869184 bytes'
	run "$pmheap" grow --max-size 2M pool
	refused 8 'it has 33554432 bytes already'
}

@test "grow refuses what makes no sense" {
	"$pmheap" create --size 2M --max-size 4M pool
	cp pool before
	run "$pmheap" grow pool
	refused 16 'neither a size nor --max-size'
	run "$pmheap" grow pool x
	refused 16 "'x' is no size"
	run "$pmheap" grow pool 0
	refused 16 "'0' is no size"
	run "$pmheap" grow pool 1M
	refused 8 'it has 2097152 bytes already'
	run "$pmheap" grow pool $((2097152 + 4096))
	refused 8 '4096 bytes more are too few'
	run "$pmheap" grow none 4M
	refused 8 'No such file'
	"$pmheap" check pool
}
