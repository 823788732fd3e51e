#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# virtio-pmem.sh: a virtio-pmem is mounted for direct access, but refuses
# MAP_SYNC: flushed lines alone would not be durable there. The library must not
# take it for persistent memory, but sync it as a file.
set -eu
. "${top_srcdir:-.}/tests/dax/guest.sh"
. "${top_srcdir:-.}/tests/dax/scenes.sh"
begin virtio-pmem
device=virtio-pmem
facts ext4 'map_sync refused' 'chosen file survives power' 'by_name refused'
say "MAP_SYNC is refused: file is chosen, dax by name is ENOTSUP"
cuts ext4 file "${PMHEAP_DAX_CUTS:-1}"
