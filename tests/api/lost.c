/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lost.c: a region whose partner in a transaction is gone for good.
 */
#include "support.h"

#include <unistd.h>

struct root {
	uint64_t cell[4];
};

static struct root *here, *there;
static int number;

static void open_two(void)
{
	t_init("p");
	number = t_init_sec("a");
	here = pm_root(sizeof *here);
	there = pm_root_in(number, sizeof *there);
	t_given(here);
	t_given(there);
	t_ok(pm_flush());
}

static void change_both(uint64_t value)
{
	TX_START {
		TX_SET(here->cell[0], value);
		TX_SET(there->cell[0], value);
	} TX_END
	ck_assert_msg(pm_tx_errno() == 0, "%s", pm_errormsg());
}

/* What a program did before it was killed. */
enum then { NOTHING, COMMIT, FLUSH, CLOSE_SECOND, RETURN_OF_SECOND };

static void work(void *arg)
{
	enum then then = *(enum then *)arg;

	open_two();
	change_both(1);
	change_both(2);
	switch (then) {
	case NOTHING:
		break;
	case COMMIT:
		ck_assert_ptr_nonnull(PM_SET(here->cell[1], 3));
		break;
	case FLUSH:
		t_ok(pm_flush());
		break;
	case CLOSE_SECOND:
		t_ok(pm_close_sec(number));
		break;
	case RETURN_OF_SECOND:
		t_ok(pm_close_sec(number));
		number = t_init_sec("a");
		there = pm_root_in(number, 0);
		change_both(4);
		break;
	}
}

static void lose(enum then then)
{
	t_crash(work, &then);
	ck_assert_int_eq(unlink(t_path("a")), 0);
}

static void opens_alone(uint64_t value)
{
	const struct root *r;

	t_ok(pm_init(t_config_open("p", 0)));
	r = pm_root(0);
	t_given((void *)(uintptr_t)r);
	ck_assert_uint_eq(r->cell[0], value);
}

START_TEST(an_entry_behind_it_tells_that_a_transaction_counts)
{
	lose(COMMIT);
	opens_alone(2);
	ck_assert_uint_eq(((struct root *)pm_root(0))->cell[1], 3);
}
END_TEST

START_TEST(after_a_flush_nobody_else_is_needed)
{
	lose(FLUSH);
	opens_alone(2);
}
END_TEST

START_TEST(a_closed_secondary_is_not_needed)
{
	lose(CLOSE_SECOND);
	opens_alone(2);
}
END_TEST

static uint64_t id_of(const char *name)
{
	PmCheckReport report;

	t_ok(pm_check(t_path(name), 0, &report));
	return report.region_id;
}

START_TEST(a_lost_region_can_be_given_up)
{
	enum then then = RETURN_OF_SECOND;
	PmWrapperConfig c = t_config_open("p", 0);
	char given[32], other[] = "id:0000000000000001";
	const char *with[4] = { other, NULL };

	t_crash(work, &then);
	(void)snprintf(given, sizeof given, "id:%016llx",
		       (unsigned long long)id_of("a"));
	ck_assert_int_eq(unlink(t_path("a")), 0);
	c.recover_with = with;
	t_refused(pm_init(c), ENODEV);
	t_assert_message(given);
	t_assert_message(t_path("a"));
	t_assert_message("No such file");
	with[1] = given;
	t_ok(pm_init(c));
	ck_assert_uint_eq(((struct root *)pm_root(0))->cell[0], 4);
	t_ok(pm_close());
	opens_alone(4);
}
END_TEST

START_TEST(one_that_is_there_is_asked_although_it_was_given_up)
{
	enum then then = NOTHING;
	PmWrapperConfig c = t_config_open("p", 0);
	char given[32];
	const char *with[2] = { given, NULL };

	t_crash(work, &then);
	(void)snprintf(given, sizeof given, "id:%016llx",
		       (unsigned long long)id_of("a"));
	c.recover_with = with;
	t_ok(pm_init(c));
	ck_assert_uint_eq(((struct root *)pm_root(0))->cell[0], 2);
}
END_TEST

START_TEST(the_message_tells_why_a_place_does_not_serve)
{
	enum then then = NOTHING;
	PmWrapperConfig c = t_config_open("p", 0);
	const char *with[3] = { "nowhere", t_path("q"), NULL };
	char text[80];

	t_crash(work, &then);
	ck_assert_int_eq(unlink(t_path("a")), 0);
	t_init("q");
	t_ok(pm_close());
	c.recover_with = with;
	t_refused(pm_init(c), ENODEV);
	t_assert_message("; nowhere: No such file");
	(void)snprintf(text, sizeof text, "/q: is region %016llx",
		       (unsigned long long)id_of("q"));
	t_assert_message(text);
}
END_TEST

int main(void)
{
	t_begin("lost");
	t_add(an_entry_behind_it_tells_that_a_transaction_counts, T_KEEPS);
	t_add(after_a_flush_nobody_else_is_needed, T_KEEPS);
	t_add(a_closed_secondary_is_not_needed, T_KEEPS);
	t_add(a_lost_region_can_be_given_up, T_KEEPS);
	t_add(one_that_is_there_is_asked_although_it_was_given_up, T_KEEPS);
	t_add(the_message_tells_why_a_place_does_not_serve, T_KEEPS);
	return t_end();
}
