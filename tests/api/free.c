/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * free.c: freeing: misuse, full pools, types, pm_alloc_to().
 */
#include "support.h"

#define LOTS 100000

/* The heap as pm_stats() sees it must not change, and errno must be EINVAL. */
static void refuses(void *p)
{
	PmStats before = t_stats(PM_PRIMARY), after;

	errno = 0;
	pm_free(p);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_str_ne(pm_errormsg(), "");
	t_null(pm_realloc(p, 100), EINVAL);
	errno = 0;
	ck_assert_uint_eq(pm_usable_size(p), 0);
	ck_assert_int_eq(errno, EINVAL);
	errno = 0;
	ck_assert_uint_eq(pm_type_of(p), 0);
	ck_assert_int_eq(errno, EINVAL);
	after = t_stats(PM_PRIMARY);
	ck_assert_uint_eq(after.objects, before.objects);
	ck_assert_uint_eq(after.used_bytes, before.used_bytes);
}

START_TEST(free_of_a_foreign_pointer_is_refused)
{
	char local[64];
	char *heap = malloc(64);

	t_init("p");
	refuses(local);
	refuses(heap);
	refuses((void *)1);
	refuses((void *)-1);
	refuses((void *)0x300000000000);
	free(heap);
}
END_TEST

START_TEST(free_of_a_freed_pointer_is_refused)
{
	static const size_t sizes[] = { 1, 64, 1000, 5000, 20000, 200000 };
	size_t i;
	void *p, *keep;

	t_init("p");
	for (i = 0; i < T_N(sizes); i++) {
		keep = pm_alloc(sizes[i]);
		p = pm_alloc(sizes[i]);
		t_given(p);
		t_given(keep);
		pm_free(p);
		refuses(p);
		pm_free(keep);
		refuses(keep);
	}
}
END_TEST

START_TEST(free_of_an_interior_pointer_is_refused)
{
	static const size_t sizes[] = { 32, 64, 1000, 5000, 20000, 200000 };
	size_t i;
	char *p;

	t_init("p");
	for (i = 0; i < T_N(sizes); i++) {
		p = pm_alloc(sizes[i]);
		t_given(p);
		refuses(p + 1);
		refuses(p + 8);
		refuses(p + 16);
		refuses(p + sizes[i] / 2);
		refuses(p + sizes[i] - 1);
		refuses(p - 1);
		pm_free(p);
	}
}
END_TEST

START_TEST(free_of_metadata_is_refused)
{
	PmStats s;
	char *root, *base;
	uint64_t off;

	t_init("p");
	root = pm_root(64);
	t_given(root);
	base = root - pm_fat(root).offset;
	s = t_stats(PM_PRIMARY);
	for (off = 0; off < s.size; off += s.extent_size)
		if (base + off != root)
			refuses(base + off);
	refuses(base + s.size);
	refuses(base + 16);
}
END_TEST

START_TEST(free_of_null_does_nothing)
{
	t_init("p");
	errno = 0;
	pm_free(NULL);
	ck_assert_int_eq(errno, 0);
}
END_TEST

START_TEST(free_twice_in_one_transaction_frees_once)
{
	PmStats s;
	void *p;

	t_init("p");
	p = pm_alloc(64);
	t_given(p);
	t_ok(pm_tx_begin());
	pm_free(p);
	errno = 0;
	pm_free(p);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_ge(pm_tx_commit(), -1);
	s = t_stats(PM_PRIMARY);
	ck_assert_uint_le(s.objects, 1);
	t_given(pm_alloc(64));
}
END_TEST

START_TEST(an_object_of_another_region_is_freed_there)
{
	void *p;
	int a;

	t_init("p");
	a = t_init_sec("a");
	p = pm_alloc_in(a, 100);
	t_given(p);
	ck_assert_uint_eq(t_stats(a).objects, 1);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 0);
	pm_free(p);
	ck_assert_uint_eq(t_stats(a).objects, 0);
}
END_TEST

/* Fills the pool to the last byte; returns the number of objects. */
static size_t fill_up(void **p, size_t max)
{
	size_t n = 0, size;

	for (size = 7000; size >= 16; size /= 2) {
		do {
			ck_assert_uint_lt(n, max);
			errno = 0;
			p[n] = pm_alloc(size);
		} while (p[n] != NULL && ++n != 0);
		ck_assert_int_eq(errno, ENOMEM);
	}
	return n;
}

/* No object is left, and the largest one fits as it did at first. */
static void is_empty_again(size_t largest)
{
	void *p;

	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 0);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).used_bytes, 0);
	p = pm_alloc(largest);
	t_given(p);
	pm_free(p);
}

START_TEST(objects_are_freed_on_a_full_pool_one_by_one)
{
	static void *p[LOTS];
	PmStats s;
	size_t n, i;

	t_ok(pm_init(t_config_of("p", MIB, 0)));
	s = t_stats(PM_PRIMARY);
	n = fill_up(p, LOTS);
	for (i = 0; i < n; i++) {
		errno = 0;
		pm_free(p[i]);
		ck_assert_int_eq(errno, 0);
	}
	is_empty_again(s.largest_free);
	if (t_keeps())
		t_reopen("p");
	is_empty_again(s.largest_free);
}
END_TEST

START_TEST(everything_is_freed_on_a_full_pool_in_one_transaction)
{
	static void *p[LOTS];
	PmStats s;
	size_t n, i;

	t_ok(pm_init(t_config_of("p", MIB, 0)));
	s = t_stats(PM_PRIMARY);
	n = fill_up(p, LOTS);
	ck_assert_uint_gt(n, 50);
	TX_START {
		for (i = 0; i < n; i++)
			pm_free(p[i]);
	} TX_END
	ck_assert_msg(pm_tx_errno() == 0, "%s", pm_errormsg());
	if (t_keeps())
		t_reopen("p");
	is_empty_again(s.largest_free);
}
END_TEST

START_TEST(small_objects_fill_a_pool_and_are_freed_at_once)
{
	static void *p[LOTS];
	size_t n = 0, i;

	t_ok(pm_init(t_config_of("p", MIB, 0)));
	TX_START {
		while (n < 8000 && (p[n] = pm_alloc(16)) != NULL)
			n++;
	} TX_END
	ck_assert_msg(pm_tx_errno() == 0, "%s", pm_errormsg());
	n += fill_up(p + n, LOTS - n);
	TX_START {
		for (i = 0; i < n; i++)
			pm_free(p[i]);
	} TX_END
	ck_assert_msg(pm_tx_errno() == 0, "%s", pm_errormsg());
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 0);
}
END_TEST

START_TEST(objects_of_a_type_are_found)
{
	void *o;
	unsigned seen[3] = { 0, 0, 0 };
	int i;

	t_init("p");
	for (i = 0; i < 90; i++) {
		uint32_t type = 100u + (uint32_t)i % 3;
		size_t size = i % 5 == 0 ? 100000 : 20 + (size_t)i * 11;

		o = pm_alloc_type(PM_PRIMARY, size, type | PM_ZERO);
		t_given(o);
		ck_assert_int_eq(*(char *)o, 0);
		ck_assert_uint_eq(pm_type_of(o), type);
	}
	for (i = 0; i < 3; i++) {
		uint32_t type = 100u + (uint32_t)i;

		for (o = pm_first(PM_PRIMARY, type); o != NULL;
		     o = pm_next(o)) {
			ck_assert_uint_eq(pm_type_of(o), type);
			seen[i]++;
		}
		ck_assert_uint_eq(seen[i], 30);
	}
	ck_assert_ptr_null(pm_first(PM_PRIMARY, 103));
	if (!t_keeps())
		return;
	t_reopen("p");
	for (o = pm_first(PM_PRIMARY, 101); o != NULL; o = pm_next(o))
		seen[1]++;
	ck_assert_uint_eq(seen[1], 60);
}
END_TEST

START_TEST(misuse_of_types_is_refused)
{
	int local;
	void *p;

	t_init("p");
	p = pm_alloc_type(PM_PRIMARY, 10, PM_TYPE_MAX);
	t_given(p);
	ck_assert_uint_eq(pm_type_of(p), PM_TYPE_MAX);
	ck_assert_ptr_eq(pm_first(PM_PRIMARY, PM_TYPE_MAX), p);
	ck_assert_ptr_null(pm_next(p));
	t_null(pm_alloc_type(77, 10, 1), EINVAL);
	t_null(pm_first(77, 1), EINVAL);
	t_null(pm_first(PM_PRIMARY, PM_TYPE_MAX + 1), EINVAL);
	t_null(pm_next(&local), EINVAL);
}
END_TEST

static int init_object(void *obj, void *arg)
{
	int err = *(int *)arg;

	strcpy(obj, "initialised");
	return err;
}

START_TEST(alloc_to_stores_the_pointer_with_the_object)
{
	char **where;
	int err = 0;

	t_init("p");
	where = pm_root(sizeof *where);
	t_given(where);
	t_ok(pm_alloc_to(where, 100, init_object, &err));
	if (t_keeps())
		t_reopen("p");
	ck_assert_str_eq(*where, "initialised");
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 2);
	t_ok(pm_alloc_to(where, 100, NULL, NULL));
}
END_TEST

START_TEST(alloc_to_that_fails_leaves_nothing)
{
	char **where;
	int err = ERANGE;

	t_init("p");
	where = pm_root(sizeof *where);
	t_given(where);
	t_refused(pm_alloc_to(where, 100, init_object, &err), ERANGE);
	ck_assert_ptr_null(*where);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 1);
	t_refused(pm_alloc_to(where, 1 << 30, NULL, NULL), ENOMEM);
	ck_assert_ptr_null(*where);
	t_refused(pm_alloc_to(&err, 100, NULL, NULL), EINVAL);
	t_refused(pm_alloc_to(NULL, 100, NULL, NULL), EINVAL);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 1);
	TX_START {
		t_given(pm_alloc(10));
		t_refused(pm_alloc_to(&err, 100, NULL, NULL), EINVAL);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), EINVAL);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 1);
}
END_TEST

/* The log of a large transaction may be written there. */
START_TEST(free_space_cannot_be_changed)
{
	char *p, *small;

	t_init("p");
	p = pm_alloc(MIB);
	t_given(p);
	pm_free(p);
	TX_START {
		small = pm_alloc(10);
		t_given(small);
		t_refused(TX_ADD_RANGE(p + MIB / 2, 100), EINVAL);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), EINVAL);
	TX_START {
		(void)TX_ADD_RANGE(p + MIB / 2, 8);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), EINVAL);
	t_assert_message("not inside the region's objects");
	small = pm_alloc(10);
	t_given(small);
	TX_START {
		t_refused(TX_ADD_RANGE(small, MIB), EINVAL);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), EINVAL);
	t_null(pm_write(p, "x", 1 << 19), EINVAL);
	t_null(pm_fill(p + MIB / 2, 1, 8), EINVAL);
	t_refused(pm_persist(p + MIB / 2, 8), EINVAL);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 1);
}
END_TEST

START_TEST(a_few_bytes_of_free_space_are_found_by_the_commit)
{
	char *p, *small;

	t_init("p");
	small = pm_alloc(10);
	p = pm_alloc(MIB);
	t_given(small);
	t_given(p);
	/* The short way has what it needs after a first transaction. */
	TX_START {
		ck_assert_int_eq(TX_ADD_RANGE(small, 10), 0);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
	pm_free(p);
	/* Tools that watch memory call it the mistake that it is. */
	if (t_gaps())
		return;
	TX_START {
		ck_assert_int_eq(TX_ADD_RANGE(p + MIB / 2, 8), 0);
		ck_assert_int_eq(TX_ADD_RANGE(small, 10), 0);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), EINVAL);
	t_assert_message("not inside the region's objects");
}
END_TEST

START_TEST(an_object_freed_by_the_transaction_is_still_undone)
{
	char *p;

	t_init("p");
	p = pm_alloc(MIB);
	t_given(p);
	t_given(pm_fill(p, 'a', MIB));
	/* Tools that watch memory call it the mistake that it is. */
	if (t_gaps())
		return;
	TX_START {
		pm_free(p);
		ck_assert_int_eq(TX_ADD_RANGE(p, MIB), 0);
		TX_ABORT(ECANCELED);
	} TX_END
	t_bytes(p, MIB, 'a');
}
END_TEST

int main(void)
{
	t_begin("free");
	t_add(free_of_a_foreign_pointer_is_refused, T_ANY);
	t_add(free_of_a_freed_pointer_is_refused, T_ANY);
	t_add(free_of_an_interior_pointer_is_refused, T_ANY);
	t_add(free_of_metadata_is_refused, T_ANY);
	t_add(free_of_null_does_nothing, T_ANY);
	t_add(free_twice_in_one_transaction_frees_once, T_ANY);
	t_add(an_object_of_another_region_is_freed_there, T_ANY);
	t_add(objects_are_freed_on_a_full_pool_one_by_one, T_ANY);
	t_add(everything_is_freed_on_a_full_pool_in_one_transaction, T_ANY);
	t_add(small_objects_fill_a_pool_and_are_freed_at_once, T_ANY);
	t_add(objects_of_a_type_are_found, T_ANY);
	t_add(misuse_of_types_is_refused, T_ANY);
	t_add(alloc_to_stores_the_pointer_with_the_object, T_ANY);
	t_add(alloc_to_that_fails_leaves_nothing, T_ANY);
	t_add(free_space_cannot_be_changed, T_ANY);
	t_add(a_few_bytes_of_free_space_are_found_by_the_commit, T_ANY);
	t_add(an_object_freed_by_the_transaction_is_still_undone, T_ANY);
	return t_end();
}
