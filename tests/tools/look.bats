# SPDX-License-Identifier: BSD-3-Clause
# pmheap ls, map, dump and log: looking into pools that are closed, were left by
# a killed process, or are in use.
load common

# A pool with 50 objects of type 7 and 100 bytes, and a root; killed.
killed_pool() {
	"$pmheap" create --size 2M pool
	start_writer "$writer" pool 50 7 100
	[ "$1" = open ] || stop_writer
}

@test "ls counts objects by type and size" {
	killed_pool
	cp pool before
	run "$pmheap" ls pool
	[ "$status" -eq 0 ]
	says '^TYPE KIND +SIZE OBJECTS +USED +HELD +FILL%$'
	says '^ +0 slab +32 B +1 +32 B +4 KiB +0\.8$'
	says '^ +7 slab +112 B +50 +5\.5 KiB +8 KiB +68\.4$'
	same pool before
}

@test "ls --json has numbers, and any column can be had" {
	killed_pool
	run "$pmheap" ls --json pool
	true_of '.classes | length == 2'
	true_of '.classes[1] | .type == 7 and .size == 112 and .objects == 50 and
		.used == 5600 and .held == 8192 and .kind == "slab"'
	for column in $("$pmheap" ls --help |
		sed -n '/^Columns/,/^$/s/^  \[\{0,1\}\([a-z]*\).*/\1/p'); do
		"$pmheap" ls -o "$column" pool
		"$pmheap" ls --objects -o "$column" pool
	done
	run "$pmheap" ls -n -r -b -o used,type pool
	[ "${lines[1]}" = '5600 7' ]
	run "$pmheap" ls -o +slabs pool
	says 'FILL% SLABS$'
	run "$pmheap" ls -o nonsense pool
	refused 16 "no column 'nonsense'"
	run "$pmheap" ls -o '' pool
	refused 16 'names no column'
}

@test "ls --objects lists each, and --type only some" {
	killed_pool
	run "$pmheap" ls --objects --json pool
	true_of '.objects | length == 51'
	true_of '[.objects[] | select(.root == "root")] | length == 1'
	true_of '[.objects[].offset] | length == (unique | length)'
	run "$pmheap" ls --objects --type 7 pool
	[ "${#lines[@]}" -eq 51 ]
	run "$pmheap" ls --type 8 --json pool
	true_of '.classes == []'
	run "$pmheap" ls --type x pool
	refused 16 "'x' is no number for --type"
}

@test "ls of a pool in use shows what is committed" {
	killed_pool open
	run "$pmheap" ls --json pool
	[ "$status" -eq 0 ]
	true_of '[.classes[].objects] | add == 51'
	kill -0 "$writer_pid"
}

@test "ls knows large objects as runs" {
	"$pmheap" create --size 2M pool
	start_writer "$writer" pool 3 9 100000
	stop_writer
	run "$pmheap" ls --json --type 9 pool
	true_of '.classes == [.classes[0]] and .classes[0].kind == "run"'
	true_of '.classes[0] | .objects == 3 and .size == 102400'
	run "$pmheap" map --ascii pool
	says '@{50}'
}

@test "map draws each extent" {
	killed_pool
	run "$pmheap" map --ascii --width 64 pool
	[ "$status" -eq 0 ]
	says '^zone 0: [0-9]+ extents of 4 KiB, [0-9]+ free$'
	# One full slab and a half full one of type 7, and that of the root.
	says '^ +[0-9a-f]+  -#\+\.{61}$'
	cells=$(grep -E '^ +[0-9a-f]+  ' <<<"$output" | awk '{ print $2 }' |
		tr -d '\n' | wc -c)
	[ "$cells" -eq "$(sed -n 's/^zone 0: \([0-9]*\).*/\1/p' <<<"$output")" ]
	for line in "${lines[@]}"; do
		[ "${#line}" -le 78 ] || [[ $line == *under* ]]
	done
}

@test "map uses ASCII where there is no UTF-8, and no colours in a pipe" {
	killed_pool
	run env LC_ALL=C "$pmheap" map pool
	! LC_ALL=C grep -q '[^ -~]' <<<"$output"
	run env LC_ALL=C.UTF-8 "$pmheap" map pool
	grep -q '█' <<<"$output"
	! grep -q $'\033' <<<"$output"
}

@test "map fits a large pool on a screen" {
	"$pmheap" create --size 512M pool
	run "$pmheap" map --width 32 pool
	[ "${#lines[@]}" -le 34 ]
	says 'a character is [0-9]+ extents$'
	run "$pmheap" map --width 4 pool
	refused 16 "'4' is no number for --width"
}

@test "map --json has every extent of every zone once" {
	killed_pool
	run "$pmheap" map --json pool
	true_of '[.zones[].groups[].extents] | add > 100'
	true_of '.zones[0].groups as $g | [range(1; $g | length) | select(
		$g[.].extent != $g[. - 1].extent + $g[. - 1].extents)] == []'
	true_of '[.zones[].groups[] | select(.type == 7) | .used] | add == 50'
}

@test "map --svg writes a picture" {
	killed_pool open
	run "$pmheap" map --svg map.svg pool
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	grep -q '^<svg xmlns' map.svg
	grep -q 'objects of type 7: ' map.svg
	[ "$(grep -c '<g ' map.svg)" -eq "$(grep -c '</g>' map.svg)" ]
	if command -v xmllint; then xmllint --noout map.svg; fi
	"$pmheap" map --svg - pool | cmp - map.svg
	run "$pmheap" map --svg none/map.svg pool
	refused 8 "cannot write 'none/map.svg': No such file"
}

@test "dump shows the root" {
	killed_pool
	run "$pmheap" dump pool
	[ "$status" -eq 0 ]
	says '^object 0x[0-9a-f]+: 32 B, type 0, the root$'
	says '^  00000000   74 68 65 20 72 6f 6f 74  .*\|the root of all\.\|$'
	run "$pmheap" dump pool root
	says 'the root of all'
}

@test "dump finds an object by offset and by pointer, and follows pointers" {
	killed_pool
	run "$pmheap" dump --json pool
	true_of '.objects[0].pointers == [{at: 24, to: .objects[0].pointers[0].to}]'
	to=$(jq '.objects[0].pointers[0].to' <<<"$output")
	for object in "$to" $((to + 50)) "$(printf %#x "$to")" \
		"$(printf %#x $((0x300400000000 + to)))"; do
		run "$pmheap" dump --json pool "$object"
		true_of ".objects[0] | .offset == $to and .type == 7"
		true_of '.objects[0].data[:8] == "57575757"'
	done
	run "$pmheap" dump pool 12
	refused 8 "cannot show '12': no live object is there"
	run "$pmheap" dump pool nonsense
	refused 16 "'nonsense' is neither"
}

@test "dump shows all, or all of a type, also of a pool in use" {
	killed_pool open
	run "$pmheap" dump --all --json pool
	true_of '.objects | length == 51'
	run "$pmheap" dump --type 7 --json pool
	true_of '[.objects[] | select(.type == 7 and (.data | length) == 224)] |
		length == 50'
	run "$pmheap" dump --type 7 pool
	[ "$(grep -c '^object ' <<<"$output")" -eq 50 ]
	# The same lines are not said again.
	says '^  \*$'
	run "$pmheap" dump --all pool 4096
	refused 16 'too much'
}

@test "dump of a pool without a root says so" {
	"$pmheap" create --size 1M pool
	run "$pmheap" dump pool
	refused 8 "'pool' has no root object"
	run "$pmheap" dump --all --json pool
	true_of '.objects == []'
}

@test "log shows what a killed process left" {
	killed_pool
	cp pool before
	run "$pmheap" log pool
	[ "$status" -eq 0 ]
	says '^SEQUENCE LANE +BYTES SPILLED RECORDS$'
	pending=$("$pmheap" check --json pool | jq .pending)
	[ "${#lines[@]}" -eq $((pending + 1)) ]
	run "$pmheap" log --json pool
	true_of "[.entries[].sequence] | length == $pending and . == sort"
	true_of '[.entries[].records[] | select(.record == "root")] | length == 1'
	true_of '[.entries[].records[] | select(.record == "alloc" and
		(.detail | startswith("type 7,")))] | length == 50'
	true_of '[.entries[].records[] | .data // "" |
		select(startswith("74686520726f6f74"))] | length == 1'
	run "$pmheap" log --records pool
	says '^ +[0-9]+ fill +0x[0-9a-f]+ +100 B byte 0x57$'
	same pool before
}

@test "log of a closed pool is empty" {
	"$pmheap" create --size 1M pool
	run "$pmheap" log pool
	[ "$status" -eq 0 ]
	[ "$output" = 'pmheap: No log entry stands above the watermark.' ]
	run "$pmheap" log --json pool
	true_of '.entries == []'
}

@test "log follows a pool in use" {
	"$pmheap" create --size 8M pool
	start_writer "$busy" work pool 2
	for i in 1 2 3 4 5 6 7 8 9 10; do
		run "$pmheap" log --json pool
		[ "$status" -eq 0 ]
		true_of '[.entries[].sequence] | . == sort'
		[ "$(jq '.entries | length' <<<"$output")" -eq 0 ] || return 0
	done
	false
}

@test "looking at a busy pool gives a picture of one moment" {
	"$pmheap" create --size 8M pool
	start_writer "$busy" work pool 2
	for i in 1 2 3 4 5; do
		run "$pmheap" ls --json pool
		[ "$status" -eq 0 ]
		# Four ranges, a table, the root; lists of at most 64 each.
		true_of '[.classes[] | select(.size == 24576).objects] == [4]'
		true_of '[.classes[] | select(.size == 16).objects] |
			add // 0 | . <= 128'
	done
}

@test "all refuse what is no pool, and what is damaged" {
	printf '%65536s' x >text
	"$pmheap" create --size 1M damaged
	for at in 192 16576; do
		printf spoiled | dd of=damaged bs=1 seek=$at conv=notrunc
	done
	for verb in ls map dump log; do
		run "$pmheap" $verb none
		refused 8 "cannot read 'none': .*No such file"
		run "$pmheap" $verb text
		refused 8 'not a libpmheap pool'
		run "$pmheap" $verb damaged
		refused 4 'no header copy is intact'
		run "$pmheap" $verb
		refused 16 'is missing'
	done
}

@test "a copy with holes is read on a tmpfs that is full, and refused for work" {
	mkdir full
	mount -t tmpfs -o size=4m tmpfs full 2>/dev/null ||
		skip 'needs the right to mount'
	"$pmheap" create --size 2M pool
	start_writer "$writer" pool 50 7 100
	stop_writer
	cp --sparse=always pool full/pool
	dd if=/dev/zero of=full/rest bs=4096 2>/dev/null || true
	run "$pmheap" ls full/pool
	local ls=$status$output
	run "$pmheap" check full/pool
	local check=$status$output
	run "$pmheap" check --repair --no-backup full/pool
	umount full
	[[ $ls == 0*' 100 '* || $ls == 0*' 112 '* ]]
	[[ $check == 0*': not closed. '* ]]
	refused 8 'no room for what lies in its holes'
}
