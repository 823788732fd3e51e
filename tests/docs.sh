#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# tests/docs.sh: the tutorial shows the code of its programs and what they
# print, and every name in doc/ exists.
set -u
unset PMHEAP_BACKEND PMHEAP_ASSUME_PMEM PMHEAP_DEBUG

: "${top_srcdir:=$(cd "$(dirname "$0")/.." && pwd)}"
. "$top_srcdir/man/run-program.sh"
doc=$top_srcdir/doc
failures=0
skipped=

fail() {
	echo "FAIL: $*"
	failures=$((failures + 1))
}

# Writes each block of the tutorial to a file: stepNN.c.1 and so on for code,
# stepNN.console.1 for what is typed and printed; and prints their names.
split_tutorial() {
	awk -v work="$work" '
		/^Step [0-9]+: / { step = sprintf("step%02d", $2) }
		/^```/ && file { close(file); file = ""; next }
		/^```(c|console)$/ {
			kind = substr($0, 4)
			file = step "." kind "." ++n
			print file
			file = work "/" file
			printf "" >file
			next
		}
		/^```/ { file = "/dev/null" }
		file { print >file }' "$doc/tutorial.md"
}

every_step_is_shown_and_run() {
	for n in 01 02 03 04 05 06 07 08 09 10 11; do
		for kind in c console; do
			grep -q "^step$n\.$kind\." "$work/blocks" ||
				fail "step $n shows no $kind"
		done
	done
	[ "$(ls "$doc"/tutorial/*.c | wc -l)" -eq 11 ] ||
		fail "doc/tutorial has not eleven programs"
}

# A block is some lines of its program, one after the other, unchanged.
the_code_is_that_of_the_programs() {
	for block in $(grep '\.c\.' "$work/blocks"); do
		program=${block%%.*}.c
		awk 'FNR == NR { block = block $0 "\n"; next }
			{ all = all $0 "\n" }
			END { exit !index("\n" all, "\n" block) }' \
			"$work/$block" "$doc/tutorial/$program" || {
			fail "these lines are not in $program:"
			cat "$work/$block"
		}
	done
}

# The first program is short enough to be shown whole.
the_first_program_is_complete() {
	sed 1,2d "$doc/tutorial/step01.c" | cmp -s - "$work/step01.c.1" ||
		fail "the first step does not show all of step01.c"
}

# Linked with the shared library if there is one: crash-test loads into it.
build_steps() {
	PM_PROGRAM_LINK=-no-install
	mkdir "$work/run" "$work/bin"
	for source in "$doc"/tutorial/*.c; do
		name=$(basename "$source" .c)
		program_build "$source" "$work/run/$name" ||
			fail "$name.c does not build"
	done
	printf '#!/bin/sh\nexec "%s/pmheap" "$@"\n' "$top_builddir" \
		>"$work/bin/pmheap"
	chmod +x "$work/bin/pmheap"
}

# What a terminal shows when the commands of a block are typed. Shells report
# a killed program in different words.
play() {
	sed -n 's/^\$ //p' "$1" | while read -r line; do
		printf '$ %s\n' "$line"
		(cd "$work/run" && PATH=$work/bin:$PATH sh -c "$line
:" 2>&1 </dev/null) | sed 's/^.*[0-9] Killed .*/Killed/'
	done
}

the_programs_print_what_is_shown() {
	for block in $(grep '\.console\.' "$work/blocks"); do
		if [ ! -e "$top_builddir/.libs/crash-record.so" ] &&
			grep -q crash-test "$work/$block"; then
			skipped="no shared library was built"
			continue
		fi
		play "$work/$block" >"$work/played"
		diff "$work/$block" "$work/played" >"$work/diff" || {
			fail "${block%%.*} prints (>) other things than shown:"
			cat "$work/diff"
		}
	done
}

the_program_for_newcomers_from_libpmemobj_runs() {
	sed -n '/^```c$/,/^```$/{/^```/!p}' "$doc/from-libpmemobj.md" \
		>"$work/run/list.c"
	program_build "$work/run/list.c" "$work/run/list" ||
		fail "the program in from-libpmemobj.md does not build"
	[ "$(cd "$work/run" && ./list | tr '\n' ' ')" = '3 1 ' ] ||
		fail "the program in from-libpmemobj.md does not print 3 and 1"
}

# Words of a text that look like names of ours, and those that are.
names_of() {
	grep -ohw 'pm_[a-z_]*[a-z]\|PM_[A-Z_]*[A-Z]\|Pm[A-Z][A-Za-z]*' "$@" |
		sort -u
}

every_name_of_ours_exists() {
	names_of "$top_srcdir"/include/pmheap.h \
		"$top_srcdir"/include/pmheap/*.h >"$work/ours"
	# pm_tx(3) is the name of a page.
	(cd "$top_srcdir/man" && ls ./*.[1-9]) |
		sed 's|^\./||; s|\.[1-9]$||' | sort -u - "$work/ours" \
		>"$work/known"
	for page in tutorial from-libpmemobj; do
		names_of "$doc/$page.md" >"$work/named"
		[ "$(wc -l <"$work/named")" -ge 20 ] ||
			fail "$page.md names only $(wc -l <"$work/named")"
		for name in $(comm -23 "$work/named" "$work/known"); do
			fail "$page.md: there is no $name"
		done
	done
	# TX_ names are those of both libraries: ours are not in column one.
	sed 's/^|[^|]*|//' "$doc/tutorial.md" "$doc/from-libpmemobj.md" |
		grep -ow 'TX_[A-Z_]*[A-Z]' | sort -u >"$work/named"
	for name in $(cat "$work/named"); do
		grep -qw "$name" "$top_srcdir"/include/pmheap/*.h ||
			fail "there is no $name"
	done
}

every_name_of_theirs_exists() {
	theirs=$(echo '#include <libpmemobj.h>' | $CC -E - 2>/dev/null |
		sed -n 's|^# [0-9]* "\(.*\)/libpmemobj\.h".*|\1|p' |
		sed -n 1p)
	if [ -z "$theirs" ]; then
		skipped="libpmemobj is not installed to compare names with"
		return
	fi
	sed -n 's/^|\([^|]*\)|.*/\1/p' "$doc/from-libpmemobj.md" |
		grep -ow '[A-Za-z]*_[A-Za-z_]*\|PMEM[a-z]*\|TOID' |
		sort -u >"$work/named"
	[ "$(wc -l <"$work/named")" -ge 60 ] ||
		fail "column one has only $(wc -l <"$work/named") names"
	for name in $(cat "$work/named"); do
		cat "$theirs/libpmemobj.h" "$theirs"/libpmemobj/*.h |
			grep -qw -- "$name" || fail "libpmemobj has no $name"
	done
}

split_tutorial >"$work/blocks"
every_step_is_shown_and_run
the_code_is_that_of_the_programs
the_first_program_is_complete
every_name_of_ours_exists
every_name_of_theirs_exists
why=$(program_skip)
if [ -n "$why" ]; then
	skipped=$why
else
	build_steps
	the_programs_print_what_is_shown
	the_program_for_newcomers_from_libpmemobj_runs
fi

[ "$failures" -eq 0 ] || exit 1
if [ -n "$skipped" ]; then
	echo "SKIP: $skipped"
	exit 77
fi
