# SPDX-License-Identifier: BSD-3-Clause
# man/run-program.sh: sourced by the tests of the manual and the README; builds
# a program against the library in the build tree.
#
# Needs top_srcdir, top_builddir, CC and $work, a folder that may be filled.

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
