#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# tests/man.sh: the manual lints clean, covers the interface, agrees with the
# command and the media layout, and its programs build and run.
set -u

: "${top_srcdir:=$(cd "$(dirname "$0")/.." && pwd)}"
. "$top_srcdir/man/run-program.sh"
man=$top_srcdir/man
failures=0
skipped=

fail() {
	echo "FAIL: $*"
	failures=$((failures + 1))
}

# Names of all pages, aliases included.
page_names() {
	sed -n 's/#.*//; s|man/\([A-Za-z_]*\)\.[1-9]|\n\1\n|gp' \
		"$man/Makefile.inc" | grep -x '[A-Za-z_]*' | sort -u
}

public_functions() {
	sed -n 's/^PM_API .*[ *]\(pm_[a-z_]*\)(.*/\1/p' \
		"$top_srcdir"/include/pmheap/*.h
	[ -f "$top_srcdir/lib/libpmheap.map" ] &&
		grep -o '\<pm_[a-z_]*;' "$top_srcdir/lib/libpmheap.map" |
			tr -d ';'
}

# What the headers define, without the compiler's attributes.
public_defines() {
	cat "$top_srcdir"/include/pmheap/*.h | grep '^#define ' |
		grep -v '__attribute__\|^#define [A-Z_]*_\>'
}

# Macros, and constants, that a program names. TX_ macros may have no
# arguments.
public_macros() {
	public_defines | sed -n -e 's/^#define \(PM_[A-Z_]*\)(.*/\1/p' \
		-e 's/^#define \(TX_[A-Z_]*\).*/\1/p' |
		grep -vx 'PM_ALLOC_SIZE\|PM_NONNULL\|PM_ACCESS\|.*_'
}

public_types() {
	sed -n -e 's/^} \([A-Za-z_]*\);/\1/p' \
		-e 's/^typedef struct .*} \([a-z_]*\);/\1/p' \
		"$top_srcdir"/include/pmheap/*.h
}

public_constants() {
	public_defines | sed -n 's/^#define \(PM_[A-Z_]*\)[	 ].*/\1/p' |
		grep -vx 'PM_BEGIN_DECLS\|PM_END_DECLS'
}

# Fields of the public structs that a program fills or reads.
public_fields() {
	sed -n -e '/^typedef struct Pm[WSCFB]/,/^}/p' \
		-e '/^struct PmMedium/,/^}/p' \
		"$top_srcdir"/include/pmheap/[bprs]*.h |
		sed -n -e 's|/\*.*||' \
			-e 's/.*(\*\([a-z_]*\)).*/\1/p' \
			-e 's/^.*[	 *]\([a-z_]*\)\(\[.*\]\)*;.*/\1/p'
}

every_page_lints_clean() {
	if ! command -v mandoc >/dev/null; then
		skipped="mandoc is not installed"
		return
	fi
	mandoc -Tlint -Wwarning "$man"/*.[1-9] || fail "mandoc complains"
}

every_name_has_a_page() {
	page_names >"$work/pages"
	{
		public_functions
		public_macros
		public_types
		public_constants
	} | sort -u >"$work/names"
	[ "$(wc -l <"$work/names")" -ge 120 ] ||
		fail "found only $(wc -l <"$work/names") public names"
	for name in $(comm -23 "$work/names" "$work/pages"); do
		fail "$name has no page and no alias"
	done
}

every_alias_leads_to_a_page_about_it() {
	for file in "$top_builddir"/man/*.3; do
		[ -f "$file" ] && read -r so target <"$file" || continue
		[ "$so" = .so ] || continue
		name=$(basename "$file" .3)
		grep -qw -- "$name" "$man/${target#man3/}" ||
			fail "$target says nothing of $name"
	done
}

every_constant_and_field_is_described() {
	for name in $(public_constants) $(public_fields); do
		cat "$man"/*.[37] | grep -qw -- "$name" ||
			fail "no page describes $name"
	done
}

# Each function is declared once more as its page says: the compiler compares.
every_synopsis_agrees_with_the_headers() {
	cat "$man"/*.3 | awk '
		function flush_fn() {
			if (name ~ /^pm_/)
				print type, name "(" args ");"
			name = args = ""
		}
		BEGIN {
			print "#include <pmheap.h>"
			print "#include <pmheap/backend.h>"
			print "#include <pmheap/crash.h>"
		}
		/^\.Sh / { on = $2 == "SYNOPSIS" }
		!on { next }
		/^\.Ft / { type = substr($0, 5); gsub(/"/, "", type) }
		/^\.F[no] / {
			name = $2
			rest = substr($0, index($0, name) + length(name) + 1)
			gsub(/^"|"$/, "", rest)
			gsub(/" "/, ", ", rest)
			args = rest
		}
		/^\.Fa / {
			rest = substr($0, 5)
			gsub(/"/, "", rest)
			args = args (args == "" ? "" : ", ") rest
		}
		/^\.F[nc]/ { flush_fn() }' >"$work/synopsis.c"
	for name in $(public_functions); do
		case $name in pm_tx_scope_* | *_) continue ;; esac
		grep -q "[ *]$name(" "$work/synopsis.c" ||
			fail "$name is in no synopsis"
	done
	$CC -std=c11 -I"$top_srcdir/include" -fsyntax-only \
		"$work/synopsis.c" || fail "a synopsis differs from the header"
}

every_page_has_its_sections() {
	for page in "$man"/*.3; do
		for section in NAME SYNOPSIS DESCRIPTION DURABILITY \
			'THREAD SAFETY' TRANSACTIONS 'RETURN VALUES' \
			EXAMPLES ERRORS 'SEE ALSO'; do
			grep -qx ".Sh $section" "$page" ||
				fail "$page has no section $section"
		done
	done
}

every_reference_to_our_pages_exists() {
	for ref in $(sed -n 's/^\.Xr \([a-zA-Z_]*\) .*/\1/p' "$man"/*.[1-9] |
		grep '^pm\|^PM_\|^TX_\|pmheap' | sort -u); do
		page_names | grep -qx "$ref" || fail "no page for .Xr $ref"
	done
}

the_command_page_knows_every_verb_and_option() {
	for verb in $(sed -n 's/.*\.name = "\([a-z-]*\)".*/\1/p' \
		"$top_srcdir/tools/verbs.c"); do
		grep -qx "\.It Cm $verb" "$man/pmheap.1" ||
			fail "pmheap(1) has no verb $verb"
	done
	for option in $(sed -n 's/^[	 ]*{ "\([a-z-]*\)",.*/\1/p' \
		"$top_srcdir/tools/verbs.c"); do
		grep -q -- "Fl -$option" "$man/pmheap.1" ||
			fail "pmheap(1) has no option --$option"
	done
}

# Every row of pmheap_format(5)'s tables becomes an assertion on lib/layout.h,
# and every field of lib/layout.h needs a row.
the_format_page_agrees_with_the_layout() {
	layout=$top_srcdir/lib/layout.h
	awk 'BEGIN { print "#include \"layout.h\"" }
		/^\.\\" struct / { s = "struct " $3 }
		/^\.El/ { s = "" }
		s && /^\.It [0-9]+ Ta [0-9]+ Ta Va / {
			print "_Static_assert(offsetof(" s ", " $7 ") == " $2,
				"&& sizeof(((" s " *)0)->" $7 ") == " $4 ",",
				"\"" s "." $7 "\");"
		}' "$man/pmheap_format.5" >"$work/layout.c"
	$CC -std=c11 -I"$top_srcdir/lib" -fsyntax-only "$work/layout.c" ||
		fail "pmheap_format(5) differs from lib/layout.h"
	awk '/^struct pm_/ { s = $2 }
		/^}/ { s = "" }
		s && /^\t/ {
			sub(/\/\*.*/, "")
			if (match($0, /[a-z_0-9]+(\[[^]]*\])?;/))
				print s, substr($0, RSTART, RLENGTH)
		}' "$layout" | sed 's/\[.*\]//; s/;//' >"$work/fields"
	[ "$(wc -l <"$work/fields")" -ge 60 ] ||
		fail "found only $(wc -l <"$work/fields") fields in layout.h"
	while read -r struct field; do
		grep -q "(struct $struct, $field)" "$work/layout.c" ||
			fail "pmheap_format(5) has no $struct.$field"
	done <"$work/fields"
}

# Record types, by number.
the_format_page_knows_every_record() {
	grep -o '^	PM_REC_[A-Z]*' "$top_srcdir/lib/layout.h" |
		grep -v LAST | sed 's/.*PM_REC_//' |
		awk '{ print ".It " NR " " $1 }' >"$work/records"
	[ -s "$work/records" ] || fail "layout.h has no record types"
	while read -r line; do
		grep -qxF -- "$line" "$man/pmheap_format.5" ||
			fail "pmheap_format(5) has no line $line"
	done <"$work/records"
}

every_program_builds_and_runs() {
	for page in "$man"/*.[37]; do
		name=$(basename "$page")
		awk -v prefix="$work/$name" -f "$man/examples.awk" "$page" \
			>"$work/list"
		[ -s "$work/list" ] || fail "$name has no program"
		while read -r source; do
			program_runs "${source%.c}"
		done <"$work/list"
	done
}

# Twice: with a new pool, and with the one that the first run left.
program_runs() {
	if ! program_build "$1.c" "$1"; then
		fail "$(basename "$1").c does not build"
		return
	fi
	mkdir "$1.dir"
	for run in 1 2; do
		(cd "$1.dir" && exec "$1") >"$1.out" 2>&1 </dev/null || {
			fail "$(basename "$1") fails in run $run:"
			cat "$1.out"
		}
	done
}

every_page_lints_clean
every_name_has_a_page
every_alias_leads_to_a_page_about_it
every_constant_and_field_is_described
every_synopsis_agrees_with_the_headers
every_page_has_its_sections
every_reference_to_our_pages_exists
the_command_page_knows_every_verb_and_option
the_format_page_agrees_with_the_layout
the_format_page_knows_every_record
why=$(program_skip)
if [ -n "$why" ]; then
	skipped=$why
else
	every_program_builds_and_runs
fi

[ "$failures" -eq 0 ] || exit 1
if [ -n "$skipped" ]; then
	echo "SKIP: $skipped"
	exit 77
fi
