#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Every call of a fence in lib/ has an ORDER comment at most 8 lines above it
# that says what is durable before what. A fence is any function of that name's
# end, but the compiler's own, which orders nothing on a medium.
set -eu
cd "${top_srcdir:-.}"

find lib -name '*.c' | sort | xargs awk '
FNR == 1 { order = -100; comment = 0 }
/ORDER/ { order = FNR }
# Text of comments does not call anything.
{
	line = $0
	gsub(/__atomic_[a-z_]*fence/, "", line)
	gsub(/\/\*[^*]*\*\//, "", line)
	if (comment) {
		if (line !~ /\*\//)
			next
		sub(/.*\*\//, "", line)
		comment = 0
	}
	if (line ~ /\/\*/) {
		comment = 1
		sub(/\/\*.*/, "", line)
	}
}
# At the left margin stand definitions and declarations only.
line ~ /^[a-z]/ { next }
line ~ /fence[ \t]*\(/ {
	calls++
	if (FNR - order > 8) {
		printf "%s:%d: fence without an ORDER comment: %s\n",
		       FILENAME, FNR, $0
		bad = 1
	}
}
END {
	if (calls == 0) {
		print "no fence was found in lib"
		bad = 1
	}
	printf "%d calls of fences\n", calls
	exit bad
}'
