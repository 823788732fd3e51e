#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Includes in lib/ point downward only: base < persist < region < alloc < debug
# < tx < the files of lib/ itself. The public headers and layout.h may be
# included by all; tools, examples and bench see only the public headers, but for
# tools/inside/, which looks into pools for the rest of tools.
set -eu
cd "${top_srcdir:-.}"

layers="base persist region alloc debug tx"
bad=0

fail()
{
	echo "$1"
	bad=1
}

# rank LAYER: its place from below; 0 for what is no layer.
rank()
{
	r=0
	for l in $layers; do
		r=$((r + 1))
		if [ "$l" = "$1" ]; then
			echo "$r"
			return
		fi
	done
	echo 0
}

# layer_of FILE HEADER: the layer that an #include "HEADER" in FILE reaches.
layer_of()
{
	dir=$(dirname "$1")
	if [ -f "$dir/$2" ]; then
		path=$dir/$2
	elif [ -f "lib/$2" ]; then
		path=lib/$2
	elif [ "$2" = config.h ] || [ -f "include/$2" ]; then
		return
	else
		echo nowhere
		return
	fi
	path=$(realpath --relative-to=lib "$path")
	case $path in
	layout.h) ;;
	*/*) echo "${path%%/*}" ;;
	*) echo top ;;
	esac
}

files=$(find lib -name '*.[ch]' | sort)
[ -n "$files" ] || fail "lib has no files"
for f in $files; do
	own=${f#lib/}
	case $own in
	layout.h) limit=0 ;;
	*/*) limit=$(rank "${own%%/*}")
	     [ "$limit" -gt 0 ] || fail "$f: no known layer" ;;
	*) limit=99 ;;
	esac
	for h in $(sed -n 's/^#[ 	]*include[ 	]*"\([^"]*\)".*/\1/p' "$f"); do
		layer=$(layer_of "$f" "$h")
		[ -n "$layer" ] || continue
		if [ "$layer" = nowhere ]; then
			fail "$f: includes \"$h\", which is nowhere"
		elif [ "$layer" = top ]; then
			[ "$limit" -eq 99 ] ||
				fail "$f: includes \"$h\" of the top layer"
		elif [ "$(rank "$layer")" -gt "$limit" ]; then
			fail "$f: includes \"$h\" of the higher layer $layer"
		fi
	done
	if [ "$limit" -lt 99 ] &&
	   grep -Hn '^#[ 	]*include[ 	]*[<"]pmheap\.h[>"]' "$f"; then
		fail "$f: a layer includes the header of the whole library"
	fi
done
for f in $(find tools examples bench -name '*.[ch]' | sort); do
	case $f in tools/inside/*) continue ;; esac
	for h in $(sed -n 's/^#[ 	]*include[ 	]*"\([^"]*\)".*/\1/p' "$f"); do
		case $(realpath -m --relative-to=. "$(dirname "$f")/$h") in
		lib/*) fail "$f: includes \"$h\" of the library" ;;
		tools/inside/inside.h) ;;
		tools/inside/*) fail "$f: includes \"$h\", which is not for it" ;;
		esac
	done
done
exit $bad
