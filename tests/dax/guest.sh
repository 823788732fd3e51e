# SPDX-License-Identifier: BSD-3-Clause
# guest.sh: what the tests with a guest share; sourced by them.
#
# A guest is QEMU in software emulation with an NVDIMM (or virtio-pmem) that is
# an image file, the kernel of a Debian package, and an initrd with the built
# programs. Killing QEMU is a power cut: what the guest's stores had reached is
# in the image, and nothing else is.
#
#	PMHEAP_DAX_KERNEL=DIR	an unpacked kernel package (tests/dax/kernel.sh)
#	PMHEAP_DAX_CUTS=N	power cuts of each test
#	PMHEAP_DAX_ALL=1	all API programs on each file system
#	PMHEAP_DAX_KEEP=1	keep images and consoles, and say where
LC_ALL=C
export LC_ALL
src=$(cd "${top_srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
here=$src/tests/dax
qemu=qemu-system-x86_64
image_size=$((512 << 20))	# sparse
device=nvdimm			# or virtio-pmem
domain=mem-ctrl			# or cpu: caches are in it
work='' pid='' console=''
PATH=$PATH:/usr/sbin:/sbin

begun=$(date +%s)

say()
{
	printf '%s [%3ds]: %s\n' "$test_name" $(($(date +%s) - begun)) "$*"
}

skip()
{
	echo "SKIP: $*"
	exit 77
}

# fail WHAT: with the end of the last guest's console.
fail()
{
	say "FAIL: $*"
	[ -z "$console" ] || [ ! -f "$console" ] || {
		echo "--- the end of $console"
		tr -d '\r' <"$console" | tail -n 40
	}
	exit 1
}

clean_up()
{
	[ -z "$pid" ] || cut_power
	[ -n "$work" ] || return 0
	if [ -n "${PMHEAP_DAX_KEEP:-}" ]; then
		say "kept: $work"
	else
		rm -rf "$work"
	fi
}

# The kernel: a package that was unpacked, else the machine's own.
find_kernel()
{
	for k in "${PMHEAP_DAX_KERNEL:-}" "$build/tests/dax/kernel" /; do
		[ -n "$k" ] || continue
		for vmlinuz in "${k%/}"/boot/vmlinuz-*; do
			modules=${k%/}/lib/modules/${vmlinuz##*/vmlinuz-}
			[ -r "$vmlinuz" ] && [ -d "$modules/kernel" ] || continue
			return 0
		done
	done
	return 1
}

# What libtool left at $1 may be a script around .libs/.
binary_of()
{
	real=$(dirname "$1")/.libs/$(basename "$1")
	[ -x "$real" ] || real=$1
	echo "$real"
}

# begin NAME: looks for all that is needed, makes the work directory.
begin()
{
	test_name=$1
	for tool in $qemu cpio mkfs.ext4 mkfs.xfs busybox ldd; do
		command -v "$tool" >/dev/null ||
			skip "no $tool on this machine"
	done
	[ -x "$build/tests/api/region" ] ||
		skip "the API tests are not built; package check is missing"
	! grep -qE '__[amt]san_init' "$(binary_of "$build/tests/dax/load")" ||
		skip "a sanitizer's programs are too slow in emulation"
	find_kernel || skip "no kernel: run tests/dax/kernel.sh DIR and set" \
		"PMHEAP_DAX_KERNEL=DIR"
	# QEMU dies with this script, even if that is killed.
	with_us=
	! setpriv --pdeathsig KILL true 2>/dev/null ||
		with_us="setpriv --pdeathsig KILL"
	work=$(mktemp -d "$build/tests/dax/work-XXXXXX")
	trap clean_up EXIT
	trap 'exit 1' INT TERM HUP
	make_initrd
}

# A module and before it those that it needs, into the initrd.
add_module()
{
	! grep -qx "$1" "$work/root/modules/order" || return 0
	file=$(find "$modules/kernel" -name "$1.ko*" | head -n 1)
	if [ -z "$file" ]; then
		grep -q "/$1\.ko" "$modules/modules.builtin" ||
			skip "the kernel $vmlinuz has no module $1"
		return 0
	fi
	case $file in
	*.xz) xz -dc "$file" ;;
	*.zst) zstd -qdc "$file" ;;
	*.gz) gzip -dc "$file" ;;
	*) cat "$file" ;;
	esac >"$work/root/modules/$1.ko"
	for needed in $(tr '\0' '\n' <"$work/root/modules/$1.ko" |
		sed -n 's/^depends=//p' | tr ',' ' '); do
		add_module "$needed"
	done
	echo "$1" >>"$work/root/modules/order"
}

# add_program FILE: with the shared objects that it needs.
add_program()
{
	file=$(binary_of "$1")
	cp "$file" "$work/root/bin/"
	LD_LIBRARY_PATH=$build/.libs ldd "$file" 2>/dev/null |
		sed -n 's,.*=> \(/[^ ]*\).*,\1,p
			s,^[[:space:]]*\(/[^ ]*\) .*,\1,p' |
		while read -r lib; do
			case $lib in
			*/ld-linux*) to=$work/root$lib ;;
			*) to=$work/root/lib/$(basename "$lib") ;;
			esac
			[ -e "$to" ] || {
				mkdir -p "$(dirname "$to")"
				cp -L "$lib" "$to"
			}
		done
}

# The names of all API programs.
api_programs()
{
	for f in "$src"/tests/api/*.c; do
		f=${f##*/}
		[ ! -x "$build/tests/api/${f%.c}" ] || echo "${f%.c}"
	done
}

# The truth about words, as "count word" lines.
add_words()
{
	mkdir "$work/root/text"
	cp "$src"/README "$src"/HACKING "$src"/man/*.[1357] "$work/root/text/"
	for f in "$work/root/text"/*; do
		tr -cs 'A-Za-z' '\n' <"$f"
		echo
	done | tr 'A-Z' 'a-z' | grep . | sort | uniq -c |
		awk '{ print $1, $2 }' | sort >"$work/root/words"
}

make_initrd()
{
	mkdir -p "$work/root/bin" "$work/root/lib" "$work/root/modules"
	: >"$work/root/modules/order"
	for m in nfit nd_pmem virtio_pci virtio_pmem ext4 xfs; do
		add_module $m
	done
	add_program "$(command -v busybox)"
	for p in $(api_programs); do
		add_program "$build/tests/api/$p"
	done
	for p in load points probe; do
		add_program "$build/tests/dax/$p"
	done
	add_program "$build/examples/pmwords"
	add_words
	cp "$here/init" "$work/root/init"
	chmod +x "$work/root/init"
	(cd "$work/root" && find . | cpio -o -H newc --quiet) >"$work/initrd"
	rm -rf "$work/root"
}

# new_medium FILE FS: an image with a file system in it: the whole of a
# virtio-pmem, else what follows the info block of an NVDIMM.
new_medium()
{
	rm -f "$1" "$1.fs"
	truncate -s $image_size "$1"
	if [ "$device" = virtio-pmem ]; then
		make_fs "$1" "$2"
		return
	fi
	"$build/tests/dax/infoblock" "$1" $image_size
	truncate -s $((image_size - (2 << 20))) "$1.fs"
	make_fs "$1.fs" "$2"
	dd if="$1.fs" of="$1" bs=2M seek=1 conv=notrunc,sparse status=none
	rm -f "$1.fs"
}

make_fs()
{
	case $2 in
	ext4) mkfs.ext4 -q -F -b 4096 "$1" ;;
	xfs) mkfs.xfs -q -f -b size=4096 -m reflink=0 "$1" ;;
	esac >"$work/mkfs.out" 2>&1 || fail "mkfs.$2: $(cat "$work/mkfs.out")"
}

# start_qemu IMAGE WORD...: pid is set.
start_qemu()
{
	image=$1
	shift
	: >"$console"
	case $device in
	nvdimm) set -- "$*" -device nvdimm,id=d0,memdev=m0 ;;
	virtio-pmem) set -- "$*" -device virtio-pmem-pci,memdev=m0 ;;
	esac
	words="console=ttyS0 panic=-1 quiet no_timer_check $1"
	shift
	$with_us $qemu -accel tcg -cpu max -smp 1 -m 768M,slots=2,maxmem=4G \
		-machine "pc,nvdimm=on,nvdimm-persistence=$domain" \
		-nodefaults -no-user-config -display none -monitor none \
		-no-reboot -serial "file:$console" -kernel "$vmlinuz" \
		-initrd "$work/initrd" -append "$words" -object \
		"memory-backend-file,id=m0,share=on,size=$image_size,mem-path=$image" \
		"$@" 2>"$work/qemu.err" &
	pid=$!
}

is_up() { kill -0 "$pid" 2>/dev/null; }

# await PATTERN SECONDS: until the console shows it.
await()
{
	end=$(($(date +%s) + $2))
	until grep -aqE "$1" "$console"; do
		is_up || fail "the guest ended before \"$1\"" \
			"$(cat "$work/qemu.err")"
		[ "$(date +%s)" -lt "$end" ] || fail "no \"$1\" within $2 s"
		sleep 0.1
	done
}

# finish SECONDS: until the guest has powered itself off.
finish()
{
	end=$(($(date +%s) + $1))
	while is_up; do
		[ "$(date +%s)" -lt "$end" ] || fail "no end within $1 s"
		sleep 0.1
	done
	wait "$pid" || fail "QEMU: $(cat "$work/qemu.err")"
	pid=
	grep -aq 'GUEST END ok' "$console" || fail "the guest gave up"
}

# boot CONSOLE IMAGE WORD...: returns when the guest's init runs. A kernel that
# does not get that far, for lack of processor time, is given another chance.
boot()
{
	console=$work/$1
	shift
	for try in 1 2 3; do
		start_qemu "$@"
		end=$(($(date +%s) + 240))
		while is_up && [ "$(date +%s)" -lt $end ]; do
			! grep -aq '^GUEST' "$console" || return 0
			sleep 0.1
		done
		! grep -aq '^GUEST' "$console" || return 0
		cut_power
		say "boot $try ended before init: $(cat "$work/qemu.err")"
	done
	fail "no guest boots"
}

cut_power()
{
	kill -9 "$pid" 2>/dev/null || :
	wait "$pid" 2>/dev/null || :
	pid=
}

# Lines of the console that begin with this, whole ones only.
shown() { tr -d '\r' <"$console" | sed '$d' | grep -a "^$1" || :; }
