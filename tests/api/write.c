/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * write.c: changing bytes outside transactions, PM_FLUSH_MANUAL, pm_persist().
 */
#include "support.h"

#define BIG (2 * MIB)
#define SLOTS 200

struct root {
	char *big;
	uint64_t slot[SLOTS];
	short small;
	char text[40];
};

static struct root *make_root(void)
{
	struct root *r = pm_root(sizeof *r);

	t_given(r);
	return r;
}

START_TEST(set_converts_as_assignment_does)
{
	struct root *r;
	long wide = 70000;
	double real = 3.7;

	t_init("p");
	r = make_root();
	ck_assert_ptr_nonnull(PM_SET(r->small, wide));
	ck_assert_int_eq(r->small, (short)wide);
	ck_assert_ptr_nonnull(PM_SET(r->slot[2], real));
	ck_assert_uint_eq(r->slot[2], 3);
	ck_assert_ptr_nonnull(PM_SET(r->big, NULL));
	if (t_keeps())
		t_reopen("p");
	ck_assert_uint_eq(r->slot[2], 3);
	ck_assert_int_eq(r->small, (short)wide);
}
END_TEST

START_TEST(write_moves_overlapping_bytes)
{
	struct root *r;

	t_init("p");
	r = make_root();
	ck_assert_ptr_eq(pm_write(r->text, "abcdefgh", 9), r->text);
	ck_assert_ptr_eq(pm_write(r->text + 2, r->text, 8), r->text + 2);
	ck_assert_mem_eq(r->text, "ababcdefgh", 10);
	ck_assert_ptr_eq(pm_write(r->text, r->text + 2, 8), r->text);
	ck_assert_mem_eq(r->text, "abcdefghgh", 10);
	if (t_keeps())
		t_reopen("p");
	ck_assert_mem_eq(r->text, "abcdefghgh", 10);
}
END_TEST

START_TEST(writing_nothing_is_fine)
{
	struct root *r;

	t_init("p");
	r = make_root();
	ck_assert_ptr_eq(pm_write(r->text, "x", 0), r->text);
	ck_assert_ptr_eq(pm_fill(r->text, 1, 0), r->text);
	t_ok(pm_persist(r->text, 0));
	ck_assert_int_eq(r->text[0], 0);
}
END_TEST

static void write_all_kinds(void *arg)
{
	struct root *r;

	(void)arg;
	t_init("p");
	r = make_root();
	t_given(pm_write(r->text, "written", 8));
	t_given(pm_fill(&r->slot[0], 0x11, 32));
	t_given(PM_SET(r->big, pm_calloc(1, BIG)));
	t_given(pm_fill(r->big, 0x22, BIG));
	r->slot[10] = 10;
	t_ok(pm_persist(&r->slot[10], 8));
	r->slot[11] = 11;	/* never published */
}

START_TEST(writes_are_durable_on_return)
{
	struct root *r;

	t_crash(write_all_kinds, NULL);
	t_ok(pm_init(t_config_open("p", 0)));
	r = make_root();
	ck_assert_str_eq(r->text, "written");
	ck_assert_uint_eq(r->slot[0], 0x1111111111111111);
	ck_assert_uint_eq(r->slot[3], 0x1111111111111111);
	ck_assert_uint_eq(r->slot[4], 0);
	ck_assert_uint_eq(r->slot[10], 10);
	t_bytes(r->big, BIG, 0x22);
}
END_TEST

START_TEST(a_store_that_is_not_published_dies_with_the_process)
{
	struct root *r;

	t_crash(write_all_kinds, NULL);
	t_ok(pm_init(t_config_open("p", 0)));
	r = make_root();
	ck_assert_uint_eq(r->slot[11], 0);
	r->slot[12] = 12;
	t_reopen("p");
	ck_assert_uint_eq(r->slot[12], 0);
}
END_TEST

START_TEST(writing_outside_a_region_is_refused)
{
	struct root *r;
	char local[8] = "abc", *base;

	t_init("p");
	r = make_root();
	base = (char *)r - pm_fat(r).offset;
	t_null(pm_write(local, "xyz", 3), EINVAL);
	t_null(pm_fill(local, 0, 3), EINVAL);
	t_null(pm_write(NULL, "xyz", 3), EINVAL);
	t_refused(pm_persist(local, 3), EINVAL);
	ck_assert_str_eq(local, "abc");
	t_null(pm_write(base + 8 * MIB - 4, "12345678", 8), EINVAL);
	t_null(pm_write(base + 8 * MIB, "1", 1), EINVAL);
	t_null(pm_fill(r, 0, (size_t)1 << 34), EINVAL);
	t_null(pm_fill(r, 0, SIZE_MAX), EINVAL);
	t_refused(pm_persist(r, SIZE_MAX - 4), EINVAL);
	t_given(pm_alloc(100));
}
END_TEST

START_TEST(writing_over_metadata_is_refused)
{
	struct root *r;
	char *base;

	t_init("p");
	r = make_root();
	base = (char *)r - pm_fat(r).offset;
	t_null(pm_write(base, "x", 1), EINVAL);
	t_null(pm_write(base + 16 * KIB, "x", 1), EINVAL);
	t_null(pm_fill(base + 40 * KIB, 0, 64), EINVAL);
	t_refused(pm_persist(base + 4096, 64), EINVAL);
	ck_assert_ptr_eq(pm_root(0), r);
	if (t_keeps())
		t_reopen("p");
	ck_assert_ptr_eq(pm_root(0), r);
}
END_TEST

START_TEST(writing_without_a_region_is_refused)
{
	int local = 0;

	t_null(pm_write(&local, "x", 1), EINVAL);
	t_refused(pm_persist(&local, 1), EINVAL);
	ck_assert_int_eq(local, 0);
}
END_TEST

static PmWrapperConfig manual(void)
{
	PmWrapperConfig c = t_config("p");

	c.flags |= PM_FLUSH_MANUAL;
	return c;
}

/* Fills slots in order, flushes after *arg of them, then goes on. */
static void write_with_manual_flush(void *arg)
{
	struct root *r;
	unsigned i;

	t_ok(pm_init(manual()));
	ck_assert_str_eq(t_stats(PM_PRIMARY).durability, "manual");
	r = make_root();
	for (i = 0; i < SLOTS; i++) {
		t_given(PM_SET(r->slot[i], i + 1));
		if (i + 1 == *(unsigned *)arg)
			t_ok(pm_flush());
	}
}

static unsigned slots_that_survived(void)
{
	struct root *r;
	unsigned n = 0, i;

	t_ok(pm_init(t_config_open("p", 0)));
	r = pm_root(sizeof *r);
	t_given(r);
	while (n < SLOTS && r->slot[n] == n + 1)
		n++;
	for (i = n; i < SLOTS; i++)
		ck_assert_uint_eq(r->slot[i], 0);
	t_ok(pm_close());
	return n;
}

START_TEST(manual_writes_are_durable_at_flush_and_survive_in_order)
{
	unsigned at = 120;

	t_crash(write_with_manual_flush, &at);
	ck_assert_uint_ge(slots_that_survived(), at);
}
END_TEST

static void write_manual_then_commit(void *arg)
{
	struct root *r;

	(void)arg;
	t_ok(pm_init(manual()));
	r = make_root();
	t_given(PM_SET(r->slot[0], 1));
	TX_START {
		TX_SET(r->slot[1], 2);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
}

START_TEST(a_commit_makes_manual_writes_durable)
{
	t_crash(write_manual_then_commit, NULL);
	ck_assert_uint_eq(slots_that_survived(), 2);
}
END_TEST

START_TEST(manual_writes_are_saved_by_close)
{
	struct root *r;

	t_ok(pm_init(manual()));
	r = make_root();
	t_given(PM_SET(r->slot[0], 1));
	t_reopen("p");
	ck_assert_uint_eq(r->slot[0], 1);
}
END_TEST

START_TEST(manual_writes_cost_no_fence_each)
{
	struct root *r;
	uint64_t fences;
	unsigned i;

	t_ok(pm_init(manual()));
	r = make_root();
	t_ok(pm_flush());
	fences = t_stats(PM_PRIMARY).fences;
	for (i = 0; i < SLOTS; i++)
		t_given(PM_SET(r->slot[i], i));
	ck_assert_uint_le(t_stats(PM_PRIMARY).fences, fences + SLOTS / 10);
}
END_TEST

int main(void)
{
	t_begin("write");
	t_add(set_converts_as_assignment_does, T_ANY);
	t_add(write_moves_overlapping_bytes, T_ANY);
	t_add(writing_nothing_is_fine, T_ANY);
	t_add(writes_are_durable_on_return, T_KEEPS);
	t_add(a_store_that_is_not_published_dies_with_the_process, T_KEEPS);
	t_add(writing_outside_a_region_is_refused, T_ANY);
	t_add(writing_over_metadata_is_refused, T_ANY);
	t_add(writing_without_a_region_is_refused, T_ANY);
	t_add(manual_writes_are_durable_at_flush_and_survive_in_order, T_KEEPS);
	t_add(a_commit_makes_manual_writes_durable, T_KEEPS);
	t_add(manual_writes_are_saved_by_close, T_KEEPS);
	t_add(manual_writes_cost_no_fence_each, T_ANY);
	return t_end();
}
