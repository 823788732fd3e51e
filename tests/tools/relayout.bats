# SPDX-License-Identifier: BSD-3-Clause
# pmheap relayout.
load common

layout_is() {
	[ "$("$pmheap" info --json "$1" | jq -r .layout)" = "$2" ]
}

@test "relayout gives a closed pool another layout name" {
	"$pmheap" create --size 2M --layout people-1 pool
	run "$pmheap" relayout --from people-1 pool people-2
	[ "$status" -eq 0 ]
	says '^pool: it has the new layout name\.$'
	layout_is pool people-2
	run "$pmheap" check pool
	says '^pool: clean\.'
	"$pmheap" relayout pool ''
	layout_is pool ''
	"$pmheap" relayout pool people-3
	layout_is pool people-3
}

@test "relayout refuses another name than that of --from, and a long one" {
	"$pmheap" create --size 2M --layout people-1 pool
	cp pool before
	run "$pmheap" relayout --from people-0 pool people-2
	refused 8 'its layout is "people-1", not "people-0"'
	run "$pmheap" relayout pool "$(printf '%064d' 0)"
	refused 8 'longer than 63 bytes'
	same pool before
	"$pmheap" relayout pool "$(printf '%063d' 0)"
	layout_is pool "$(printf '%063d' 0)"
	run "$pmheap" relayout pool
	[ "$status" -eq 16 ]
}

@test "relayout keeps what is in a pool that was left by a killed process" {
	"$pmheap" create --size 2M --layout old pool
	start_writer "$writer" pool 50 7 100
	run "$pmheap" relayout pool new
	refused 8 "$writer_pid"
	stop_writer
	run "$pmheap" stat --json pool
	true_of '.pending > 0'
	"$pmheap" relayout pool new
	layout_is pool new
	run "$pmheap" check --json pool
	true_of '.status == "clean" and .objects == 51'
	run "$pmheap" dump pool
	says 'the root of all'
}
