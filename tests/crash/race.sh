#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A thread is stopped at each of its calls of the backend, and of its locks, while
# another does up to PMHEAP_CRASH_RACE (1) operations; PMHEAP_CRASH_QUOTA (8)
# states a point.
set -eu
explore=${top_builddir:-.}/tests/crash/explore

"$explore" --race "${PMHEAP_CRASH_RACE:-1}" --quota "${PMHEAP_CRASH_QUOTA:-8}"
