/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sizeclass.c: every size finds a class that holds it and wastes little.
 */
#include "unit.h"

#define SIZE_MAX_TESTED 600000u

START_TEST(every_size_fits_its_class)
{
	uint64_t size;

	for (size = 0; size <= SIZE_MAX_TESTED; size++)
		ck_assert_uint_ge(class_size(class_of(size, 16)), size);
}
END_TEST

START_TEST(no_smaller_class_would_do)
{
	uint64_t size;

	for (size = 1; size <= SIZE_MAX_TESTED; size++) {
		unsigned idx = class_of(size, 16);

		if (idx)
			ck_assert_uint_lt(class_size(idx - 1), size);
	}
}
END_TEST

START_TEST(at_most_an_eighth_is_wasted)
{
	uint64_t size;

	for (size = 129; size <= SIZE_MAX_TESTED; size++) {
		uint64_t slot = class_size(class_of(size, 16));

		ck_assert_msg((slot - size) * 8 <= slot,
			      "%u bytes take %u", (unsigned)size,
			      (unsigned)slot);
	}
	for (size = 1; size <= 128; size++)
		ck_assert_uint_lt(class_size(class_of(size, 16)) - size, 16);
}
END_TEST

START_TEST(classes_grow_and_are_multiples_of_16)
{
	unsigned i, n = class_count(PM_EXTENT_MAX);

	ck_assert_uint_gt(n, 8);
	ck_assert_uint_le(n, CLASSES_MAX);
	for (i = 0; i < n; i++) {
		ck_assert_uint_eq(class_size(i) % 16, 0);
		if (i)
			ck_assert_uint_gt(class_size(i), class_size(i - 1));
	}
}
END_TEST

START_TEST(alignment_is_kept_by_every_slot)
{
	uint64_t align, size;

	for (align = 32; align <= PM_EXTENT_MIN; align *= 2) {
		for (size = 1; size <= 5 * align; size += 7) {
			unsigned idx = class_of(size, align);

			ck_assert_uint_eq(class_size(idx) % align, 0);
			ck_assert_uint_ge(class_size(idx), size);
		}
	}
}
END_TEST

START_TEST(a_slab_holds_its_slots_and_wastes_little)
{
	uint32_t ext;

	for (ext = PM_EXTENT_MIN; ext <= PM_EXTENT_MAX; ext *= 2) {
		unsigned i, n = class_count(ext);

		for (i = 0; i < n; i++) {
			struct size_class c = class_get(ext, i);
			uint64_t bytes = (uint64_t)c.n_ext * ext;

			ck_assert_uint_ge(c.n_slots, 1);
			ck_assert_uint_le(c.n_ext, SLAB_EXT_MAX);
			ck_assert_uint_le((uint64_t)c.n_slots * c.size, bytes);
			ck_assert_uint_lt(bytes % c.size, c.size);
			/* The bitmap of the first extent has a bit for all. */
			ck_assert_uint_le((c.n_slots + 7) / 8,
					  PM_BITMAP_BYTES(ext));
			/* The rest that holds no slot is an eighth at most. */
			ck_assert_uint_le((bytes - (uint64_t)c.n_slots *
					   c.size) * 8, bytes);
		}
	}
}
END_TEST

/* Whoever asks for no more than the largest class and an extent's alignment
 * gets a class (reserve.c). */
START_TEST(every_alignment_up_to_an_extent_has_a_class)
{
	uint32_t ext;

	for (ext = PM_EXTENT_MIN; ext <= PM_EXTENT_MAX; ext *= 2) {
		unsigned n = class_count(ext), k;
		uint64_t align;

		for (align = 1; align <= ext; align *= 2)
			for (k = 0; k < n; k++)
				ck_assert_uint_lt(class_of(class_size(k),
							   align), n);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		every_size_fits_its_class, no_smaller_class_would_do,
		at_most_an_eighth_is_wasted,
		classes_grow_and_are_multiples_of_16,
		alignment_is_kept_by_every_slot,
		a_slab_holds_its_slots_and_wastes_little,
		every_alignment_up_to_an_extent_has_a_class, NULL,
	};

	return unit_main("sizeclass", tests);
}
