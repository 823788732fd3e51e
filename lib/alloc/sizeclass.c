/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sizeclass.c: sizes of slots. Multiples of 16 to 128, then eight classes to
 * each doubling (at most 1/9 of a slot is lost to rounding), up to eight
 * extents. A slab takes as many extents as keep the rest at its end small.
 */
#include "alloc/alloc.h"

_Static_assert(PM_EXTENT_MAX == PM_EXTENT_MIN << 4, "five extent sizes");

/* Up to SLAB_EXT_MAX extents, whose size is a power of two: eight classes for
 * each doubling from 128 on. Replay asks for every record. */
unsigned class_count(uint32_t ext_size)
{
	return CLASSES_LINEAR + 8 * (31 - (unsigned)__builtin_clz(SLAB_EXT_MAX *
							   ext_size / 128));
}

unsigned class_of_aligned(uint64_t size, uint64_t align)
{
	unsigned idx = class_of(size < align ? align : size, 16);

	/* Every power of two is a class, so this ends. */
	while (class_size(idx) % align)
		idx++;
	return idx;
}

static struct size_class best_slab(uint32_t ext_size, unsigned idx)
{
	struct size_class best = {class_size(idx), 0, 0};
	uint64_t size = best.size, least = UINT64_MAX;
	uint32_t n;

	for (n = 1; n <= SLAB_EXT_MAX; n++) {
		uint64_t bytes = (uint64_t)n * ext_size, rest;

		if (bytes < size)
			continue;
		rest = bytes % size * 1024 / bytes;
		if (rest < least) {
			least = rest;
			best.n_ext = n;
			best.n_slots = (uint32_t)(bytes / size);
		}
		if (rest <= 1024 / 32)
			break;
	}
	return best;
}

/* Computed once for each extent size and class, by whoever asks first. */
struct size_class class_get(uint32_t ext_size, unsigned idx)
{
	static AO_t known[5][CLASSES_MAX];	/* n_ext << 32 | n_slots */
	AO_t *slot = &known[__builtin_ctz(ext_size / PM_EXTENT_MIN)][idx];
	AO_t word = AO_load(slot);
	struct size_class c;

	if (LIKELY(word))
		return (struct size_class){class_size(idx),
					   (uint32_t)(word >> 32),
					   (uint32_t)word};
	c = best_slab(ext_size, idx);
	AO_store(slot, (AO_t)c.n_ext << 32 | c.n_slots);
	return c;
}
