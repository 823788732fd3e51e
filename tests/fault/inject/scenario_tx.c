/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scenario_tx.c: transactions and single operations while calls fail.
 */
#include "inject.h"

#include <errno.h>
#include <string.h>

/* --- operations of one call --- */

static int write_one(void)
{
	return PM_SET(root_a()->cell[0], 77) ? 0 : -1;
}

static bool written_one(bool after)
{
	struct root *r = root_a();
	uint64_t was = r->cell[0];
	bool rest;

	if (was != (after ? 77 : 1))
		return false;
	r->cell[0] = 1;
	rest = a_is_as_made();
	r->cell[0] = was;
	return rest;
}

static int fill_one(void)
{
	return pm_fill(root_a()->obj[1], 9, 3000) ? 0 : -1;
}

static bool filled_one(bool after)
{
	return bytes_are(root_a()->obj[1], after ? 9 : 2, 3000);
}

static int persist_one(void)
{
	root_a()->cell[0] = 77;
	return pm_persist(&root_a()->cell[0], 8);
}

static bool persisted_one(bool after)
{
	/* The program's own store stays in the working copy. */
	return !after || root_a()->cell[0] == 77;
}

static int alloc_one(void)
{
	return pm_alloc(500) ? 0 : -1;
}

static bool allocated_one(bool after)
{
	return objects_in(PM_PRIMARY) == (after ? 5 : 4);
}

static int calloc_one(void)
{
	return pm_calloc(10, 200) ? 0 : -1;
}

static int align_one(void)
{
	return pm_memalign(4096, 200) ? 0 : -1;
}

static int strdup_one(void)
{
	return pm_strdup("a text") ? 0 : -1;
}

static int typed_one(void)
{
	return pm_alloc_type(PM_PRIMARY, 100, 3 | PM_ZERO) ? 0 : -1;
}

static int free_one(void)
{
	/* Read before: the root's pointer outlives the object here. */
	unsigned char *p = root_a()->obj[0];

	errno = 0;
	pm_free(p);
	return errno ? -1 : 0;
}

static bool freed_one(bool after)
{
	return objects_in(PM_PRIMARY) == (after ? 3 : 4);
}

static int root_first(void)
{
	return pm_root(1000) ? 0 : -1;
}

static void make_empty(void)
{
	NEED(pm_init(config_new("a")) == 0);
}

static bool rooted_first(bool after)
{
	unsigned char *r = pm_root(0);

	return objects_in(PM_PRIMARY) == after &&
	       (after ? r && bytes_are(r, 0, 1000) : !r);
}

static int root_grow(void)
{
	return pm_root(sizeof(struct root) + 5000) ? 0 : -1;
}

static bool rooted_grown(bool after)
{
	unsigned char *r = pm_root(0);

	if (!a_is_as_made())
		return false;
	return !after || bytes_are(r + sizeof(struct root), 0, 5000);
}

static int set_pointer(void *obj, void *arg)
{
	(void)arg;
	memset(obj, 8, 300);
	return 0;
}

static int alloc_to(void)
{
	return pm_alloc_to(&root_a()->obj[5], 300, set_pointer, NULL);
}

static bool allocated_to(bool after)
{
	struct root *r = root_a();

	if (objects_in(PM_PRIMARY) != (after ? 5 : 4))
		return false;
	return after ? bytes_are(r->obj[5], 8, 300) : !r->obj[5];
}

/* --- transactions --- */

static int several(void)
{
	struct root *r = root_a();
	void *p;

	TX_START {
		TX_SET(r->cell[0], 50);
		p = pm_alloc(700);
		if (!p)
			TX_ABORT(0);
		memset(p, 5, 700);
		TX_SET(r->obj[5], p);
		pm_free(r->obj[0]);
		TX_SET(r->obj[0], NULL);
		TX_ADD(&r->cell[8]);
		r->cell[8] = 50;
	} TX_END
	errno = pm_tx_errno();
	return errno ? -1 : 0;
}

static bool done_several(bool after)
{
	struct root *r = root_a();

	if (!after)
		return a_is_as_made();
	return objects_in(PM_PRIMARY) == 4 && r->cell[0] == 50 &&
	       r->cell[8] == 50 && !r->obj[0] &&
	       bytes_are(r->obj[5], 5, 700) && bytes_are(r->obj[1], 2, 3000);
}

/* More operations than the first arrays hold. */
static int many(void)
{
	struct root *r = root_a();
	unsigned i;

	TX_START {
		for (i = 0; i < 60; i++)
			TX_SET(r->cell[i], 50 + i);
		for (i = 0; i < 40; i++)
			if (!pm_alloc(32))
				TX_ABORT(0);
		TX_ADD_RANGE(r->obj[2], 20 * KIB);
		memset(r->obj[2], 9, 20 * KIB);
	} TX_END
	errno = pm_tx_errno();
	return errno ? -1 : 0;
}

static bool done_many(bool after)
{
	struct root *r = root_a();

	if (!after)
		return a_is_as_made();
	return objects_in(PM_PRIMARY) == 44 && r->cell[59] == 109 &&
	       bytes_are(r->obj[2], 9, 20 * KIB) &&
	       bytes_are(r->obj[2] + 20 * KIB, 3, 20 * KIB);
}

static int nested(void)
{
	struct root *r = root_a();
	int inner;

	TX_START {
		TX_SET(r->cell[0], 50);
		TX_START {
			TX_SET(r->cell[1], 50);
			if (!pm_alloc(64))
				TX_ABORT(0);
			TX_START {
				TX_SET(r->cell[2], 50);
			} TX_END
			TX_ABORT(EDOM);
		} TX_ONABORT {
			inner = errno;
			if (inner != EDOM)
				TX_ABORT(inner);
		} TX_END
		TX_SET(r->cell[3], 50);
	} TX_END
	errno = pm_tx_errno();
	return errno ? -1 : 0;
}

static bool done_nested(bool after)
{
	struct root *r = root_a();

	if (!after)
		return a_is_as_made();
	return objects_in(PM_PRIMARY) == 4 && r->cell[0] == 50 &&
	       r->cell[1] == 2 && r->cell[2] == 3 && r->cell[3] == 50;
}

/* It is rolled back, whatever fails. */
static int aborted(void)
{
	struct root *r = root_a();
	int err;

	TX_START {
		TX_SET(r->cell[0], 50);
		if (!pm_alloc(5000))
			TX_ABORT(errno);
		pm_free(r->obj[0]);
		TX_ADD_RANGE(r->obj[1], 3000);
		memset(r->obj[1], 50, 3000);
		TX_ABORT(EDOM);
	} TX_END
	err = pm_tx_errno();
	if (err == EDOM)
		return 0;
	errno = err;
	return -1;
}

static bool unchanged(bool after)
{
	(void)after;
	return a_is_as_made();
}

static void note(void *arg)
{
	(*(unsigned *)arg)++;
}

static int callbacks(void)
{
	struct root *r = root_a();
	unsigned calls = 0, i;

	TX_START {
		for (i = 0; i < 40; i++)
			if (pm_tx_on_commit(note, &calls) ||
			    pm_tx_on_abort(note, &calls))
				TX_ABORT(errno);
		TX_SET(r->cell[0], 77);
	} TX_END
	errno = pm_tx_errno();
	if (!errno && calls != 40)
		die("%u calls after the commit", calls);
	return errno ? -1 : 0;
}

static int over_two(void)
{
	struct root *a = root_a(), *b = root_b();

	TX_START {
		TX_SET(a->cell[0], 60);
		TX_SET(b->cell[0], 60);
		TX_SET(a->obj[6], (unsigned char *)b);
		if (!pm_alloc_in(second, 64))
			TX_ABORT(errno);
	} TX_END
	errno = pm_tx_errno();
	return errno ? -1 : 0;
}

static bool done_two(bool after)
{
	struct root *a = root_a(), *b = root_b();

	if (!after)
		return a_is_as_made() && b_is_as_made();
	return a->cell[0] == 60 && b->cell[0] == 60 &&
	       a->obj[6] == (unsigned char *)b && objects_in(second) == 5;
}

/* --- locks --- */

static int lock_all(void)
{
	pm_mutex *m = (pm_mutex *)&root_a()->cell[40];
	pm_rwlock *l = (pm_rwlock *)&root_a()->cell[41];
	int r = pm_mutex_lock(m);

	if (r == 0)
		r = pm_mutex_unlock(m);
	if (r == 0)
		r = pm_rwlock_wrlock(l);
	if (r == 0)
		r = pm_rwlock_unlock(l);
	errno = r;
	return r ? -1 : 0;
}

static int lock_in_tx(void)
{
	struct root *r = root_a();

	TX_START {
		if (TX_LOCK((pm_mutex *)&r->cell[40]) ||
		    TX_WRLOCK((pm_rwlock *)&r->cell[41]))
			TX_ABORT(errno);
		TX_SET(r->cell[0], 77);
	} TX_END
	errno = pm_tx_errno();
	/* Whatever happened, nobody holds them. */
	if (pm_mutex_trylock((pm_mutex *)&r->cell[40]) == 0)
		pm_mutex_unlock((pm_mutex *)&r->cell[40]);
	return errno ? -1 : 0;
}

#define ONE(text, be, op, is, fl)					\
	{ text, be, make_a, open_a, op, is, open_a, fl, 0 }

static const struct scenario table[] = {
	ONE("write", "file", write_one, written_one, 0),
	ONE("write, from a new thread", "file", write_one, written_one,
	    SC_COLD),
	ONE("write, dax", "dax", write_one, written_one, SC_COLD),
	ONE("fill", "file", fill_one, filled_one, SC_COLD),
	ONE("persist", "file", persist_one, persisted_one, SC_COLD),
	ONE("alloc", "file", alloc_one, allocated_one, 0),
	ONE("alloc, from a new thread", "file", alloc_one, allocated_one,
	    SC_COLD),
	ONE("alloc, shm", "shm", alloc_one, allocated_one, SC_COLD),
	ONE("calloc", "file", calloc_one, allocated_one, SC_COLD),
	ONE("memalign", "file", align_one, allocated_one, SC_COLD),
	ONE("strdup", "file", strdup_one, allocated_one, SC_COLD),
	ONE("alloc with a type", "file", typed_one, allocated_one, SC_COLD),
	ONE("free", "file", free_one, freed_one, 0),
	ONE("free, from a new thread", "file", free_one, freed_one, SC_COLD),
	{ "first root", "file", make_empty, open_a, root_first, rooted_first,
	  open_a, SC_COLD, 0 },
	ONE("grow the root", "file", root_grow, rooted_grown, SC_COLD),
	ONE("alloc to a place", "file", alloc_to, allocated_to, SC_COLD),
	ONE("transaction", "file", several, done_several, 0),
	ONE("transaction, from a new thread", "file", several, done_several,
	    SC_COLD),
	ONE("transaction of many operations", "file", many, done_many,
	    SC_COLD),
	ONE("nested transactions", "file", nested, done_nested, SC_COLD),
	ONE("aborted transaction", "file", aborted, unchanged, SC_COLD),
	ONE("calls after the commit", "file", callbacks, written_one, SC_COLD),
	{ "transaction over two regions", "file", make_ab, open_ab, over_two,
	  done_two, open_ab, SC_COLD, 0 },
	{ "transaction over two regions, dax", "dax", make_ab, open_ab,
	  over_two, done_two, open_ab, 0, 0 },
	ONE("locks", "file", lock_all, unchanged, SC_COLD),
	ONE("locks in a transaction", "file", lock_in_tx, written_one,
	    SC_COLD),
};

const struct suite suite_tx = { table, sizeof(table) / sizeof(*table) };
