#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Builds cxx.cc with each C++ compiler at hand against the built library.
set -eu
src=${top_srcdir:-.}
lib=$(cd "${top_builddir:-.}" && pwd)/.libs
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
ran=0

if [ ! -e "$lib/libpmheap.so" ]; then
	echo "SKIP: no shared library was built"
	exit 77
fi
for cxx in g++ clang++; do
	if ! command -v $cxx >/dev/null 2>&1; then
		echo "no $cxx"
		continue
	fi
	for std in c++11 c++20; do
		for opt in -O0 -O2; do
			$cxx -std=$std $opt -Wall -Wextra -Werror \
				-Wno-missing-field-initializers \
				-I"$src/include" -o "$tmp/cxx" \
				"$src/tests/api/cxx.cc" \
				-L"$lib" -lpmheap -Wl,-rpath,"$lib"
			LD_LIBRARY_PATH=$lib "$tmp/cxx"
			ran=$((ran + 1))
		done
	done
done
if [ $ran -eq 0 ]; then
	echo "SKIP: no C++ compiler"
	exit 77
fi
