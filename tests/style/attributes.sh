#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Compilers warn of what the attributes of the public headers say is wrong, and
# of nothing else: each part of attributes.in is compiled in C and in C++.
set -eu
src=${top_srcdir:-.}
export LC_ALL=C
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
ran=0
bad=0

fail()
{
	echo "$1: $(head -n 1 "$2")"
	cat "$tmp/out"
	bad=1
}

# warned WORD...: is there a warning, and does each have one of the words?
# Compilers do not agree on all of them.
warned()
{
	printf '%s\n' "$@" >"$tmp/words"
	grep -E '(warning|error): ' "$tmp/out" >"$tmp/warnings" &&
		! grep -vqF -f "$tmp/words" "$tmp/warnings"
}

# try COMPILER KIND STANDARD EXTENSION PART
try()
{
	local what who words

	what=$(head -n 1 "$5")
	what=${what#/\* }
	who=${what%%:*}
	words=${what#*: }
	words=${words%%.*}
	{
		printf '#include <pmheap.h>\n#include <errno.h>\n'
		printf '#include <string.h>\n#pragma GCC diagnostic warning %s\n' \
			'"-Wshadow"'
		echo 'struct node { struct node *next; int value; char name[8];'
		echo '	pm_mutex lock; };'
		sed 's/^\([a-z].*(.*)\)$/\1;\n\1/' "$5"
	} >"$tmp/part.$4"
	"$1" "-std=$3" -O2 -Wall -Wextra -Wpedantic -I"$src/include" -c \
		-o "$tmp/part.o" "$tmp/part.$4" >"$tmp/out" 2>&1 || true
	case " $who " in
	*" $2 "*)
		# shellcheck disable=SC2086
		warned $words || fail "$1 $3 does not warn as it should" "$5" ;;
	*)
		! grep -qE '(warning|error): ' "$tmp/out" ||
			fail "$1 $3 warns" "$5" ;;
	esac
	ran=$((ran + 1))
}

awk -v dir="$tmp" '/^\/\* (none|gcc|clang)[ :]/ { n++ }
	n { print > sprintf("%s/part-%02d", dir, n) }' "$src/tests/style/attributes.in"
[ "$(find "$tmp" -name 'part-*' | wc -l)" -ge 20 ] || {
	echo "attributes.in has too few parts"
	exit 1
}
while read -r compiler kind std ext; do
	if ! command -v "$compiler" >/dev/null; then
		echo "no $compiler"
		continue
	fi
	for part in "$tmp"/part-*; do
		case ${part##*/} in *.*) continue ;; esac
		try "$compiler" "$kind" "$std" "$ext" "$part"
	done
done <<'END'
gcc gcc c11 c
g++ gcc c++11 cc
clang clang c11 c
clang++ clang c++11 cc
END
if [ "$ran" -eq 0 ]; then
	echo "SKIP: no compiler"
	exit 77
fi
echo "$ran programs were compiled"
exit $bad
