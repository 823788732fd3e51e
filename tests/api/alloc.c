/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * alloc.c: the allocating calls: sizes, alignment, types, misuse.
 */
#include "support.h"

#define MANY 4000

/* A size that the compiler does not see: it warns of absurd ones. */
static size_t unseen(size_t size)
{
	volatile size_t v = size;

	return v;
}

static int compare(const void *a, const void *b)
{
	uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

	return x < y ? -1 : x > y;
}

/* Sizes that touch every class: each size to 512, then steps of 1/16. */
static size_t next_size(size_t size)
{
	return size < 512 ? size + 1 : size + size / 16 + 1;
}

START_TEST(objects_of_all_sizes_are_aligned_and_apart)
{
	static unsigned char *p[1000];
	size_t size, n = 0, i, len[1000];

	t_ok(pm_init(t_config_of("p", 32 * MIB, 0)));
	TX_START {
		for (size = 1; size < 600 * KIB; size = next_size(size)) {
			p[n] = pm_alloc(size);
			t_given(p[n]);
			ck_assert_uint_eq((uintptr_t)p[n] % 16, 0);
			ck_assert_uint_ge(pm_usable_size(p[n]), size);
			len[n] = pm_usable_size(p[n]);
			t_given(pm_fill(p[n], (int)(n % 251), len[n]));
			n++;
		}
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
	if (t_keeps())
		t_reopen("p");
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, n);
	for (i = 0; i < n; i++) {
		ck_assert_uint_eq(pm_usable_size(p[i]), len[i]);
		t_bytes(p[i], len[i], (int)(i % 251));
	}
	for (i = 0; i < n; i++)
		pm_free(p[i]);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 0);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).used_bytes, 0);
}
END_TEST

START_TEST(size_classes_waste_at_most_an_eighth)
{
	size_t size;
	void *p;

	t_ok(pm_init(t_config_of("p", 32 * MIB, 0)));
	TX_START {
		for (size = 128; size < 8 * KIB; size += size / 37 + 1) {
			p = pm_alloc(size);
			t_given(p);
			ck_assert_uint_le(pm_usable_size(p),
					  size + size / 7 + 16);
			pm_free(p);
		}
	} TX_END
}
END_TEST

START_TEST(objects_of_one_size_do_not_overlap)
{
	static uintptr_t p[MANY];
	size_t i;

	t_init("p");
	TX_START {
		for (i = 0; i < MANY; i++) {
			p[i] = (uintptr_t)pm_alloc(48);
			ck_assert_uint_ne(p[i], 0);
		}
	} TX_END
	qsort(p, MANY, sizeof p[0], compare);
	for (i = 1; i < MANY; i++)
		ck_assert_uint_ge(p[i] - p[i - 1], 48);
}
END_TEST

START_TEST(the_largest_object_fills_nearly_the_pool)
{
	PmStats s;
	char *p;

	t_ok(pm_init(t_config_of("p", 64 * MIB, 0)));
	s = t_stats(PM_PRIMARY);
	ck_assert_uint_ge(s.largest_free, 56 * MIB);
	t_null(pm_alloc(s.largest_free + 1), ENOMEM);
	p = pm_alloc(s.largest_free);
	t_given(p);
	ck_assert_ptr_nonnull(PM_SET(p[s.largest_free - 1], 'z'));
	t_null(pm_alloc(s.extent_size), ENOMEM);
	pm_free(p);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).largest_free, s.largest_free);
}
END_TEST

START_TEST(size_zero_gives_a_unique_object)
{
	void *a, *b;

	t_init("p");
	a = pm_alloc(0);
	b = pm_alloc(0);
	t_given(a);
	t_given(b);
	ck_assert_ptr_ne(a, b);
	pm_free(a);
	pm_free(b);
	t_given(pm_calloc(0, 8));
	t_given(pm_calloc(8, 0));
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 2);
}
END_TEST

START_TEST(calloc_zeroes_memory_that_was_used_before)
{
	size_t size;
	unsigned char *p;

	t_init("p");
	for (size = 1; size < 300 * KIB; size = size * 5 + 3) {
		p = pm_alloc(size);
		t_given(p);
		t_given(pm_fill(p, 0xee, size));
		pm_free(p);
		p = pm_calloc(1, size);
		t_given(p);
		t_bytes(p, size, 0);
		pm_free(p);
	}
}
END_TEST

START_TEST(alignment_is_as_asked)
{
	size_t align;
	void *p;

	t_ok(pm_init(t_config_of("p", 32 * MIB, 0)));
	for (align = 1; align <= 4 * MIB; align *= 2) {
		p = pm_memalign(align, 100);
		t_given(p);
		ck_assert_uint_eq((uintptr_t)p % align, 0);
		ck_assert_uint_ge(pm_usable_size(p), 100);
		t_given(pm_fill(p, 1, 100));
		pm_free(p);
	}
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 0);
	t_null(pm_memalign(0, 100), EINVAL);
	t_null(pm_memalign(3, 100), EINVAL);
	t_null(pm_memalign(48, 100), EINVAL);
	t_null(pm_memalign(SIZE_MAX, 100), EINVAL);
	t_null(pm_memalign((size_t)1 << 60, 100), EINVAL);
}
END_TEST

START_TEST(realloc_keeps_contents_and_type)
{
	static const size_t sizes[] = { 100, 90, 3000, 70000, 400000, 65536,
					200, 1, 1000000, 16 };
	size_t i, keep, old = 40;
	unsigned char *p;

	t_init("p");
	p = pm_alloc_type(PM_PRIMARY, old, 77);
	t_given(p);
	for (i = 0; i < T_N(sizes); i++) {
		t_given(pm_fill(p, (int)i + 1, old));
		p = pm_realloc(p, sizes[i]);
		t_given(p);
		keep = old < sizes[i] ? old : sizes[i];
		t_bytes(p, keep, (int)i + 1);
		ck_assert_uint_ge(pm_usable_size(p), sizes[i]);
		ck_assert_uint_eq(pm_type_of(p), 77);
		ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 1);
		old = sizes[i];
	}
}
END_TEST

START_TEST(realloc_of_null_allocates_and_to_zero_frees)
{
	void *p;

	t_init("p");
	p = pm_realloc(NULL, 100);
	t_given(p);
	errno = 5;
	ck_assert_ptr_null(pm_realloc(p, 0));
	ck_assert_int_eq(errno, 0);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 0);
}
END_TEST

START_TEST(realloc_stays_in_its_region_and_fails_whole)
{
	char *p;
	int a;

	t_init("p");
	a = t_init_sec("a");
	p = pm_calloc_in(a, 1, 100);
	t_given(p);
	p = pm_realloc(p, 100000);
	t_given(p);
	ck_assert_int_eq(pm_region_of(p), a);
	t_given(pm_fill(p, 9, 100000));
	t_null(pm_realloc(p, 100 * MIB), ENOMEM);
	t_null(pm_realloc(p, unseen(SIZE_MAX)), ENOMEM);
	ck_assert_int_eq(p[99999], 9);
	ck_assert_uint_ge(pm_usable_size(p), 100000);
}
END_TEST

START_TEST(strdup_copies)
{
	char *s;

	t_init("p");
	s = pm_strdup("tautology");
	t_given(s);
	ck_assert_str_eq(s, "tautology");
	ck_assert(pm_is_pm(s));
	ck_assert_str_eq(pm_strdup(""), "");
}
END_TEST

START_TEST(sizes_that_cannot_be_are_refused)
{
	uint64_t objects;

	t_init("p");
	objects = t_stats(PM_PRIMARY).objects;
	t_null(pm_alloc(8 * MIB), ENOMEM);
	t_null(pm_alloc((size_t)1 << 40), ENOMEM);
	t_null(pm_alloc(unseen(SIZE_MAX)), ENOMEM);
	t_null(pm_alloc(unseen(SIZE_MAX - 14)), ENOMEM);
	t_null(pm_alloc(unseen(PTRDIFF_MAX)), ENOMEM);
	t_null(pm_calloc(unseen(SIZE_MAX / 2), 3), ENOMEM);
	t_null(pm_calloc(unseen((size_t)1 << 32), (size_t)1 << 32), ENOMEM);
	t_null(pm_calloc(3, unseen(SIZE_MAX)), ENOMEM);
	t_null(pm_alloc_in(0, 10), EINVAL);
	t_null(pm_alloc_in(-1, 10), EINVAL);
	t_null(pm_alloc_in(999, 10), EINVAL);
	t_null(pm_alloc_in(1 << 20, 10), EINVAL);
	t_null(pm_calloc_in(999, 1, 10), EINVAL);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, objects);
}
END_TEST

START_TEST(allocating_without_a_region_is_refused)
{
	t_null(pm_alloc(10), EINVAL);
	t_null(pm_calloc(1, 10), EINVAL);
	t_null(pm_strdup("x"), EINVAL);
	t_null(pm_root(10), EINVAL);
}
END_TEST

START_TEST(freed_memory_is_used_again)
{
	PmStats s;
	void *p;
	int i;

	t_ok(pm_init(t_config_of("p", MIB, 0)));
	s = t_stats(PM_PRIMARY);
	for (i = 0; i < 200; i++) {
		p = pm_alloc(s.largest_free / 2);
		t_given(p);
		pm_free(p);
	}
	ck_assert_uint_eq(t_stats(PM_PRIMARY).used_bytes, s.used_bytes);
}
END_TEST

START_TEST(a_million_objects_of_64_bytes_take_five_percent_more)
{
	PmStats s;
	int i, j;

	t_ok(pm_init(t_config_of("p", 2 * MIB, 80 * 1000 * 1000)));
	if (t_gaps())
		return;
	for (i = 0; i < 50; i++) {
		TX_START {
			for (j = 0; j < 20000; j++)
				t_given(pm_alloc(64));
		} TX_END
		ck_assert_int_eq(pm_tx_errno(), 0);
	}
	s = t_stats(PM_PRIMARY);
	ck_assert_uint_eq(s.objects, 1000000);
	ck_assert_uint_eq(s.used_bytes, 64000000);
	ck_assert_uint_le(s.held_bytes, 64000000 / 100 * 105);
}
END_TEST

START_TEST(random_sizes_take_fifteen_percent_more)
{
	uint64_t seed = 4711, sum = 0;
	int i, j;

	t_ok(pm_init(t_config_of("p", 2 * MIB, 80 * MIB)));
	for (i = 0; i < 20; i++) {
		TX_START {
			for (j = 0; j < 5000; j++) {
				size_t n = 16 + t_random(&seed) % 1009;

				t_given(pm_alloc(n));
				sum += n;
			}
		} TX_END
		ck_assert_int_eq(pm_tx_errno(), 0);
	}
	ck_assert_uint_le(t_stats(PM_PRIMARY).held_bytes, sum * 115 / 100);
}
END_TEST

START_TEST(impossible_sizes_doom_a_transaction)
{
	t_init("p");
	TX_START {
		t_given(pm_alloc(10));
		t_null(pm_calloc(unseen(SIZE_MAX / 2), 3), ENOMEM);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), ENOMEM);
	TX_START {
		t_given(pm_alloc(10));
		t_null(pm_memalign(48, 10), EINVAL);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), EINVAL);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 0);
}
END_TEST

int main(void)
{
	t_begin("alloc");
	t_add(objects_of_all_sizes_are_aligned_and_apart, T_ANY);
	t_add(size_classes_waste_at_most_an_eighth, T_ANY);
	t_add(objects_of_one_size_do_not_overlap, T_ANY);
	t_add(the_largest_object_fills_nearly_the_pool, T_ANY);
	t_add(size_zero_gives_a_unique_object, T_ANY);
	t_add(calloc_zeroes_memory_that_was_used_before, T_ANY);
	t_add(alignment_is_as_asked, T_ANY);
	t_add(realloc_keeps_contents_and_type, T_ANY);
	t_add(realloc_of_null_allocates_and_to_zero_frees, T_ANY);
	t_add(realloc_stays_in_its_region_and_fails_whole, T_ANY);
	t_add(strdup_copies, T_ANY);
	t_add(sizes_that_cannot_be_are_refused, T_ANY);
	t_add(allocating_without_a_region_is_refused, T_ANY);
	t_add(freed_memory_is_used_again, T_ANY);
	t_add(a_million_objects_of_64_bytes_take_five_percent_more, T_ANY);
	t_add(random_sizes_take_fifteen_percent_more, T_ANY);
	t_add(impossible_sizes_doom_a_transaction, T_ANY);
	return t_end();
}
