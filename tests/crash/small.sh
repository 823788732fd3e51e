#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Small worlds: every sequence of up to PMHEAP_CRASH_SMALL (2) operations in each
# durability, on one region and two, on lines and on pages, crashed in
# up to PMHEAP_CRASH_QUOTA (48) states at each point.
set -eu
explore=${top_builddir:-.}/tests/crash/explore
quota=${PMHEAP_CRASH_QUOTA:-48}

"$explore" --small "${PMHEAP_CRASH_SMALL:-2}" --quota "$quota"
