/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rollback.c: undoing operations, and ending a thread's transaction.
 */
#include "tx/internal.h"

#include <stdlib.h>
#include <string.h>

static void undo_alloc(struct ctx *c, const struct op *op)
{
	struct region *r = c->part[op->part]->r;
	uint64_t mask = op->mask;

	for (; mask; mask &= mask - 1) {
		struct slot s = slot_sibling(&op->u.slot,
					     (unsigned)__builtin_ctzll(mask));

		if (debug_memory() && !(mask & -mask & op->dead))
			memory_free(r, &s);
		alloc_cancel(r, &s);
	}
	/* Without it the outer level's objects are no longer known as fresh,
	 * and are logged twice. */
	if (op->undo)
		(void)map_put(&c->fresh, word_key(r, &op->u.slot),
			      (uint32_t)op->undo - 1);
	c->alloc_n--;
}

static void undo_op(struct ctx *c, struct op *op)
{
	struct region *r = c->part[op->part]->r;

	switch (op->kind) {
	case OP_RANGE:
		work_copy(r->work + op->off, c->undo + op->undo, op->len);
		break;
	case OP_ALLOC:
		undo_alloc(c, op);
		break;
	case OP_META:
		c->meta_n--;
		break;
	case OP_FREE:
		if (op->alloc_op)
			c->op[op->alloc_op - 1].dead &=
				~(1ull << op->u.slot.idx % 64);
		if (debug_memory())
			memory_alloc(r, op->u.slot.off, op->u.slot.usable);
		alloc_relive(&op->u.slot);
		break;
	}
}

void ctx_rollback(struct ctx *c, uint32_t to_op, uint64_t undo)
{
	/* A child's copy is its own affair, if it has one at all. */
	c->noted = (uint32_t)min_u64(c->noted, to_op);
	if (table_in_child()) {
		c->op_n = to_op;
		c->undo_n = undo;
		return;
	}
	while (c->op_n > to_op) {
		undo_op(c, &c->op[c->op_n - 1]);
		c->op_n--;
	}
	c->undo_n = undo;
}

/* What was committed last. Holes are not read: a file system that is full may
 * have no page to show for them. */
static void restore(struct region *r, uint64_t off, uint64_t n)
{
	uint64_t end = off + n, lo, hi;

	for (; off < end; off = hi) {
		med_data(&r->md, off, end, &lo, &hi);
		if (debug_memory())
			memory_copy(r->work + off, NULL, lo - off);
		else
			memset(r->work + off, 0, lo - off);
		if (lo == end)
			break;
		work_copy(r->work + lo, r->home + lo, hi - lo);
	}
}

/*
 * There was no memory for the old bytes; home has them still, once it has all
 * that was committed. All levels are doomed, so it is the oldest state that is
 * wanted (level.c).
 */
static void restore_unsaved(struct ctx *c)
{
	uint32_t i;

	for (i = 0; i < c->unsaved_n && !table_in_child(); i++) {
		struct unsaved *u = &c->unsaved[i];
		struct region *r = table_of(u->p);

		if (r && log_flush_all(r) == 0)
			restore(r, region_off(r, u->p), u->n);
	}
	c->unsaved_n = 0;
}

/* Makes the context fit for the next transaction. */
static void reset(struct ctx *c)
{
	AO_t i;

	for (i = 0; i < c->part_n; i++) {
		struct part *p = c->part[i];

		if (p->has_pins)
			memset(p->pins, 0, sizeof(p->pins));
		p->has_pins = false;
	}
	AO_store_release(&c->part_n, 0);
	c->op_n = 0;
	c->noted = 0;
	c->lines = 0;
	c->undo_n = 0;
	c->level_n = 0;
	c->single = false;
	c->failed = false;
	if (c->ranges.n)
		map_clear(&c->ranges);
	if (c->fresh.n)
		map_clear(&c->fresh);
	c->alloc_n = 0;
	c->dead_op = 0;
	c->any_dead = false;
	c->meta_n = 0;
}

static void run_calls(struct ctx *c, int result)
{
	uint32_t n = result ? c->abort_n : c->commit_n, i;
	struct call few[8], *calls = few;

	/* The calls may start transactions of their own. */
	if (n > 8) {
		calls = result ? c->abort_call : c->commit_call;
		if (result) {
			c->abort_call = NULL;
			c->abort_cap = 0;
		} else {
			c->commit_call = NULL;
			c->commit_cap = 0;
		}
	} else {
		if (n)
			memcpy(few, result ? c->abort_call : c->commit_call,
			       n * sizeof(*few));
	}
	c->commit_n = c->abort_n = 0;
	for (i = 0; i < n; i++) {
		struct call *k = &calls[result ? n - 1 - i : i];

		k->f(k->arg);
	}
	if (calls != few)
		free(calls);
}

void ctx_end(struct ctx *c, int result)
{
	if (UNLIKELY(result && c->part_n)) {
		AO_t i;

		for (i = 0; i < c->part_n; i++)
			if (c->part[i]->r->log)
				AO_fetch_and_add1(&c->part[i]->r->log->aborts);
	}
	if (UNLIKELY(c->unsaved_n))
		restore_unsaved(c);
	if (!c->single)
		tx_last = result;
	if (debug_unlogged())
		debug_end(&c->debug, !c->single);
	reset(c);
	if (UNLIKELY(c->held_n))
		locks_release(c);
	AO_store_release(&c->depth, 0);
	if (UNLIKELY(c->commit_n || c->abort_n))
		run_calls(c, result);
}
