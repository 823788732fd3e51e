/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scenario_space.c: growth, spills, direct writes, collection, checkpoints and
 * groups while calls fail.
 */
#include "inject.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static uint64_t count;		/* objects that setup left */

static int put(unsigned slot, size_t n, int value)
{
	struct root *r = root_a();
	unsigned char *p;

	TX_START {
		p = pm_alloc(n);
		if (!p)
			TX_ABORT(errno);
		memset(p, value, n);
		TX_SET(r->obj[slot], p);
	} TX_END
	errno = pm_tx_errno();
	return errno ? -1 : 0;
}

static bool is_put(bool after, unsigned slot, size_t n, int value)
{
	struct root *r = root_a();

	if (!after)
		return a_is_as_made();
	return objects_in(PM_PRIMARY) == 5 && bytes_are(r->obj[slot], value, n);
}

static int put_large(void)
{
	return put(5, 200 * KIB, 21);
}

static bool is_put_large(bool after)
{
	return is_put(after, 5, 200 * KIB, 21);
}

static int grow(void)
{
	return put(5, 3 * MIB, 22);
}

static bool grown(bool after)
{
	return is_put(after, 5, 3 * MIB, 22);
}

/* Too large for the largest slab, not for a run, and in no transaction. */
static int grow_alone(void)
{
	return pm_alloc(3 * MIB) ? 0 : -1;
}

static bool grown_alone(bool after)
{
	return objects_in(PM_PRIMARY) == (after ? 5 : 4);
}

/* A lane has 16 KiB. */
static int spill(void)
{
	struct root *r = root_a();
	unsigned i;

	TX_START {
		TX_ADD_RANGE(r->obj[2], 40 * KIB);
		memset(r->obj[2], 23, 40 * KIB);
		pm_free(r->obj[0]);
		TX_SET(r->obj[0], NULL);
		for (i = 0; i < 200; i++)
			if (!pm_alloc(16))
				TX_ABORT(errno);
	} TX_END
	errno = pm_tx_errno();
	return errno ? -1 : 0;
}

static bool spilled(bool after)
{
	struct root *r = root_a();

	if (!after)
		return a_is_as_made();
	return objects_in(PM_PRIMARY) == 203 && !r->obj[0] &&
	       bytes_are(r->obj[2], 23, 40 * KIB);
}

static void open_ab_here(void)
{
	open_ab();
}

static int spill_two(void)
{
	struct root *a = root_a(), *b = root_b();

	TX_START {
		TX_ADD_RANGE(a->obj[2], 40 * KIB);
		memset(a->obj[2], 23, 40 * KIB);
		TX_ADD_RANGE(b->obj[2], 40 * KIB);
		memset(b->obj[2], 23, 40 * KIB);
	} TX_END
	errno = pm_tx_errno();
	return errno ? -1 : 0;
}

static bool spilled_two(bool after)
{
	return after ? bytes_are(root_a()->obj[2], 23, 40 * KIB) &&
		       bytes_are(root_b()->obj[2], 23, 40 * KIB)
		     : a_is_as_made() && b_is_as_made();
}

static int shrink(void)
{
	struct root *r = root_a();
	unsigned char *p;

	TX_START {
		p = pm_realloc(r->obj[2], 1000);
		if (!p)
			TX_ABORT(errno);
		TX_SET(r->obj[2], p);
	} TX_END
	errno = pm_tx_errno();
	return errno ? -1 : 0;
}

static bool shrunk(bool after)
{
	if (!after)
		return a_is_as_made();
	return objects_in(PM_PRIMARY) == 4 &&
	       bytes_are(root_a()->obj[2], 3, 1000);
}

/* Outside a transaction: the object moves, and its pointer is found by type. */
static void make_typed(void)
{
	unsigned char *p;

	make_a();
	p = pm_alloc_type(PM_PRIMARY, 100, 7);
	NEED(p && pm_fill(p, 4, 100));
}

static int enlarge(void)
{
	void *p = pm_first(PM_PRIMARY, 7);

	return pm_realloc(p, 90 * KIB) ? 0 : -1;
}

static bool enlarged(bool after)
{
	void *p = pm_first(PM_PRIMARY, 7);

	return objects_in(PM_PRIMARY) == 5 && p && bytes_are(p, 4, 100) &&
	       (pm_usable_size(p) >= 90 * KIB) == after;
}

/* Slabs of many types, all empty again: growth would come after collecting. */
static void open_full_of_empty_slabs(void)
{
	static void *p[4096];
	unsigned n = 0, i;

	open_a();
	while (n < 4096 && objects_in(PM_PRIMARY) == 4 + n) {
		PmStats s;

		NEED(pm_stats(PM_PRIMARY, &s) == 0);
		if (s.largest_free < 64 * KIB)
			break;
		p[n] = pm_alloc_type(PM_PRIMARY, 100, n + 1);
		NEED(p[n]);
		n++;
	}
	for (i = 0; i < n; i++)
		pm_free(p[i]);
	count = objects_in(PM_PRIMARY);
	NEED(count == 4);
}

static int collect(void)
{
	return put(5, 500 * KIB, 24);
}

static bool collected(bool after)
{
	return is_put(after, 5, 500 * KIB, 24);
}

/* More commits than both lanes hold. */
static int checkpoints(void)
{
	struct root *r = root_a();
	unsigned i;

	for (i = 0; i < 30; i++)
		if (!pm_fill(r->obj[1], 30 + (int)i, 3000) ||
		    !pm_write(r->obj[1], r->obj[1], 3000))
			return -1;
	return 0;
}

/* Each fill is a transaction of its own: one of them is the last. */
static bool checkpointed(bool after)
{
	const unsigned char *p = root_a()->obj[1];

	return bytes_are(p, after ? 59 : *p, 3000) &&
	       objects_in(PM_PRIMARY) == 4;
}

static void open_relaxed(void)
{
	PmWrapperConfig c = config_old("a", 0);

	c.durability = PM_RELAXED;
	c.flush_ms = 1000000;
	NEED(pm_init(c) == 0);
}

static void open_manual(void)
{
	NEED(pm_init(config_old("a", PM_FLUSH_MANUAL)) == 0);
}

static int write_and_flush(void)
{
	return PM_SET(root_a()->cell[0], 77) ? pm_flush() : -1;
}

static bool flushed(bool after)
{
	uint64_t v = root_a()->cell[0];

	/* It is committed before the flush, and durable after it. */
	return v == 77 || (!after && v == 1);
}

/* The thread that flushes groups meets the fault; the program hears of it. */
static void open_relaxed_fast(void)
{
	PmWrapperConfig c = config_old("a", 0);

	c.durability = PM_RELAXED;
	c.flush_ms = 1;
	NEED(pm_init(c) == 0);
}

static int write_for_the_flusher(void)
{
	if (!PM_SET(root_a()->cell[0], 77))
		return -1;
	/* Mostly the thread is first; if not, this call is. */
	usleep(3000);
	return pm_flush();
}

static void open_with_budget(void)
{
	PmWrapperConfig c = config_old("a", 0);

	c.work_budget = 1;
	NEED(pm_init(c) == 0);
}

/* What is changed is too far apart to be synced as one range. */
static void make_wide(void)
{
	PmWrapperConfig c = config_new("a");
	struct root *r;
	void *p;

	c.size = c.max_size = 48 * MIB;
	NEED(pm_init(c) == 0);
	p = pm_alloc(40 * MIB);
	r = pm_root(sizeof(*r));
	NEED(p && r);
}

static void change_wide(void)
{
	open_a();
	NEED(PM_SET(root_a()->cell[0], 77));
	NEED(pm_alloc(4 * MIB));
}

static bool wide(bool after)
{
	(void)after;
	return objects_in(PM_PRIMARY) == 3 && root_a()->cell[0] == 77;
}

#define ONE(text, be, set, op, is)					\
	{ text, be, make_a, set, op, is, open_a, SC_COLD, 0 }

static const struct scenario table[] = {
	ONE("large fresh object, written directly", "file", open_a, put_large,
	    is_put_large),
	ONE("growth", "file", open_a, grow, grown),
	ONE("growth, shm", "shm", open_a, grow, grown),
	ONE("growth, dax", "dax", open_a, grow, grown),
	ONE("growth by a single operation", "file", open_a, grow_alone,
	    grown_alone),
	ONE("spill", "file", open_a, spill, spilled),
	ONE("spill, relaxed", "file", open_relaxed, spill, spilled),
	{ "spill in two regions", "file", make_ab, open_ab_here, spill_two,
	  spilled_two, open_ab, SC_COLD, ENOSPC },
	ONE("realloc to less", "file", open_a, shrink, shrunk),
	{ "realloc to more", "file", make_typed, open_a, enlarge, enlarged,
	  open_a, SC_COLD, 0 },
	ONE("collect empty slabs", "file", open_full_of_empty_slabs, collect,
	    collected),
	ONE("checkpoints", "file", open_a, checkpoints, checkpointed),
	ONE("checkpoints, dax", "dax", open_a, checkpoints, checkpointed),
	{ "sync of all of a large file", "file", make_wide, change_wide,
	  pm_close, wide, open_a, SC_ONCE | SC_SHUT, 0 },
	ONE("checkpoints with a budget", "file", open_with_budget, checkpoints,
	    checkpointed),
	ONE("flush, relaxed", "file", open_relaxed, write_and_flush, flushed),
	ONE("flush, manual", "file", open_manual, write_and_flush, flushed),
	ONE("flush by the thread", "file", open_relaxed_fast,
	    write_for_the_flusher, flushed),
};

const struct suite suite_space = { table, sizeof(table) / sizeof(*table) };
