# SPDX-License-Identifier: BSD-3-Clause
# pmheap doctor and bench, and what demo was already tested for in tools.sh. No
# figure is judged, only whether it is there.
load common

@test "doctor judges a folder on a disk" {
	case $(stat -fc %T .) in
	ext*|xfs|btrfs) ;;
	*) skip "this folder is on no disk: $(stat -fc %T .)" ;;
	esac
	run "$pmheap" doctor
	[ "$status" -eq 0 ]
	says '^file system +(ext4|xfs|btrfs|ext[23]) '
	says '^backend +(file|dax)$'
	says '^guarantee +committed data survives a power cut$'
	[[ ${lines[-1]} == 'Committed data survives a power cut; a durable '* ]]
	[ -z "$(ls -A)" ]
}

@test "doctor does not call memory durable" {
	[ "$(stat -fc %T /dev/shm)" = tmpfs ] || skip "/dev/shm is no tmpfs"
	run "$pmheap" doctor /dev/shm
	[ "$status" -eq 0 ]
	says '^file system +tmpfs '
	says '^backend +shm$'
	[[ ${lines[-1]} == *'survives a killed program, but no reboot or power'* ]]
}

@test "doctor --json has it all" {
	run "$pmheap" doctor --json .
	[ "$status" -eq 0 ]
	true_of '.directory == "." and (.file_system.type | length) > 0'
	true_of '.file_system.free > 0 and .commit.ns > 0 and .commit.floor_ns > 0'
	true_of '.window | .slots == 1023 and .slots_free == 1023 and .base > 0'
	true_of '.limits.map_count > 0 and .limits.address_space == null'
	true_of '.survives == "power" or .survives == "process"'
	true_of '.judgement == "good" or .judgement == "warning"'
	true_of '.verdict | test("^Committed data survives .*[.]$")'
	run bash -c "ulimit -f 1000000; '$pmheap' doctor --json"
	true_of '.limits.file_size == 1024000000'
}

@test "doctor knows a file system by where it is mounted" {
	[ "$(id -u)" -eq 0 ] || skip "only root mounts"
	mkdir here
	mount -t tmpfs -o size=64M doctors-tmpfs here || skip "cannot mount"
	run "$pmheap" doctor --json here
	left=$(ls -A here)
	umount here
	true_of '.file_system | .type == "tmpfs" and .source == "doctors-tmpfs"'
	[ -z "$left" ]
}

@test "doctor and bench say why they cannot work in a folder" {
	for verb in doctor bench; do
		run "$pmheap" $verb none
		refused 8 "cannot make a folder in 'none': No such file"
		run "$pmheap" $verb a b
		refused 16 "'b' is one name too many"
	done
	[ "$(id -u)" -eq 0 ] || skip "only root mounts"
	mkdir small
	mount -t tmpfs -o size=8M none small || skip "cannot mount"
	run "$pmheap" bench small
	left=$(ls -A small)
	umount small
	[ "$status" -eq 8 ]
	[ -z "$left" ]
}

@test "bench measures each work beside its floor" {
	run "$pmheap" bench --rounds 3 --round-ms 2
	[ "$status" -eq 0 ]
	says '^WORK +NS +LEAST +MOST +FLOOR +TIMES +PER-SECOND$'
	says '^word +[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+ +[0-9.]+ +[0-9]+$'
	says '^The floor is '
	says 'One thread, 3 rounds of 2 ms'
	run "$pmheap" bench --rounds 3 --round-ms 2 --json
	true_of '[.works[].work] == ["word","lines","page","object","replace"]'
	true_of 'all(.works[]; .ns > 0 and .least <= .ns and .ns <= .most and
		.floor >= 0 and .second > 0)'
	run "$pmheap" bench --rounds 1 --round-ms 1 -o work,count,what
	says '^WORK +COUNT WHAT$'
	[ -z "$(ls -A)" ]
}

@test "bench works on each backend that it is told to use" {
	[ "$(stat -fc %T /dev/shm)" = tmpfs ] || skip "/dev/shm is no tmpfs"
	place=$(mktemp -d /dev/shm/pmheap-tools-XXXXXX)
	run "$pmheap" bench --rounds 1 --round-ms 1 "$place"
	shm=$output
	run env PMHEAP_ASSUME_PMEM=1 "$pmheap" bench --rounds 1 --round-ms 1 \
		"$place"
	dax=$output
	run "$pmheap" bench --backend dax "$place"
	rmdir "$place"
	refused 8 'MAP_SYNC is refused'
	grep -q '^Backend shm: ' <<<"$shm"
	grep -q '^Backend dax: ' <<<"$dax"
	grep -q 'streaming stores' <<<"$dax"
	run "$pmheap" bench --rounds 0
	refused 16 "'0' is no number for --rounds"
}
