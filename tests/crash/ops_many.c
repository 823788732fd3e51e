/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ops_many.c: operations on many objects, on both regions, and on objects that
 * nothing points to.
 */
#include "ops.h"

#include <string.h>

#define BIG 6000u
#define CROWD 400u

/* Changes n cells and n slots at once, all or nothing; objects of least bytes
 * and more. */
static void change_many(struct run *r, unsigned i, uint64_t n, uint64_t least)
{
	struct root *root = root_of();
	uint64_t k;

	run_begin(r);
	TX_START {
		for (k = 0; k < n; k++) {
			unsigned at = (i + (unsigned)k) % SLOT_N;
			uint64_t tag = ++r->next_tag;
			struct obj *o;

			TX_SET(root->cell[at % CELL_N], tag);
			r->now.cell[at % CELL_N] = tag;
			if (root->slot[at]) {
				pm_free(root->slot[at]);
				TX_SET(root->slot[at], NULL);
				set_slot(r, at, 0, 0);
				continue;
			}
			o = pm_alloc(least + 16 * k);
			if (o)
				obj_fill(o, least + 16 * k, tag);
			TX_SET(root->slot[at], o);
			set_slot(r, at, least + 16 * k, tag);
		}
	} TX_ONABORT {
		run_fail(r, "many");
	} TX_END
	run_end(r, r->tx_late);
}

void op_many(struct run *r, unsigned i, uint64_t n)
{
	change_many(r, i, n, 64);
}

/* Twenty that are written to their place directly, as together they are long. */
void op_batch(struct run *r, unsigned i)
{
	change_many(r, i, 20, 3400);
}

static void *alloc_somehow(uint64_t size)
{
	static const char text[] = "a string that is long enough to be told";

	switch (size % 5) {
	case 0:
		return pm_alloc(size);
	case 1:
		return pm_calloc(2, size / 2 + 1);
	case 2:
		return pm_memalign(256, size);
	case 3:
		return pm_alloc_type(PM_PRIMARY, size, 9 | PM_ZERO);
	default:
		return pm_strdup(text);
	}
}

/* Objects that nothing points to: each call is durable by itself. */
void op_floating(struct run *r, uint64_t size)
{
	void *p;

	run_begin(r);
	p = alloc_somehow(size);
	if (!p)
		run_fail(r, "pm_alloc");
	r->now.objects++;
	run_end(r, r->single_late);
	run_begin(r);
	pm_free(p);
	r->now.objects--;
	run_end(r, r->single_late);
}

void op_flush_now(struct run *r)
{
	uint64_t v = r->n - 1;

	if (pm_flush())
		run_fail(r, "pm_flush");
	r->durable = v;
	if (!r->unmarked)
		sim_mark(v, v, r->aside);
}

/* One transaction over both regions. */
void op_both(struct run *r, unsigned i, uint64_t n)
{
	struct root *root = root_of();
	struct root_b *b = pm_root_in(r->second, 0);
	uint64_t k, value = ++r->next_tag;

	if (n > 5 && r->now.slot[40].size != BIG)
		op_put(r, 40, BIG);
	run_begin(r);
	TX_START {
		for (k = 0; k < n; k++) {
			TX_SET(root->cell[(i + k) % CELL_N], value + k);
			TX_SET(b->cell[(i + k) % CELL_N], value - k);
			r->now.cell[(i + k) % CELL_N] = value + k;
			r->now.cell_b[(i + k) % CELL_N] = value - k;
		}
		/* Larger than a lane takes: its entry is spilled. */
		if (n > 5 && pm_tx_add(root->slot[40], BIG) == 0)
			obj_fill(root->slot[40], BIG, value);
	} TX_ONABORT {
		run_fail(r, "both");
	} TX_END
	if (n > 5)
		r->now.slot[40].tag = value;
	run_end(r, r->tx_late);
}

/* A word that is a pointer into the second region goes into the id map. */
void op_pin(struct run *r, unsigned i)
{
	uint64_t word = (uintptr_t)pm_root_in(r->second, 0);

	run_begin(r);
	if (!PM_SET(root_of()->cell[i], word))
		run_fail(r, "pm_write");
	r->now.cell[i] = word;
	run_end(r, r->single_late);
}

/* The nth sync of a transaction over both regions fails. What had failed must
 * not be there once that is reported (T7). */
void op_fail(struct run *r, unsigned i, unsigned nth)
{
	struct root *root = root_of();
	struct root_b *b = pm_root_in(r->second, 0);
	struct model before = r->now;
	uint64_t value = ++r->next_tag;

	run_begin(r);
	sim_fail_fence(nth);
	TX_START {
		TX_SET(root->cell[i % CELL_N], value);
		TX_SET(b->cell[i % CELL_N], value);
	} TX_ONABORT {
		r->broken = true;
	} TX_END
	sim_fail_fence(0);
	r->now.cell[i % CELL_N] = value;
	r->now.cell_b[i % CELL_N] = value;
	if (r->broken) {
		/* Until it is reported the crash may also leave it done. */
		run_version(r);
		r->now = before;
	}
	run_end(r, r->tx_late);
}

/* One transaction frees very many objects, when no extent is free. */
static void free_crowd(struct run *r, void **crowd)
{
	unsigned i;

	run_begin(r);
	TX_START {
		for (i = 0; i < CROWD; i++)
			pm_free(crowd[i]);
	} TX_ONABORT {
		run_fail(r, "freeing in a full pool");
	} TX_END
	r->now.objects -= CROWD;
	run_end(r, r->tx_late);
}

void op_crowd(struct run *r)
{
	void *crowd[CROWD], *p = NULL;
	unsigned i;

	for (i = 0; i < CROWD; i++) {
		if (i % 100 == 0) {
			run_begin(r);
			if (pm_tx_begin())
				run_fail(r, "begin");
		}
		crowd[i] = pm_alloc(32 + i % 5 * 100);
		r->now.objects++;
		if (i % 100 == 99) {
			if (pm_tx_commit())
				run_fail(r, "crowd");
			run_end(r, r->tx_late);
		}
	}
	do {
		run_begin(r);
		p = pm_alloc_type(PM_PRIMARY, 4096, FILLER);
		r->now.objects += p != NULL;
		run_end(r, r->single_late);
	} while (p);
	free_crowd(r, crowd);
	while ((p = pm_first(PM_PRIMARY, FILLER))) {
		run_begin(r);
		pm_free(p);
		r->now.objects--;
		run_end(r, r->single_late);
	}
}
