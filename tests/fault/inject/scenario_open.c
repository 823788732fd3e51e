/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scenario_open.c: creating, opening, recovering and closing while calls fail.
 */
#include "inject.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static PmWrapperConfig relaxed(PmWrapperConfig c)
{
	c.durability = PM_RELAXED;
	c.flush_ms = 1000000;
	return c;
}

static int create_a(void)
{
	return pm_init(config_new("a"));
}

static int create_a_relative(void)
{
	PmWrapperConfig c = config_new("a");

	if (chdir(path_of("")))
		die("no directory");
	c.path = "a";
	return pm_init(c);
}

static bool empty_a(bool after)
{
	(void)after;
	return objects_in(PM_PRIMARY) == 0 && pm_root(0) == NULL;
}

static int init_a(void)
{
	return pm_init(config_old("a", 0));
}

static int init_a_relaxed(void)
{
	return pm_init(relaxed(config_old("a", 0)));
}

static int init_a_readonly(void)
{
	return pm_init(config_old("a", PM_RDONLY));
}

static int init_a_scratch(void)
{
	return pm_init(config_old("a", PM_SCRATCH));
}

static int init_a_resident(void)
{
	return pm_init(config_old("a", PM_RESIDENT));
}

static bool made_a(bool after)
{
	(void)after;
	return a_is_as_made();
}

static bool made_ab(bool after)
{
	(void)after;
	return a_is_as_made() && (!second || b_is_as_made());
}

static int sec(PmWrapperConfig c)
{
	int n = pm_init_sec(c);

	second = n < 0 ? 0 : n;
	return n < 0 ? -1 : 0;
}

static int create_b(void)
{
	return sec(config_new("b"));
}

static int init_b(void)
{
	return sec(config_old("b", 0));
}

static int init_b_relaxed(void)
{
	return sec(relaxed(config_old("b", 0)));
}

static bool made_a_empty_b(bool after)
{
	(void)after;
	return a_is_as_made() && (!second || objects_in(second) == 0);
}

/* If the creation of b failed with the primary's sync, b is not there. */
static void open_a_and_b(void)
{
	open_a();
	if (!exists("b")) {
		NEED(create_b() == 0);
		return;
	}
	NEED(init_b() == 0);
}

static int close_all(void)
{
	int r = pm_close();

	second = 0;
	return r;
}

static int close_second(void)
{
	int r = pm_close_sec(second);

	second = 0;
	return r;
}

static void change(void)
{
	struct root *r = root_a();
	unsigned i;

	for (i = 0; i < 64; i++)
		NEED(PM_SET(r->cell[i], i + 1));
}

static void open_a_changed(void)
{
	open_a();
	change();
}

static void open_a_relaxed_changed(void)
{
	NEED(init_a_relaxed() == 0);
	change();
}

static void open_ab_changed(void)
{
	struct root *a, *b;

	open_ab();
	a = root_a();
	b = root_b();
	TX_START {
		TX_SET(a->cell[1], 2);
		TX_SET(b->cell[1], 2);
	} TX_END
	NEED(pm_tx_errno() == 0);
}

static void reopen_b(void)
{
	if (!pm_region_id(PM_PRIMARY))
		open_a();
	if (!second)
		NEED(init_b() == 0);
}

/* Any other process finds the pool busy. */
static void create_volatile(void)
{
	die("a volatile region is not opened again");
}

#define OPENING(text, be, prep, set, op, is, re, fl)			\
	{ text, be, prep, set, op, is, re, SC_OPENS | (fl), 0 }

static const struct scenario table[] = {
	OPENING("create", "file", NULL, NULL, create_a, empty_a, open_a, 0),
	OPENING("create by a relative path", "file", NULL, NULL,
		create_a_relative, empty_a, open_a, 0),
	OPENING("create, shm", "shm", NULL, NULL, create_a, empty_a, open_a, 0),
	OPENING("create, dax", "dax", NULL, NULL, create_a, empty_a, open_a, 0),
	OPENING("create, volatile", "volatile", NULL, NULL, create_a, empty_a,
		create_volatile, SC_VOLATILE),
	OPENING("open", "file", make_a, NULL, init_a, made_a, open_a, 0),
	OPENING("open, shm", "shm", make_a, NULL, init_a, made_a, open_a, 0),
	OPENING("open, dax", "dax", make_a, NULL, init_a, made_a, open_a, 0),
	OPENING("open relaxed: a thread", "file", make_a, NULL, init_a_relaxed,
		made_a, open_a, 0),
	OPENING("open read-only", "file", make_a, NULL, init_a_readonly, made_a,
		open_a, 0),
	OPENING("open scratch", "file", make_a, NULL, init_a_scratch, made_a,
		open_a, 0),
	OPENING("open resident", "file", make_a, NULL, init_a_resident, made_a,
		open_a, 0),
	OPENING("recover", "file", make_a, NULL, init_a, made_a, open_a,
		SC_CRASHED),
	OPENING("recover, dax", "dax", make_a, NULL, init_a, made_a, open_a,
		SC_CRASHED),
	OPENING("recover, relaxed", "file", make_a, NULL, init_a_relaxed,
		made_a, open_a, SC_CRASHED),
	OPENING("recover into a read-only region", "file", make_a, NULL,
		init_a_readonly, made_a, open_a, SC_CRASHED),
	OPENING("recover into a scratch region", "shm", make_a, NULL,
		init_a_scratch, made_a, open_a, SC_CRASHED),
	OPENING("recover into a resident region", "file", make_a, NULL,
		init_a_resident, made_a, open_a, SC_CRASHED),
	{ "recover by asking the other region's file", "file",
	  make_ab_crashed, NULL, init_a, made_a, open_ab,
	  SC_OPENS | SC_CRASHED, ENODEV },
	{ "recover the second of two regions", "file", make_ab_crashed, open_a,
	  init_b, made_ab, open_ab, SC_OPENS | SC_CRASHED, ENODEV },
	OPENING("create a secondary", "file", make_a, open_a, create_b,
		made_a_empty_b, open_a_and_b, 0),
	OPENING("open a secondary", "file", make_ab, open_a, init_b, made_ab,
		open_ab, 0),
	OPENING("open a relaxed secondary", "file", make_ab, open_a,
		init_b_relaxed, made_ab, open_ab, 0),
	{ "close", "file", make_a, open_a_changed, close_all, made_a, open_a,
	  SC_ONCE | SC_SHUT, 0 },
	{ "close, dax", "dax", make_a, open_a_changed, close_all, made_a,
	  open_a, SC_ONCE | SC_SHUT, 0 },
	{ "close relaxed", "file", make_a, open_a_relaxed_changed, close_all,
	  made_a, open_a, SC_ONCE | SC_SHUT, 0 },
	{ "close two regions", "file", make_ab, open_ab_changed, close_all,
	  made_ab, open_ab, SC_ONCE | SC_SHUT, 0 },
	{ "close a secondary", "file", make_ab, open_ab_changed, close_second,
	  made_ab, reopen_b, SC_ONCE, 0 },
};

const struct suite suite_open = { table, sizeof(table) / sizeof(*table) };
