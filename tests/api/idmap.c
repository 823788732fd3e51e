/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * idmap.c: normal pointers between regions under other orders and primaries;
 * copies of pools.
 */
#include "support.h"

#define REGIONS 4

/* Each region's root points at the text of every region, its own included. */
struct root {
	const char *text[REGIONS];
	PmFat fat[REGIONS];
	char own[32];
};

static const char *const names[REGIONS] = { "p", "a", "b", "c" };

static void build(void *arg)
{
	struct root *r[REGIONS];
	int number[REGIONS], i, j;

	(void)arg;
	t_init(names[0]);
	for (i = 0; i < REGIONS; i++) {
		number[i] = i == 0 ? PM_PRIMARY : t_init_sec(names[i]);
		r[i] = pm_root_in(number[i], sizeof *r[i]);
		t_given(r[i]);
	}
	TX_START {
		for (i = 0; i < REGIONS; i++) {
			TX_ADD(r[i]);
			(void)snprintf(r[i]->own, sizeof r[i]->own,
				       "text of %s", names[i]);
			for (j = 0; j < REGIONS; j++) {
				r[i]->text[j] = r[j]->own;
				r[i]->fat[j] = pm_fat(r[j]->own);
			}
		}
	} TX_END
	ck_assert_msg(pm_tx_errno() == 0, "%s", pm_errormsg());
}

/* The pointer to region j that this root holds leads to its text. */
static void leads_to(const struct root *r, int j)
{
	char text[32];

	(void)snprintf(text, sizeof text, "text of %s", names[j]);
	ck_assert_str_eq(r->text[j], text);
	ck_assert_ptr_eq(PM_R(r->fat[j]), r->text[j]);
}

static void open_in_order(const int *order, int n)
{
	const struct root *r[REGIONS];
	int i, j, number;

	t_ok(pm_init(t_config_open("p", 0)));
	r[0] = pm_root(0);
	for (i = 0; i < n; i++) {
		number = pm_init_sec(t_config_open(names[order[i]], 0));
		ck_assert_msg(number > 1, "%s", pm_errormsg());
		r[order[i]] = pm_root_in(number, 0);
	}
	for (i = 0; i < n; i++) {
		leads_to(r[order[i]], 0);
		leads_to(r[0], order[i]);
		for (j = 0; j < n; j++)
			leads_to(r[order[i]], order[j]);
	}
	t_ok(pm_close());
}

START_TEST(pointers_hold_whatever_the_order_of_opening)
{
	static const int orders[][3] = {
		{ 1, 2, 3 }, { 3, 2, 1 }, { 2, 3, 1 }, { 1, 3, 2 },
	};
	size_t i;
	int n;

	t_exit(build, NULL);
	for (i = 0; i < T_N(orders); i++)
		for (n = 1; n <= 3; n++)
			open_in_order(orders[i], n);
}
END_TEST

START_TEST(pointers_hold_after_a_crash)
{
	static const int order[] = { 3, 1, 2 };

	t_crash(build, NULL);
	open_in_order(order, 3);
}
END_TEST

START_TEST(a_new_secondary_takes_no_number_that_is_in_use)
{
	static const int order[] = { 2, 1, 3 };
	char name[16];
	int i;

	t_exit(build, NULL);
	t_ok(pm_init(t_config_open("p", 0)));
	for (i = 0; i < 30; i++) {
		(void)snprintf(name, sizeof name, "new%d", i);
		ck_assert_int_gt(pm_init_sec(t_config_of(name, MIB, 0)), 1);
	}
	t_ok(pm_close());
	open_in_order(order, 3);
}
END_TEST

START_TEST(a_region_keeps_its_number_under_its_primary)
{
	int a, b;

	t_init("p");
	a = t_init_sec("a");
	b = t_init_sec("b");
	t_reopen("p");
	ck_assert_int_eq(t_init_sec("b"), b);
	ck_assert_int_eq(t_init_sec("a"), a);
	t_ok(pm_close_sec(a));
	ck_assert_int_eq(t_init_sec("a"), a);
}
END_TEST

/* Under a primary that it does not know, number 1 means another region. */
START_TEST(pointers_to_the_old_primary_are_never_misread)
{
	int number;

	t_exit(build, NULL);
	t_init("other");
	number = pm_init_sec(t_config_open("a", 0));
	ck_assert_int_eq(number, -1);
	ck_assert_int_eq(errno, EADDRINUSE);
	t_assert_message(t_path("a"));
	ck_assert_int_eq(pm_init_sec(t_config_open("p", 0)), -1);
	ck_assert_int_eq(errno, EADDRINUSE);
	ck_assert_int_eq(pm_init_sec(t_config_open("a", PM_RDONLY)), -1);
	ck_assert_int_eq(errno, EADDRINUSE);
	t_given(pm_root(64));
	t_ok(pm_close());
	open_in_order((const int[]){ 1, 2, 3 }, 3);
}
END_TEST

START_TEST(a_secondary_opened_as_primary_is_right_or_refused)
{
	const struct root *r;

	t_exit(build, NULL);
	if (pm_init(t_config_open("a", 0)) != 0) {
		ck_assert_int_eq(errno, EADDRINUSE);
		ck_assert_str_ne(pm_errormsg(), "");
	} else {
		r = pm_root(0);
		leads_to(r, 1);
		t_ok(pm_close());
	}
	open_in_order((const int[]){ 1, 2, 3 }, 3);
}
END_TEST

START_TEST(a_former_primary_alone_is_right_or_refused)
{
	struct root *r;
	const char *text;
	int a;

	t_init("p");
	r = pm_root(sizeof *r);
	t_given(pm_write(r->own, "self", 5));
	t_given(PM_SET(r->text[0], r->own));
	t_ok(pm_close());
	t_init("q");
	a = pm_init_sec(t_config_open("p", 0));
	if (a < 0) {
		ck_assert_int_eq(errno, EADDRINUSE);
		return;
	}
	r = pm_root_in(a, 0);
	t_given(r);
	text = r->text[0];
	ck_assert_str_eq(text, "self");
}
END_TEST

START_TEST(a_pool_moved_to_another_directory_keeps_its_pointers)
{
	t_exit(build, NULL);
	ck_assert_int_eq(rename(t_path("a"), t_path("moved")), 0);
	t_ok(pm_init(t_config_open("p", 0)));
	ck_assert_int_gt(pm_init_sec(t_config_open("moved", 0)), 1);
	leads_to(pm_root(0), 1);
}
END_TEST

START_TEST(a_copy_is_refused_beside_its_original_with_advice)
{
	t_exit(build, NULL);
	t_copy(t_path("a"), t_path("copy"));
	t_ok(pm_init(t_config_open("p", 0)));
	ck_assert_int_gt(pm_init_sec(t_config_open("a", 0)), 1);
	errno = 0;
	ck_assert_int_eq(pm_init_sec(t_config_open("copy", 0)), -1);
	ck_assert_int_eq(errno, EEXIST);
	ck_assert_msg(strstr(pm_errormsg(), "reid") != NULL ||
		      strstr(pm_errormsg(), "clone") != NULL,
		      "no advice: %s", pm_errormsg());
	t_assert_message(t_path("copy"));
}
END_TEST

static void make_secondary(void *arg)
{
	int a;

	(void)arg;
	t_init("p");
	a = t_init_sec("a");
	t_given(pm_root_in(a, 64));
	t_given(pm_write(pm_root_in(a, 64), "copied", 7));
}

static void opens_beside_its_original(const char *name)
{
	int a, copy;

	t_ok(pm_init(t_config_open("p", 0)));
	a = pm_init_sec(t_config_open("a", 0));
	ck_assert_msg(a > 1, "%s", pm_errormsg());
	copy = pm_init_sec(t_config_open(name, 0));
	ck_assert_msg(copy > 1, "%s", pm_errormsg());
	ck_assert_int_ne(a, copy);
	ck_assert(pm_region_id(a) != pm_region_id(copy));
	ck_assert_str_eq(pm_root_in(copy, 0), "copied");
	t_given(pm_write(pm_root_in(copy, 0), "changed", 8));
	ck_assert_str_eq(pm_root_in(a, 0), "copied");
	t_ok(pm_close());
}

START_TEST(a_copy_with_an_id_of_its_own_opens_beside_its_original)
{
	t_exit(make_secondary, NULL);
	t_copy(t_path("a"), t_path("copy"));
	t_ok(pm_reid(t_path("copy")));
	opens_beside_its_original("copy");
	t_ok(pm_clone(t_path("a"), t_path("clone")));
	opens_beside_its_original("clone");
	t_refused(pm_clone(t_path("a"), t_path("clone")), EEXIST);
	t_refused(pm_clone(t_path("none"), t_path("clone2")), ENOENT);
	ck_assert_int_ne(access(t_path("clone2"), F_OK), 0);
	t_refused(pm_reid(t_path("none")), ENOENT);
}
END_TEST

START_TEST(a_cloned_primary_keeps_its_own_pointers)
{
	const struct root *r;

	t_exit(build, NULL);
	t_ok(pm_clone(t_path("p"), t_path("clone")));
	t_ok(pm_init(t_config_open("clone", 0)));
	r = pm_root(0);
	t_given(r);
	ck_assert_str_eq(r->text[0], "text of p");
	ck_assert_ptr_eq(r->text[0], r->own);
}
END_TEST

/* Its own table names it by the number 1, which no pointer uses, and later by
 * the one that its pointers use. */
START_TEST(a_primary_without_pointers_becomes_a_secondary_with_them)
{
	void **self;
	int a;

	t_init("a");
	t_given(pm_root(64));
	t_ok(pm_close());
	t_init("p");
	a = t_init_sec("a");
	self = pm_root_in(a, 64);
	t_given(pm_write(self, &self, sizeof self));
	t_reopen("p");
	ck_assert_int_eq(t_init_sec("a"), a);
	ck_assert_ptr_eq(*(void **)pm_root_in(a, 64), self);
}
END_TEST

int main(void)
{
	t_begin("idmap");
	t_add(pointers_hold_whatever_the_order_of_opening, T_KEEPS);
	t_add(pointers_hold_after_a_crash, T_KEEPS);
	t_add(a_new_secondary_takes_no_number_that_is_in_use, T_KEEPS);
	t_add(a_region_keeps_its_number_under_its_primary, T_KEEPS);
	t_add(pointers_to_the_old_primary_are_never_misread, T_KEEPS);
	t_add(a_secondary_opened_as_primary_is_right_or_refused, T_KEEPS);
	t_add(a_former_primary_alone_is_right_or_refused, T_KEEPS);
	t_add(a_pool_moved_to_another_directory_keeps_its_pointers, T_KEEPS);
	t_add(a_copy_is_refused_beside_its_original_with_advice, T_KEEPS);
	t_add(a_copy_with_an_id_of_its_own_opens_beside_its_original, T_KEEPS);
	t_add(a_cloned_primary_keeps_its_own_pointers, T_KEEPS);
	t_add(a_primary_without_pointers_becomes_a_secondary_with_them,
	      T_KEEPS);
	return t_end();
}
