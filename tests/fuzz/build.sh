# SPDX-License-Identifier: BSD-3-Clause
# build.sh: functions for the fuzzers' scripts. The library and the targets are
# compiled by the fuzzer's compiler with its instrumentation and sanitizers, in
# tests/fuzz/ENGINE of the build tree, apart from everything else.
#
# From the Makefile: top_srcdir top_builddir FUZZ_SOURCES (of the library)
# FUZZ_FLAGS FUZZ_LIBS.
export LC_ALL=C
src=${top_srcdir:?} bld=${top_builddir:?}

skip() {
	echo "SKIP: $*"
	exit 77
}

# stale OBJECT SOURCE: is it older than its source, or than any header?
stale() {
	[ ! -e "$1" ] || [ "$2" -nt "$1" ] ||
		[ -n "$(find "$src/lib" "$src/include" "$src/tests/fuzz" \
			-name '*.h' -newer "$1" -print -quit)" ]
}

# compile DIR FLAGS...: all objects that the targets of an engine share, by the
# compiler in $cc.
compile() {
	local dir=$1 s o
	shift
	mkdir -p "$dir" || return 1
	FUZZ_COMPILE="$cc $* $(fuzz_flags)"
	export FUZZ_COMPILE
	for s in $FUZZ_SOURCES tests/fuzz/choices.c tests/fuzz/media.c \
		tests/fuzz/build.c tests/fuzz/extents.c tests/fuzz/entries.c \
		tests/fuzz/lies.c tests/fuzz/use.c tests/fuzz/target.c; do
		case $s in
		*.h) continue ;;
		esac
		o=$(basename "$(dirname "$s")")-$(basename "$s" .c).o
		stale "$dir/$o" "$src/$s" && echo "$src/$s" "$dir/$o"
	done | xargs -r -n 2 -P "${JOBS:-2}" sh -c \
		'$FUZZ_COMPILE -c "$1" -o "$2" || rm -f "$2"; [ -e "$2" ]' sh
}

# link_target DIR TARGET MAIN FLAGS...: DIR/TARGET, which runs fuzz_TARGET().
link_target() {
	local dir=$1 target=$2 main=$3
	shift 3
	$cc "$@" $(fuzz_flags) -DFUZZ_TARGET="fuzz_$target" -o "$dir/$target" \
		"$src/tests/fuzz/$main" "$dir"/*.o \
		-Wl,--wrap=medium_choose,--wrap=random_id -pthread $FUZZ_LIBS
}

# The flags that all engines' objects have.
fuzz_flags() {
	echo -O1 -g -std=gnu11 -fno-omit-frame-pointer -include config.h \
		-I"$bld" -I"$src/include" -I"$src/lib" -I"$src/tests/fuzz" \
		"$FUZZ_FLAGS"
}
