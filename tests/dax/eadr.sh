#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# eadr.sh: where the caches are in the persistence domain, no cache line is
# flushed (ext4.sh has the counter-proof), and a power cut loses nothing.
set -eu
. "${top_srcdir:-.}/tests/dax/guest.sh"
. "${top_srcdir:-.}/tests/dax/scenes.sh"
begin eadr
domain=cpu
facts ext4 'chosen dax survives power' 'map_sync works' 'auto_flush 1' \
	'executed flushes=0 fences=[1-9].*'
say "libpmem sees eADR; a commit and a close executed" \
	"$(shown 'PROBE executed' | cut -d' ' -f3-4)"
cuts ext4 dax "${PMHEAP_DAX_CUTS:-1}"
