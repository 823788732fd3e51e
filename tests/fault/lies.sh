#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Every field of every struct in lib/layout.h has a lie in tests/fault, and no
# lie is about a field that is not there. The fields inside of the words of log
# records are counted by tests/fault/badlog itself.
set -u
layout=${top_srcdir:?}/lib/layout.h
tests=${top_builddir:?}/tests/fault
work=$(mktemp -d "${TMPDIR:-/tmp}/pmheap-lies-XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT

awk '/^struct pm_[a-z]+ \{/ { name = $2; next }
	/^};/ { name = "" }
	name != "" && /^\t[a-z]/ {
		sub(/;.*/, "")
		sub(/\[.*/, "")
		print name "." $NF
	}' "$layout" | sort -u >"$work/fields"
"$tests/badpool" --list >"$work/list" || exit 99
"$tests/badlog" --list >>"$work/list" || exit 99
cut -d ' ' -f 1 "$work/list" | grep '^pm_.*\.' | sort -u >"$work/told"
[ "$(wc -l <"$work/fields")" -gt 50 ] || {
	echo "FAIL: only $(wc -l <"$work/fields") fields in $layout"
	exit 1
}
comm -23 "$work/fields" "$work/told" >"$work/missing"
comm -13 "$work/fields" "$work/told" >"$work/unknown"
sed 's/^/FAIL: no lie about /' "$work/missing"
sed 's/^/FAIL: a lie about what is not in layout.h: /' "$work/unknown"
echo "$(wc -l <"$work/fields") fields, $(wc -l <"$work/list") lies"
[ ! -s "$work/missing" ] && [ ! -s "$work/unknown" ]
