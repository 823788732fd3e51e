#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The sharpest mutants of lib/ (tests/mutation/sharp) are killed by the tests;
# `make mutation` tries all.
set -eu
if ! command -v perl >/dev/null; then
	echo "SKIP: no perl"
	exit 77
fi
case ${PM_PROGRAM_CFLAGS-} in
*-fsanitize* | *--coverage*)
	echo "SKIP: mutants are tried in plain builds"
	exit 77 ;;
esac
exec make -s mutation MUTATION_FLAGS="--set $top_srcdir/tests/mutation/sharp" \
	ONLY= JOBS=2
