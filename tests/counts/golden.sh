#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Fences, flushed lines and logged bytes of an operation do not rise: compares
# them with the golden file beside this script.
exec "${top_builddir:-.}/tests/counts/counts" \
	"${top_srcdir:-.}/tests/counts/golden"
