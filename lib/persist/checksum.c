/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * checksum.c: XXH3 64-bit, from libxxhash's header so that short entries are
 * hashed without a call. Its output has been stable since version 0.8.0, it
 * needs no special instructions, and at 24 to 64 bytes, the size of most log
 * entries, it takes a few nanoseconds. A torn entry passes with probability
 * 2^-64.
 */
#include "persist/persist.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t checksum(const void *p, size_t n, uint64_t seed)
{
	return XXH3_64bits_withSeed(p, n, seed);
}

uint64_t checksum_skip(const void *p, size_t n, size_t skip, uint64_t seed)
{
	const uint8_t *b = p;
	uint64_t head = skip ? XXH3_64bits_withSeed(b, skip, seed) : seed;

	return XXH3_64bits_withSeed(b + skip + 8, n - skip - 8, head ^ skip);
}
