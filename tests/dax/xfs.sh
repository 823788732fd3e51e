#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# xfs.sh: on xfs mounted for direct access the library chooses the dax backend
# by itself, passes API tests, and keeps its promises over power cuts. What
# differs from ext4 is the file system, so the programs that ask most of it are
# run; PMHEAP_DAX_ALL=1 runs all.
set -eu
. "${top_srcdir:-.}/tests/dax/guest.sh"
. "${top_srcdir:-.}/tests/dax/scenes.sh"
begin xfs
some="region write tx large multi readonly growth badinput"
[ -z "${PMHEAP_DAX_ALL:-}" ] || some=$(api_programs)
# shellcheck disable=SC2086
suite xfs $some
cuts xfs dax "${PMHEAP_DAX_CUTS:-4}"
