/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * multi.c: transactions over several regions.
 */
#include "support.h"

#include <sys/stat.h>
#include <unistd.h>

#define REGIONS 5

/* The checkpoint records, by pmheap_format(5). */
#define CKPT_OFF 32768
#define CKPT_LEN 4096

struct root {
	uint64_t cell[8];
	char *object;
	void *other;
};

static int number[REGIONS];
static struct root *root[REGIONS];

static const char *name_of(int i)
{
	static const char *const names[REGIONS] = { "p", "a", "b", "c", "d" };

	return names[i];
}

/* Opens n regions, the first as primary; creates what is missing. */
static void open_all(int n)
{
	int i;

	t_init(name_of(0));
	for (i = 0; i < n; i++) {
		number[i] = i == 0 ? PM_PRIMARY : t_init_sec(name_of(i));
		root[i] = pm_root_in(number[i], sizeof *root[i]);
		t_given(root[i]);
	}
}

static void set_all(int n, uint64_t value)
{
	int i;

	for (i = 0; i < n; i++) {
		TX_SET(root[i]->cell[0], value);
		TX_SET(root[i]->object, pm_alloc_in(number[i], 200));
	}
}

START_TEST(one_transaction_commits_in_all_regions)
{
	int i;

	open_all(REGIONS);
	TX_START {
		set_all(REGIONS, 42);
		TX_SET(root[1]->other, root[2]);
	} TX_END
	ck_assert_msg(pm_tx_errno() == 0, "%s", pm_errormsg());
	if (t_keeps()) {
		t_ok(pm_close());
		open_all(REGIONS);
	}
	for (i = 0; i < REGIONS; i++) {
		ck_assert_uint_eq(root[i]->cell[0], 42);
		ck_assert_int_eq(pm_region_of(root[i]->object), number[i]);
		ck_assert_uint_eq(t_stats(number[i]).objects, 2);
	}
	ck_assert_ptr_eq(root[1]->other, root[2]);
}
END_TEST

START_TEST(one_transaction_aborts_in_all_regions)
{
	int i;

	open_all(REGIONS);
	TX_START {
		set_all(REGIONS, 42);
		TX_ABORT(EINTR);
	} TX_END
	for (i = 0; i < REGIONS; i++) {
		ck_assert_uint_eq(root[i]->cell[0], 0);
		ck_assert_ptr_null(root[i]->object);
		ck_assert_uint_eq(t_stats(number[i]).objects, 1);
		ck_assert_uint_eq(t_stats(number[i]).aborts, 1);
	}
}
END_TEST

START_TEST(an_inner_abort_reaches_into_other_regions)
{
	open_all(2);
	TX_START {
		TX_SET(root[0]->cell[0], 1);
		TX_START {
			TX_SET(root[1]->cell[0], 1);
			t_given(pm_alloc_in(number[1], 100));
			TX_ABORT(1);
		} TX_END
		TX_SET(root[0]->cell[1], 1);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
	ck_assert_uint_eq(root[0]->cell[1], 1);
	ck_assert_uint_eq(root[1]->cell[0], 0);
	ck_assert_uint_eq(t_stats(number[1]).objects, 1);
}
END_TEST

START_TEST(a_full_secondary_rolls_back_the_primary_too)
{
	open_all(2);
	TX_START {
		TX_SET(root[0]->cell[0], 1);
		t_null(pm_alloc_in(number[1], 64 * MIB), ENOMEM);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), ENOMEM);
	ck_assert_uint_eq(root[0]->cell[0], 0);
}
END_TEST

START_TEST(only_the_regions_that_take_part_stay_open)
{
	open_all(3);
	t_ok(pm_tx_begin());
	t_ok(pm_tx_add(root[1], 8));
	t_refused(pm_close_sec(number[1]), EBUSY);
	t_ok(pm_close_sec(number[2]));
	root[1]->cell[0] = 7;
	t_ok(pm_tx_commit());
	ck_assert_uint_eq(root[1]->cell[0], 7);
	t_ok(pm_close_sec(number[1]));
}
END_TEST

static void change_three(void *arg)
{
	uint64_t i, n = *(uint64_t *)arg;

	open_all(3);
	for (i = 1; i <= n; i++) {
		TX_START {
			TX_SET(root[0]->cell[0], i);
			if (i % 3 != 1)
				TX_SET(root[1]->cell[0], i);
			if (i % 3 != 2)
				TX_SET(root[2]->cell[0], i);
		} TX_END
		ck_assert_int_eq(pm_tx_errno(), 0);
	}
}

static void expect_three(uint64_t n)
{
	uint64_t i, a = 0, b = 0;

	for (i = 1; i <= n; i++) {
		a = i % 3 != 1 ? i : a;
		b = i % 3 != 2 ? i : b;
	}
	ck_assert_uint_eq(root[0]->cell[0], n);
	ck_assert_uint_eq(root[1]->cell[0], a);
	ck_assert_uint_eq(root[2]->cell[0], b);
}

START_TEST(regions_that_crashed_together_agree)
{
	uint64_t n;

	for (n = 1; n < 60; n += 7) {
		t_crash(change_three, &n);
		open_all(3);
		expect_three(n);
		t_ok(pm_close());
	}
}
END_TEST

START_TEST(a_crashed_secondary_can_be_recovered_first)
{
	PmWrapperConfig c;
	uint64_t n = 20;
	int i;

	t_crash(change_three, &n);
	/* Another program, another primary: only the recovery matters. */
	for (i = 2; i >= 0; i--) {
		c = t_config_open(name_of(i), 0);
		if (pm_init(c) == 0)
			t_ok(pm_close());
		else
			ck_assert_msg(errno == ENODEV || errno == EADDRINUSE,
				      "%s", pm_errormsg());
	}
	open_all(3);
	expect_three(n);
}
END_TEST

START_TEST(a_participant_that_moved_is_named_and_found_by_its_new_path)
{
	PmWrapperConfig c;
	const char *with[2] = { NULL, NULL };
	uint64_t n = 5;

	t_crash(change_three, &n);
	ck_assert_int_eq(rename(t_path("b"), t_path("moved")), 0);
	with[0] = t_path("moved");
	c = t_config_open("p", 0);
	if (pm_init(c) != 0) {
		ck_assert_msg(errno == ENODEV, "%s", pm_errormsg());
		t_assert_message(t_path("b"));
		c.recover_with = with;
		t_ok(pm_init(c));
	}
	ck_assert_uint_eq(((struct root *)pm_root(0))->cell[0], n);
	t_ok(pm_close());
	ck_assert_int_eq(rename(t_path("moved"), t_path("b")), 0);
	open_all(3);
	expect_three(n);
}
END_TEST

static void change_two(void *arg)
{
	uint64_t value = *(uint64_t *)arg;

	open_all(2);
	TX_START {
		TX_SET(root[0]->cell[0], value);
		TX_SET(root[1]->cell[0], value);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
}

/* The original of "a" cannot tell any more what its log held. */
START_TEST(copies_that_lie_together_are_judged_by_each_other)
{
	uint64_t value = 2;
	unsigned char *bytes;
	size_t len;
	int a;

	t_crash(change_two, &value);
	ck_assert_int_eq(mkdir(t_path("copies"), 0700), 0);
	t_copy(t_path("p"), t_path("copies/p"));
	t_copy(t_path("a"), t_path("copies/a"));
	bytes = t_slurp(t_path("a"), &len);
	memset(bytes + CKPT_OFF, 0, CKPT_LEN);
	t_spill(t_path("a"), bytes, len);
	free(bytes);

	t_init("copies/p");
	a = t_init_sec("copies/a");
	ck_assert_uint_eq(((struct root *)pm_root_in(a, 0))->cell[0], 2);
	ck_assert_uint_eq(((struct root *)pm_root(0))->cell[0], 2);
	t_ok(pm_close());
	ck_assert_int_eq(unlink(t_path("copies/p")), 0);
	ck_assert_int_eq(unlink(t_path("copies/a")), 0);
	ck_assert_int_eq(rmdir(t_path("copies")), 0);
}
END_TEST

static void open_tx_over_two(void *arg)
{
	(void)arg;
	open_all(2);
	TX_START {
		set_all(2, 1);
	} TX_END
	t_ok(pm_tx_begin());
	t_ok(pm_tx_add(root[0], 64));
	t_ok(pm_tx_add(root[1], 64));
	memset(root[0], 0xff, 64);
	memset(root[1], 0xff, 64);
	t_given(pm_alloc_in(number[1], 100));
}

START_TEST(an_open_transaction_dies_in_all_regions)
{
	int i;

	t_crash(open_tx_over_two, NULL);
	open_all(2);
	for (i = 0; i < 2; i++) {
		ck_assert_uint_eq(root[i]->cell[0], 1);
		ck_assert_uint_eq(root[i]->cell[1], 0);
		ck_assert_uint_eq(t_stats(number[i]).objects, 2);
	}
}
END_TEST

START_TEST(a_secondary_closed_and_reopened_takes_part_again)
{
	int i;

	open_all(2);
	for (i = 1; i <= 10; i++) {
		TX_START {
			TX_SET(root[0]->cell[0], (uint64_t)i);
			TX_SET(root[1]->cell[0], (uint64_t)i);
		} TX_END
		ck_assert_msg(pm_tx_errno() == 0, "%s", pm_errormsg());
		t_ok(pm_close_sec(number[1]));
		number[1] = t_init_sec("a");
		root[1] = pm_root_in(number[1], 0);
		t_given(root[1]);
		ck_assert_uint_eq(root[1]->cell[0], (uint64_t)i);
	}
}
END_TEST

#define MANY 12		/* more than a header keeps the places of */

static void change_one_of_many(void *arg)
{
	uint64_t *mine, *its, i, k, n = *(uint64_t *)arg;
	int other[MANY];
	char name[] = "a";

	t_init("p");
	mine = pm_root(64);
	t_given(mine);
	for (i = 0; i < MANY; i++) {
		name[0] = (char)('a' + i);
		other[i] = t_init_sec(name);
		t_given(pm_root_in(other[i], 64));
	}
	for (i = 1; i <= n; i++) {
		k = i / 2 % MANY;
		its = pm_root_in(other[k], 64);
		t_given(its);
		TX_START {
			TX_SET(mine[0], i);
			TX_SET(its[0], i);
		} TX_END
		ck_assert_msg(pm_tx_errno() == 0, "%s", pm_errormsg());
	}
}

START_TEST(every_one_of_many_participants_is_found)
{
	uint64_t n = 2 * MANY + 5, *mine;
	char name[] = "a";
	int i;

	t_crash(change_one_of_many, &n);
	t_init("p");
	mine = pm_root(0);
	t_given(mine);
	ck_assert_uint_eq(mine[0], n);
	for (i = 0; i < MANY; i++) {
		name[0] = (char)('a' + i);
		(void)t_init_sec(name);
	}
}
END_TEST

/* A transaction over the primary and a region that dies with the process. */
static void change_with_one_that_dies(void *arg)
{
	PmWrapperConfig c = *(PmWrapperConfig *)arg;
	uint64_t *mine, *its;
	int other;

	t_init("p");
	other = pm_init_sec(c);
	ck_assert_msg(other > PM_PRIMARY, "%s", pm_errormsg());
	mine = pm_root(64);
	its = pm_root_in(other, 64);
	t_given(mine);
	t_given(its);
	TX_START {
		TX_SET(mine[0], 7);
		TX_SET(its[0], 7);
	} TX_END
	ck_assert_msg(pm_tx_errno() == 0, "%s", pm_errormsg());
	ck_assert_uint_eq(its[0], 7);
}

START_TEST(recovery_does_not_ask_a_region_that_died_with_the_process)
{
	PmWrapperConfig c = { .size = 8 * MIB };
	uint64_t *mine;

	if (_i == 1) {
		t_init("a");
		t_given(pm_root(64));
		t_ok(pm_close());
		c = t_config_open("a", PM_SCRATCH);
	}
	t_crash(change_with_one_that_dies, &c);
	t_ok(pm_init(t_config_open("p", 0)));
	mine = pm_root(0);
	t_given(mine);
	ck_assert_uint_eq(mine[0], 7);
}
END_TEST

START_TEST(a_transaction_over_too_many_regions_is_refused_whole)
{
	/* Eight can commit together; sixteen can be touched. */
	uint64_t *cell[17];
	char name[] = "A";
	int i, n;

	t_init("p");
	cell[0] = pm_root(64);
	t_given(cell[0]);
	for (i = 1; i < 17; i++) {
		name[0] = (char)('A' + i);
		n = pm_init_sec(t_config_of(name, MIB, 0));
		ck_assert_msg(n > PM_PRIMARY, "%s", pm_errormsg());
		cell[i] = pm_root_in(n, 64);
		t_given(cell[i]);
	}
	for (n = 8; n <= 17; n++) {
		TX_START {
			for (i = 0; i < n; i++)
				TX_SET(cell[i][0], (uint64_t)n);
		} TX_END
		ck_assert_int_eq(pm_tx_errno(), n == 8 ? 0 : ENOTSUP);
		if (n > 8)
			t_assert_message(n > 16 ? "more than" : "at most");
		for (i = 0; i < 17; i++)
			ck_assert_uint_eq(cell[i][0], i < 8 ? 8 : 0);
	}
}
END_TEST

#ifdef __SANITIZE_THREAD__
#define T_NUMBERS 16
#else
#define T_NUMBERS 1024
#endif

int main(void)
{
	t_begin("multi");
	t_add(one_transaction_commits_in_all_regions, T_ANY);
	t_add(one_transaction_aborts_in_all_regions, T_ANY);
	t_add(an_inner_abort_reaches_into_other_regions, T_ANY);
	t_add(a_full_secondary_rolls_back_the_primary_too, T_ANY);
	t_add(only_the_regions_that_take_part_stay_open, T_ANY);
	t_add(regions_that_crashed_together_agree, T_KEEPS);
	t_add(a_crashed_secondary_can_be_recovered_first, T_KEEPS);
	t_add(a_participant_that_moved_is_named_and_found_by_its_new_path,
	      T_KEEPS);
	t_add(copies_that_lie_together_are_judged_by_each_other, T_KEEPS);
	t_add(an_open_transaction_dies_in_all_regions, T_KEEPS);
	t_add(a_secondary_closed_and_reopened_takes_part_again, T_KEEPS);
	t_add(every_one_of_many_participants_is_found, T_KEEPS);
	t_add_each(recovery_does_not_ask_a_region_that_died_with_the_process,
		   T_KEEPS, 2);
	/* ThreadSanitizer leaves room for 15 numbers, fewer than it takes. */
	if (T_NUMBERS > 16)
		t_add(a_transaction_over_too_many_regions_is_refused_whole, T_ANY);
	return t_end();
}
