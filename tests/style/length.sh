#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# No source file has 500 lines or more, each names its licence in its first
# lines, and none holds a note of unfinished work.
set -eu
cd "${top_srcdir:-.}"
bad=0
n=0
for f in $(find lib include tools examples bench tests -name '*.[ch]' | sort); do
	n=$((n + 1))
	lines=$(wc -l <"$f")
	if [ "$lines" -ge 500 ]; then
		echo "$f: $lines lines, 499 are allowed"
		bad=1
	fi
	if ! head -n 2 "$f" | grep -q 'SPDX-License-Identifier: BSD-3-Clause'; then
		echo "$f: no SPDX line at the top"
		bad=1
	fi
	note='TO''DO|FIX''ME|X''XX'
	if grep -HnwE "$note" "$f"; then
		echo "$f: unfinished work"
		bad=1
	fi
done
if [ "$n" -lt 20 ]; then
	echo "only $n source files were found"
	bad=1
fi
exit $bad
