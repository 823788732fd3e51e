# SPDX-License-Identifier: BSD-3-Clause
# The verbs that look into pools, on pools with random bytes changed: they say
# what they can, or refuse; they never crash or hang.
load common

# Where: header, checkpoint record, lanes, descriptors and bitmaps.
mutate() {
	local i at
	for i in 1 2 3; do
		at=$(((RANDOM * 32768 + RANDOM) % $2))
		printf "\\x$(printf %02x $((RANDOM % 256)))" |
			dd of="$1" bs=1 seek=$at conv=notrunc 2>/dev/null
	done
}

@test "changed bytes never crash the verbs that look into pools" {
	"$pmheap" create --size 1M good
	start_writer "$writer" good 50 7 100
	stop_writer
	RANDOM=${PMHEAP_TEST_SEED:-1}
	for i in $(seq "${PMHEAP_TEST_HOSTILE:-25}"); do
		cp good bad
		mutate bad 180000
		for verb in stat log "log --json" ls "map --json" \
			"dump --all" check; do
			run timeout 60 "$pmheap" $verb bad
			case $status in
			0|4|8) ;;
			*)
				echo "$i: $verb ends with $status: $output"
				false
				;;
			esac
		done
		run timeout 60 "$pmheap" check --repair --no-backup bad
		[[ $status =~ ^(0|1|4|8)$ ]]
	done
}
