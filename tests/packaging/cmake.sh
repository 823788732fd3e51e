#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# cmake.sh ROOT PREFIX: what is installed in PREFIX below the folder ROOT ("":
# the real one) is found by a CMake project, which then builds and runs; another
# version than the installed one is not taken.
set -eu
src=${top_srcdir:-.}
root=$1
prefix=$2
version=$(sed -n 's/^AC_INIT(\[[^]]*\], \[\(.*\)\])/\1/p' "$src/configure.ac")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

if ! command -v cmake >/dev/null; then
	echo "SKIP: no cmake"
	exit 77
fi

# configure WANTED: what the project says to an installation, as a consumer that
# asks for this version.
configure()
{
	cmake -S "$src/tests/packaging/cmake" -B "$tmp/build" -DWANTED="$1" \
		-U pmheap_DIR -DCMAKE_PREFIX_PATH="$root$prefix" >"$tmp/out" 2>&1
}

fail()
{
	echo "$1"
	cat "$tmp/out"
	exit 1
}

for refused in 99.0 "$version.1" "${version%%.*}.99" '99.0;EXACT'; do
	! configure "$refused" || fail "version $version is taken for $refused"
	grep -qF "version: $version" "$tmp/out" ||
		fail "$refused is refused for another reason"
done
for wanted in "${version%%.*}" "$version;EXACT" ''; do
	configure "$wanted" || fail "version $version is not taken for $wanted"
done
cmake --build "$tmp/build" >"$tmp/out" 2>&1 || fail "the project does not build"

grep '^pmheap_DIR:' "$tmp/build/CMakeCache.txt" | grep -qF "=$root$prefix/" ||
	fail "not the package in $root$prefix"
lib=$(sed -n 's/^pmheap_DIR:[A-Z]*=\(.*\)\/cmake\/pmheap$/\1/p' \
	"$tmp/build/CMakeCache.txt")
for language in c cc; do
	LD_LIBRARY_PATH=$lib "$tmp/build/consumer-$language" "$tmp/pool"
done >"$tmp/out"
printf 'run %d of version %s\n' 1 "$version" 2 "$version" | cmp - "$tmp/out" ||
	fail "the programs count wrong"
