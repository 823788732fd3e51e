/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * region.c: creating, opening and closing regions; their root objects.
 */
#include "support.h"

#include <sys/stat.h>

struct root {
	uint64_t word[16];
};

START_TEST(a_new_region_has_no_root)
{
	t_init("p");
	t_null(pm_root(0), ENOENT);
}
END_TEST

START_TEST(a_root_is_zeroed_at_first_use)
{
	struct root *r;
	size_t i;

	t_init("p");
	r = pm_root(sizeof *r);
	t_given(r);
	for (i = 0; i < T_N(r->word); i++)
		ck_assert_uint_eq(r->word[i], 0);
	ck_assert_ptr_eq(pm_root(sizeof *r), r);
	ck_assert_ptr_eq(pm_root(0), r);
	ck_assert_ptr_eq(pm_root_in(PM_PRIMARY, 0), r);
}
END_TEST

START_TEST(a_root_grows_and_is_zero_beyond_its_old_size)
{
	unsigned char *r;
	size_t i;

	t_init("p");
	r = pm_root(100);
	t_given(r);
	ck_assert_ptr_nonnull(pm_fill(r, 7, 100));
	r = pm_root(100000);
	t_given(r);
	for (i = 0; i < 100000; i++)
		ck_assert_uint_eq(r[i], i < 100 ? 7 : 0);
	ck_assert_uint_ge(pm_usable_size(r), 100000);
	ck_assert_ptr_eq(pm_root(50), r);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 1);
}
END_TEST

START_TEST(a_root_made_in_a_transaction_that_aborts_is_gone)
{
	t_init("p");
	TX_START {
		t_given(pm_root(64));
		TX_ABORT(EINTR);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), EINTR);
	t_null(pm_root(0), ENOENT);
}
END_TEST

START_TEST(a_root_survives_close_and_open)
{
	struct root *r;

	t_init("p");
	r = pm_root(sizeof *r);
	t_given(r);
	ck_assert_ptr_nonnull(PM_SET(r->word[3], 333));
	t_reopen("p");
	ck_assert_ptr_eq(pm_root(0), r);
	ck_assert_uint_eq(r->word[3], 333);
}
END_TEST

static void write_then_leave(void *arg)
{
	struct root *r;

	t_init("p");
	r = pm_root(sizeof *r);
	t_given(r);
	ck_assert_ptr_nonnull(PM_SET(r->word[0], *(uint64_t *)arg));
}

static void expect_word(uint64_t value)
{
	struct root *r;

	t_ok(pm_init(t_config_open("p", 0)));
	r = pm_root(sizeof *r);
	t_given(r);
	ck_assert_uint_eq(r->word[0], value);
	t_ok(pm_close());
}

START_TEST(a_region_left_open_is_recovered)
{
	uint64_t v = 11;

	t_run(write_then_leave, &v);
	expect_word(11);
	v = 12;
	t_crash(write_then_leave, &v);
	expect_word(12);
}
END_TEST

START_TEST(exit_closes_the_primary)
{
	PmCheckReport report;
	uint64_t v = 13;

	t_exit(write_then_leave, &v);
	t_ok(pm_check(t_path("p"), 0, &report));
	ck_assert_int_eq(report.status, PM_CHECK_CLEAN);
	expect_word(13);
}
END_TEST

START_TEST(a_second_primary_is_refused)
{
	t_init("p");
	t_refused(pm_init(t_config("q")), EALREADY);
	t_given(pm_root(64));
}
END_TEST

START_TEST(an_empty_file_counts_as_not_yet_created)
{
	t_spill(t_path("p"), "", 0);
	t_init("p");
	t_given(pm_root(64));
	t_reopen("p");
	t_given(pm_root(0));
}
END_TEST

START_TEST(an_existing_pool_is_refused_with_excl)
{
	PmWrapperConfig c = t_config("p");

	c.flags |= PM_EXCL;
	t_ok(pm_init(c));
	t_ok(pm_close());
	t_refused(pm_init(c), EEXIST);
	t_assert_message(c.path);
}
END_TEST

START_TEST(a_created_file_has_the_mode_asked_for)
{
	PmWrapperConfig c = t_config("p");
	struct stat st;

	t_ok(pm_init(c));
	ck_assert_int_eq(stat(c.path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_uint_eq((uint64_t)st.st_size, c.size);
	t_ok(pm_close());
	c = t_config("q");
	c.mode = 0640;
	t_ok(pm_init(c));
	ck_assert_int_eq(stat(c.path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0640);
}
END_TEST

START_TEST(a_region_of_one_mebibyte_works)
{
	char *p;

	t_ok(pm_init(t_config_of("p", MIB, 0)));
	p = pm_alloc(300 * KIB);
	t_given(p);
	ck_assert_ptr_nonnull(pm_fill(p, 1, 300 * KIB));
	t_given(pm_root(64));
	TX_START {
		ck_assert_int_eq(TX_ADD_RANGE(p, 100 * KIB), 0);
		memset(p, 2, 100 * KIB);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
	if (t_keeps())
		t_reopen("p");
	ck_assert_int_eq(p[0], 2);
	ck_assert_int_eq(p[300 * KIB - 1], 1);
}
END_TEST

START_TEST(scratch_is_writable_and_never_saved)
{
	struct root *r;
	unsigned char *before, *after;
	size_t len, len2;
	uint64_t v = 21;

	t_exit(write_then_leave, &v);
	before = t_slurp(t_path("p"), &len);
	t_ok(pm_init(t_config_open("p", PM_SCRATCH)));
	r = pm_root(0);
	t_given(r);
	ck_assert_uint_eq(r->word[0], 21);
	ck_assert_ptr_nonnull(PM_SET(r->word[0], 22));
	t_given(pm_alloc(5000));
	TX_START {
		TX_SET(r->word[1], 23);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
	ck_assert_uint_eq(r->word[0] + r->word[1], 45);
	ck_assert_str_eq(t_stats(PM_PRIMARY).durability, "scratch");
	t_ok(pm_close());
	after = t_slurp(t_path("p"), &len2);
	ck_assert_uint_eq(len, len2);
	ck_assert_mem_eq(before, after, len);
	free(before);
	free(after);
	expect_word(21);
}
END_TEST

START_TEST(secondaries_have_roots_and_ids_of_their_own)
{
	struct root *r[3];
	int a, b;

	t_init("p");
	a = t_init_sec("a");
	b = t_init_sec("b");
	ck_assert_int_ne(a, b);
	r[0] = pm_root(sizeof *r[0]);
	r[1] = pm_root_in(a, sizeof *r[0]);
	r[2] = pm_root_in(b, sizeof *r[0]);
	t_given(r[0]);
	t_given(r[1]);
	t_given(r[2]);
	ck_assert_int_eq(pm_region_of(r[0]), PM_PRIMARY);
	ck_assert_int_eq(pm_region_of(r[1]), a);
	ck_assert_int_eq(pm_region_of(&r[2]->word[15]), b);
	ck_assert(pm_region_id(a) != 0 && pm_region_id(b) != 0);
	ck_assert(pm_region_id(a) != pm_region_id(b));
	ck_assert(pm_region_id(a) != pm_region_id(PM_PRIMARY));
	t_ok(pm_close_sec(a));
	ck_assert_int_eq(pm_region_of(r[1]), 0);
	ck_assert(!pm_is_pm(r[1]));
	ck_assert(pm_is_pm(r[2]));
	errno = 0;
	ck_assert_uint_eq(pm_region_id(a), 0);
	ck_assert_int_eq(errno, EINVAL);
	t_null(pm_root_in(a, 64), EINVAL);
}
END_TEST

START_TEST(a_region_id_is_permanent)
{
	uint64_t id;

	t_init("p");
	id = pm_region_id(PM_PRIMARY);
	ck_assert_uint_ne(id, 0);
	t_reopen("p");
	ck_assert_uint_eq(pm_region_id(PM_PRIMARY), id);
}
END_TEST

START_TEST(memory_outside_regions_is_not_persistent)
{
	int local;
	void *heap = malloc(10);

	t_init("p");
	ck_assert(!pm_is_pm(&local) && !pm_is_pm(heap) && !pm_is_pm(NULL));
	ck_assert(!pm_is_pm((void *)-1));
	ck_assert_int_eq(pm_region_of(&local), 0);
	ck_assert_int_eq(pm_region_of((void *)0x3fffffffffff), 0);
	free(heap);
}
END_TEST

START_TEST(closing_what_is_no_secondary_is_refused)
{
	int a;

	t_init("p");
	t_refused(pm_close_sec(PM_PRIMARY), EINVAL);
	t_refused(pm_close_sec(0), EINVAL);
	t_refused(pm_close_sec(-1), EINVAL);
	t_refused(pm_close_sec(1023), EINVAL);
	t_refused(pm_close_sec(100000), EINVAL);
	a = t_init_sec("a");
	t_ok(pm_close_sec(a));
	t_refused(pm_close_sec(a), EINVAL);
}
END_TEST

START_TEST(a_secondary_needs_a_primary)
{
	t_refused(pm_init_sec(t_config("a")), EINVAL);
}
END_TEST

START_TEST(opening_or_closing_inside_a_transaction_is_refused)
{
	int a;

	t_init("p");
	a = t_init_sec("a");
	t_given(pm_root_in(a, 64));
	t_ok(pm_tx_begin());
	t_refused(pm_init_sec(t_config("b")), EINVAL);
	pm_tx_abort(0);
	t_ok(pm_tx_begin());
	t_ok(pm_tx_add(pm_root_in(a, 0), 8));
	t_refused(pm_close_sec(a), EBUSY);
	t_refused(pm_close(), EBUSY);
	t_ok(pm_tx_commit());
	t_ok(pm_close_sec(a));
}
END_TEST

START_TEST(everything_can_be_closed_and_opened_again)
{
	t_init("p");
	(void)t_init_sec("a");
	t_ok(pm_close());
	ck_assert_uint_eq(pm_region_id(PM_PRIMARY), 0);
	t_init("p");
	(void)t_init_sec("a");
	t_given(pm_alloc(10));
}
END_TEST

START_TEST(a_thousand_opens_and_closes_leak_nothing)
{
	int i, a, fds = 0, maps = 0, n = t_is("file") ? 250 : 500;

	for (i = 0; i < n; i++) {
		t_ok(pm_init(t_config_of("p", MIB, 0)));
		a = pm_init_sec(t_config_of("a", MIB, 0));
		ck_assert_int_gt(a, PM_PRIMARY);
		t_given(pm_root_in(a, 64));
		t_ok(pm_close_sec(a));
		if (i % 2 != 0) {
			a = pm_init_sec(t_config_of("b", MIB, 0));
			ck_assert_int_gt(a, PM_PRIMARY);
		}
		t_ok(pm_close());
		if (i == 8) {
			fds = t_fds();
			maps = t_maps();
		}
	}
	ck_assert_int_eq(t_fds(), fds);
	/* A sanitizer's allocator maps a few of its own. */
	ck_assert_int_le(t_maps(), maps + 20);
}
END_TEST

START_TEST(many_secondaries_are_open_at_once)
{
	char name[16];
	void *root[40];
	int i, number[40];

	t_init("p");
	for (i = 0; i < 40; i++) {
		(void)snprintf(name, sizeof name, "s%d", i);
		number[i] = pm_init_sec(t_config_of(name, MIB, 0));
		ck_assert_msg(number[i] > 1, "%s", pm_errormsg());
		root[i] = pm_root_in(number[i], 64);
		t_given(root[i]);
		ck_assert_ptr_nonnull(PM_SET(*(int *)root[i], i));
	}
	for (i = 0; i < 40; i++) {
		ck_assert_int_eq(pm_region_of(root[i]), number[i]);
		ck_assert_int_eq(*(int *)root[i], i);
		t_ok(pm_close_sec(number[i]));
	}
}
END_TEST

START_TEST(a_root_made_in_a_transaction_is_found_and_grows_there)
{
	char *p, *q = NULL;

	t_init("p");
	TX_START {
		p = pm_root(64);
		t_given(p);
		memset(p, 'r', 64);
		ck_assert_ptr_eq(pm_root(64), p);
		ck_assert_ptr_eq(pm_root(0), p);
		q = pm_root(5000);
		t_given(q);
		ck_assert_ptr_eq(pm_root(0), q);
	} TX_END
	ck_assert_msg(pm_tx_errno() == 0, "%s", pm_errormsg());
	if (t_keeps())
		t_reopen("p");
	ck_assert_ptr_eq(pm_root(5000), q);
	t_bytes(q, 64, 'r');
	t_bytes(q + 64, 5000 - 64, 0);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 1);
}
END_TEST

START_TEST(a_lane_has_a_least_size)
{
	PmWrapperConfig c = t_config_of("p", MIB, 0);

	c.lane_size = 1;
	t_ok(pm_init(c));
	t_given(pm_fill(pm_root(20000), 'x', 20000));
	if (t_keeps())
		t_reopen("p");
	t_bytes(pm_root(0), 20000, 'x');
}
END_TEST

int main(void)
{
	t_begin("region");
	t_add(a_new_region_has_no_root, T_ANY);
	t_add(a_root_is_zeroed_at_first_use, T_ANY);
	t_add(a_root_grows_and_is_zero_beyond_its_old_size, T_ANY);
	t_add(a_root_made_in_a_transaction_that_aborts_is_gone, T_ANY);
	t_add(a_root_survives_close_and_open, T_KEEPS);
	t_add(a_region_left_open_is_recovered, T_KEEPS);
	t_add(exit_closes_the_primary, T_KEEPS);
	t_add(a_second_primary_is_refused, T_ANY);
	t_add(an_empty_file_counts_as_not_yet_created, T_KEEPS);
	t_add(an_existing_pool_is_refused_with_excl, T_KEEPS);
	t_add(a_created_file_has_the_mode_asked_for, T_KEEPS);
	t_add(a_region_of_one_mebibyte_works, T_ANY);
	t_add(scratch_is_writable_and_never_saved, T_KEEPS);
	t_add(secondaries_have_roots_and_ids_of_their_own, T_ANY);
	t_add(a_region_id_is_permanent, T_KEEPS);
	t_add(memory_outside_regions_is_not_persistent, T_ANY);
	t_add(closing_what_is_no_secondary_is_refused, T_ANY);
	t_add(a_secondary_needs_a_primary, T_ANY);
	t_add(opening_or_closing_inside_a_transaction_is_refused, T_ANY);
	t_add(everything_can_be_closed_and_opened_again, T_ANY);
	t_add(a_thousand_opens_and_closes_leak_nothing, T_ANY);
	t_add(many_secondaries_are_open_at_once, T_ANY);
	t_add(a_root_made_in_a_transaction_is_found_and_grows_there, T_ANY);
	t_add(a_lane_has_a_least_size, T_ANY);
	return t_end();
}
