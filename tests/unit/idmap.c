/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * idmap.c: which number a region gets under a primary, and when it is refused.
 */
#include "unit.h"

static struct region *primary, *r;

static void set_up(void)
{
	primary = unit_region(1 << 20, 0);
	r = unit_region(1 << 20, 0);
	primary->number = PM_PRIMARY;
	primary->span = r->span = 1;
	primary->hdr->idmap[PM_PRIMARY] = primary->id;
	table_add(primary);
}

static void tear_down(void)
{
	table_remove(primary);
	unit_region_free(primary);
	unit_region_free(r);
}

/* Pointers in q were written with id as this number. */
static void pin(struct region *q, int number, uint64_t id)
{
	q->hdr->idmap[number] = id;
	q->hdr->pinned[number / 64] |= 1ull << number % 64;
	q->known[number / 64] |= 1ull << number % 64;
}

static void refused(int err)
{
	errno = 0;
	ck_assert_int_eq(idmap_assign(primary, r, 1), -1);
	ck_assert_msg(errno == err, "errno %d: %s", errno, err_get());
}

START_TEST(a_new_region_gets_a_free_number)
{
	int number;

	set_up();
	number = idmap_assign(primary, r, 1);
	ck_assert_int_gt(number, PM_PRIMARY);
	ck_assert_int_lt(number, PM_NUMBERS_MAX);
	ck_assert_int_eq(idmap_assign(primary, r, 1), number);
	primary->hdr->idmap[number] = 12345;
	ck_assert_int_ne(idmap_assign(primary, r, 1), number);
	ck_assert_int_gt(idmap_assign(primary, r, 1), PM_PRIMARY);
	tear_down();
}
END_TEST

START_TEST(the_primary_remembers_a_number)
{
	set_up();
	primary->hdr->idmap[77] = r->id;
	ck_assert_int_eq(idmap_assign(primary, r, 1), 77);
	tear_down();
}
END_TEST

START_TEST(pointers_in_a_region_fix_its_number)
{
	set_up();
	pin(r, 300, r->id);
	ck_assert_int_eq(idmap_assign(primary, r, 1), 300);
	primary->hdr->idmap[300] = 999;
	refused(EADDRINUSE);
	tear_down();
}
END_TEST

START_TEST(a_region_of_another_primary_is_refused)
{
	set_up();
	pin(r, PM_PRIMARY, 4711);
	refused(EADDRINUSE);
	tear_down();
}
END_TEST

START_TEST(a_region_of_this_primary_is_not)
{
	set_up();
	pin(r, PM_PRIMARY, primary->id);
	ck_assert_int_gt(idmap_assign(primary, r, 1), PM_PRIMARY);
	tear_down();
}
END_TEST

START_TEST(when_all_numbers_are_pinned_there_is_none)
{
	int i;

	set_up();
	for (i = 2; i < PM_NUMBERS_MAX; i++)
		pin(primary, i, 5000 + (uint64_t)i);
	refused(EMFILE);
	tear_down();
}
END_TEST

START_TEST(a_number_that_nothing_uses_is_taken_again)
{
	int i, number;

	set_up();
	for (i = 2; i < PM_NUMBERS_MAX; i++)
		primary->hdr->idmap[i] = 5000 + (uint64_t)i;
	number = idmap_assign(primary, r, 1);
	ck_assert_int_gt(number, PM_PRIMARY);
	tear_down();
}
END_TEST

START_TEST(a_large_region_gets_consecutive_numbers)
{
	int number, i;

	set_up();
	for (i = 2; i < PM_NUMBERS_MAX; i += 4)
		pin(primary, i, 5000 + (uint64_t)i);
	number = idmap_assign(primary, r, 3);
	ck_assert_int_gt(number, PM_PRIMARY);
	for (i = number; i < number + 3; i++)
		ck_assert_uint_eq(primary->hdr->idmap[i], 0);
	ck_assert_int_eq(idmap_assign(primary, r, 4), -1);
	ck_assert_int_eq(errno, EMFILE);
	tear_down();
}
END_TEST

START_TEST(a_secondary_is_no_primary)
{
	set_up();
	r->span = 1;
	ck_assert_int_eq(idmap_check_primary(r), 0);
	pin(r, PM_PRIMARY, r->id);
	ck_assert_int_eq(idmap_check_primary(r), 0);
	r->hdr->idmap[PM_PRIMARY] = 4711;
	ck_assert_int_eq(idmap_check_primary(r), -1);
	ck_assert_int_eq(errno, EADDRINUSE);
	memset(r->hdr->pinned, 0, sizeof(r->hdr->pinned));
	pin(r, 40, r->id);
	ck_assert_int_eq(idmap_check_primary(r), -1);
	/* Its table would name it twice. */
	memset(r->hdr->pinned, 0, sizeof(r->hdr->pinned));
	ck_assert_int_eq(idmap_check_primary(r), -1);
	r->hdr->idmap[40] = 0;
	ck_assert_int_eq(idmap_check_primary(r), 0);
	tear_down();
}
END_TEST

START_TEST(no_number_of_a_large_primary_is_anothers)
{
	set_up();
	r->span = 3;
	pin(r, 4, 4711);
	ck_assert_int_eq(idmap_check_primary(r), 0);
	pin(r, 3, 4711);
	ck_assert_int_eq(idmap_check_primary(r), -1);
	ck_assert_int_eq(errno, EADDRINUSE);
	pin(r, 3, r->id);
	ck_assert_int_eq(idmap_check_primary(r), 0);
	tear_down();
}
END_TEST

START_TEST(a_number_that_would_name_a_region_twice_is_refused)
{
	/* The primary has r's peer under another number than r's pointers. */
	set_up();
	primary->hdr->idmap[20] = 4711;
	pin(r, 30, 4711);
	refused(EADDRINUSE);
	tear_down();
	/* r's pointers to itself use two numbers; it can have only one. */
	set_up();
	pin(r, 40, r->id);
	pin(r, 50, r->id);
	refused(EADDRINUSE);
	tear_down();
	/* So do the primary's pointers to r. */
	set_up();
	primary->hdr->idmap[60] = primary->hdr->idmap[70] = r->id;
	refused(EADDRINUSE);
	tear_down();
}
END_TEST

START_TEST(a_pinned_number_puts_others_of_its_region_out_of_date)
{
	struct pm_rec rec = { PM_TAG(PM_REC_IDMAP, 1u << 16 | 6), 4711 };

	set_up();
	/* 5 to 7 may be one large region; 20 is from another time. */
	r->hdr->idmap[5] = r->hdr->idmap[7] = r->hdr->idmap[20] = 4711;
	pin(r, 30, 4711);
	ck_assert_int_eq(header_apply(r, &rec, NULL), 0);
	ck_assert_uint_eq(r->hdr->idmap[5], 4711);
	ck_assert_uint_eq(r->hdr->idmap[6], 4711);
	ck_assert_uint_eq(r->hdr->idmap[7], 4711);
	ck_assert_uint_eq(r->hdr->idmap[20], 0);
	ck_assert_uint_eq(r->hdr->idmap[30], 4711);
	tear_down();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_new_region_gets_a_free_number,
		the_primary_remembers_a_number,
		pointers_in_a_region_fix_its_number,
		a_region_of_another_primary_is_refused,
		a_region_of_this_primary_is_not,
		when_all_numbers_are_pinned_there_is_none,
		a_number_that_nothing_uses_is_taken_again,
		a_large_region_gets_consecutive_numbers,
		a_secondary_is_no_primary,
		no_number_of_a_large_primary_is_anothers,
		a_number_that_would_name_a_region_twice_is_refused,
		a_pinned_number_puts_others_of_its_region_out_of_date,
		NULL,
	};

	return unit_main("idmap", tests);
}
