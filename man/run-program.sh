# SPDX-License-Identifier: BSD-3-Clause
# man/run-program.sh: sourced by the tests of the manual, the documents, the
# README and gdb's script; builds a program against the library in the build
# tree. $top_srcdir is given; $work is a folder that is gone at the end.

: "${top_builddir:=$(pwd)}"
: "${CC:=cc}"
: "${PM_PROGRAM_CFLAGS=-O2}"
: "${PM_PROGRAM_LDFLAGS=}"
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 99' INT TERM

# program_skip: why programs cannot be built here; empty if they can.
program_skip() {
	if [ ! -x "$top_builddir/libtool" ]; then
		echo "no libtool in $top_builddir: configure first"
	elif [ ! -f "$top_builddir/libpmheap.la" ]; then
		echo "no libpmheap.la in $top_builddir: make first"
	fi
}

# program_build SOURCE PROGRAM: compiles without warnings, and links; statically
# unless PM_PROGRAM_LINK says otherwise.
program_build() {
	$CC -std=c11 -Wall -Wextra -Werror $PM_PROGRAM_CFLAGS -pthread \
		-I"$top_srcdir/include" -c -o "$2.o" "$1" &&
	"$top_builddir/libtool" --silent --tag=CC --mode=link \
		$CC $PM_PROGRAM_CFLAGS $PM_PROGRAM_LDFLAGS -pthread \
		${PM_PROGRAM_LINK--static} -o "$2" "$2.o" "$top_builddir/libpmheap.la"
}
