#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# ext4.sh: on ext4 mounted for direct access the library chooses the dax backend
# by itself, passes the API tests, and keeps its promises over power cuts.
set -eu
. "${top_srcdir:-.}/tests/dax/guest.sh"
. "${top_srcdir:-.}/tests/dax/scenes.sh"
begin ext4
facts ext4 'chosen dax survives power' 'by_name given' 'map_sync works' \
	'auto_flush 0' 'executed flushes=[1-9].* fences=[1-9].*'
say "MAP_SYNC works, dax is chosen; a commit and a close executed" \
	"$(shown 'PROBE executed' | cut -d' ' -f3-4)"
# shellcheck disable=SC2046
suite ext4 $(api_programs)
cuts ext4 dax "${PMHEAP_DAX_CUTS:-4}"
