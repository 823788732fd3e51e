/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ops.c: the operations of the workloads, on the pool and on the model.
 */
#include "ops.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

void set_slot(struct run *r, unsigned i, uint64_t size, uint64_t tag)
{
	if (!r->now.slot[i].size && size)
		r->now.objects++;
	if (r->now.slot[i].size && !size)
		r->now.objects--;
	r->now.slot[i].size = size;
	r->now.slot[i].tag = size ? tag : 0;
}

struct want {
	uint64_t size, tag;
};

static int init_obj(void *obj, void *arg)
{
	const struct want *want = arg;

	obj_fill(obj, want->size, want->tag);
	return 0;
}

/* A new object takes the slot; the one that was there is freed. */
void op_put(struct run *r, unsigned i, uint64_t size)
{
	struct root *root = root_of();
	struct want want = {size, ++r->next_tag};
	bool fresh = !root->slot[i];

	run_begin(r);
	if (fresh) {
		if (pm_alloc_to(&root->slot[i], size, init_obj, &want))
			run_fail(r, "pm_alloc_to");
	} else {
		TX_START {
			struct obj *o = pm_alloc(size);

			if (o)
				obj_fill(o, size, want.tag);
			pm_free(root->slot[i]);
			TX_SET(root->slot[i], o);
		} TX_ONABORT {
			run_fail(r, "replace");
		} TX_END
	}
	set_slot(r, i, size, want.tag);
	run_end(r, r->tx_late);
}

static void del(struct run *r, unsigned i)
{
	struct root *root = root_of();

	run_begin(r);
	TX_START {
		pm_free(root->slot[i]);
		TX_SET(root->slot[i], NULL);
	} TX_ONABORT {
		run_fail(r, "free");
	} TX_END
	set_slot(r, i, 0, 0);
	run_end(r, r->tx_late);
}

static void resize(struct run *r, unsigned i, uint64_t size)
{
	struct root *root = root_of();
	uint64_t tag = ++r->next_tag;

	run_begin(r);
	TX_START {
		struct obj *o = pm_realloc(root->slot[i], size);

		if (o && pm_tx_add(o, size) == 0)
			obj_fill(o, size, tag);
		TX_SET(root->slot[i], o);
	} TX_ONABORT {
		run_fail(r, "resize");
	} TX_END
	set_slot(r, i, size, tag);
	run_end(r, r->tx_late);
}

static void rewrite(struct run *r, unsigned i)
{
	struct obj *o = root_of()->slot[i];
	uint64_t tag = ++r->next_tag, size = o->size;

	run_begin(r);
	TX_START {
		if (pm_tx_add(o, size) == 0)
			obj_fill(o, size, tag);
	} TX_ONABORT {
		run_fail(r, "rewrite");
	} TX_END
	r->now.slot[i].tag = tag;
	run_end(r, r->tx_late);
}

static void set_cell(struct run *r, unsigned i)
{
	uint64_t value = ++r->next_tag;

	run_begin(r);
	if (!PM_SET(root_of()->cell[i], value))
		run_fail(r, "pm_write");
	r->now.cell[i] = value;
	run_end(r, r->single_late);
}

/* The program stores by itself and publishes then. */
static void persist_cell(struct run *r, unsigned i)
{
	uint64_t value = ++r->next_tag, *cell = &root_of()->cell[i];

	run_begin(r);
	*cell = value;
	if (pm_persist(cell, sizeof(*cell)))
		run_fail(r, "pm_persist");
	r->now.cell[i] = value;
	run_end(r, r->single_late);
}

static void fill_cells(struct run *r, unsigned i, uint64_t n)
{
	int c = (int)(++r->next_tag & 0xff);

	run_begin(r);
	if (!pm_fill(&root_of()->cell[i], c, n * 8))
		run_fail(r, "pm_fill");
	memset(&r->now.cell[i], c, n * 8);
	run_end(r, r->single_late);
}

static void abort_all(unsigned i)
{
	struct root *root = root_of();

	TX_START {
		struct obj *o = pm_alloc(200);

		TX_SET(root->cell[i % CELL_N], 1);
		pm_free(root->slot[i]);
		TX_SET(root->slot[i], o);
		TX_ABORT(ECANCELED);
	} TX_END
}

/* The block is left in its middle. */
static void leave(unsigned i)
{
	struct root *root = root_of();

	TX_START {
		TX_SET(root->cell[i % CELL_N], 3);
		pm_free(pm_alloc(300));
		TX_SET(root->slot[i], pm_alloc(60));
		break;
	} TX_END
}

static void nested(struct run *r, unsigned i)
{
	struct root *root = root_of();
	uint64_t value = ++r->next_tag;

	run_begin(r);
	TX_START {
		TX_SET(root->cell[i % CELL_N], value);
		TX_START {
			TX_SET(root->cell[(i + 1) % CELL_N], value);
			TX_SET(root->cell[i % CELL_N], 7);
			pm_free(root->slot[i]);
			TX_SET(root->slot[i], pm_alloc(48));
			TX_ABORT(ECANCELED);
		} TX_END
	} TX_ONABORT {
		run_fail(r, "outer");
	} TX_END
	r->now.cell[i % CELL_N] = value;
	run_end(r, r->tx_late);
}

static void slot_op(struct run *r, struct todo t)
{
	if (t.what == OP_PUT)
		op_put(r, t.i, t.n < OBJ_MIN ? OBJ_MIN : t.n);
	else if (!r->now.slot[t.i].size)
		op_put(r, t.i, 96);
	else if (t.what == OP_DEL)
		del(r, t.i);
	else if (t.what == OP_RESIZE)
		resize(r, t.i, t.n < OBJ_MIN ? OBJ_MIN : t.n);
	else
		rewrite(r, t.i);
}

void do_op(struct run *r, struct todo t)
{
	if (r->error[0])
		return;
	switch (t.what) {
	case OP_PUT:
	case OP_DEL:
	case OP_RESIZE:
	case OP_REWRITE:
		slot_op(r, t);
		break;
	case OP_SET:
		set_cell(r, t.i % CELL_N);
		break;
	case OP_FILL:
		fill_cells(r, t.i % (CELL_N - 8), t.n % 8 + 1);
		break;
	case OP_ABORT:
		abort_all(t.i);
		break;
	case OP_NESTED:
		nested(r, t.i);
		break;
	case OP_MANY:
		op_many(r, t.i, t.n);
		break;
	case OP_BATCH:
		op_batch(r, t.i);
		break;
	case OP_FLOAT:
		op_floating(r, t.n);
		break;
	case OP_FLUSH:
		op_flush_now(r);
		break;
	case OP_BOTH:
		op_both(r, t.i, t.n);
		break;
	case OP_CROWD:
		op_crowd(r);
		break;
	case OP_FAIL:
		op_fail(r, t.i, (unsigned)t.n);
		break;
	case OP_PERSIST:
		persist_cell(r, t.i % CELL_N);
		break;
	case OP_ROOT:
		run_root(r, r->root_size + t.n);
		break;
	case OP_PIN:
		op_pin(r, t.i % CELL_N);
		break;
	case OP_LEAVE:
		leave(t.i);
		break;
	}
}

struct call {
	struct run *r;
	struct todo t;
};

static void *in_thread(void *arg)
{
	struct call *c = arg;

	do_op(c->r, c->t);
	return NULL;
}

/* A new thread takes another lane; it runs alone, so a run is repeatable. */
void run_op(struct run *r, struct todo t)
{
	struct call c = {r, t};
	pthread_t id;

	t.i %= SLOT_N;
	c.t = t;
	if (!r->thread) {
		do_op(r, t);
		return;
	}
	if (pthread_create(&id, NULL, in_thread, &c))
		abort();
	pthread_join(id, NULL);
}
