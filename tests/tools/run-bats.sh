#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# tests/tools/run-bats.sh: runs a file of tests in bats' language; skips it
# where bats or jq is missing.
set -eu
for tool in bats jq; do
	command -v "$tool" >/dev/null || {
		echo "SKIP: $tool is not installed"
		exit 77
	}
done
unset PMHEAP_BACKEND PMHEAP_ASSUME_PMEM NO_COLOR
exec bats --tap "$@"
