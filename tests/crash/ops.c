/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ops.c: the operations of the workloads, on the pool and on the model.
 */
#include "model.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIG 6000u
#define CROWD 400u

void run_fail(struct run *r, const char *what)
{
	if (!r->error[0])
		snprintf(r->error, sizeof(r->error), "%s: %s (%s)", what,
			 pm_errormsg(), strerror(errno));
}

void run_version(struct run *r)
{
	if (r->n == r->cap) {
		r->cap = r->cap ? 2 * r->cap : 64;
		r->version = realloc(r->version,
				     r->cap * sizeof(*r->version));
		if (!r->version)
			abort();
	}
	r->version[r->n++] = r->now;
}

void run_free(struct run *r)
{
	free(r->version);
	r->version = NULL;
}

static void begin(struct run *r)
{
	sim_mark(r->durable, r->n);
}

static void end(struct run *r, bool late)
{
	uint64_t v;

	run_version(r);
	v = r->n - 1;
	if (!late)
		r->durable = v;
	sim_mark(r->durable, v);
}

void run_start(struct run *r)
{
	run_version(r);
	r->durable = 0;
	sim_mark(0, 0);
}

void run_root(struct run *r, size_t size)
{
	begin(r);
	if (!pm_root(size))
		run_fail(r, "pm_root");
	if (!r->now.has_root)
		r->now.objects++;
	r->now.has_root = true;
	end(r, r->single_late);
}

static struct root *root_of(void)
{
	return pm_root(0);
}

static void set_slot(struct run *r, unsigned i, uint64_t size, uint64_t tag)
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
static void put(struct run *r, unsigned i, uint64_t size)
{
	struct root *root = root_of();
	struct want want = {size, ++r->next_tag};
	bool fresh = !root->slot[i];

	begin(r);
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
	end(r, r->tx_late);
}

static void del(struct run *r, unsigned i)
{
	struct root *root = root_of();

	begin(r);
	TX_START {
		pm_free(root->slot[i]);
		TX_SET(root->slot[i], NULL);
	} TX_ONABORT {
		run_fail(r, "free");
	} TX_END
	set_slot(r, i, 0, 0);
	end(r, r->tx_late);
}

static void resize(struct run *r, unsigned i, uint64_t size)
{
	struct root *root = root_of();
	uint64_t tag = ++r->next_tag;

	begin(r);
	TX_START {
		struct obj *o = pm_realloc(root->slot[i], size);

		if (o && pm_tx_add(o, size) == 0)
			obj_fill(o, size, tag);
		TX_SET(root->slot[i], o);
	} TX_ONABORT {
		run_fail(r, "resize");
	} TX_END
	set_slot(r, i, size, tag);
	end(r, r->tx_late);
}

static void rewrite(struct run *r, unsigned i)
{
	struct obj *o = root_of()->slot[i];
	uint64_t tag = ++r->next_tag, size = o->size;

	begin(r);
	TX_START {
		if (pm_tx_add(o, size) == 0)
			obj_fill(o, size, tag);
	} TX_ONABORT {
		run_fail(r, "rewrite");
	} TX_END
	r->now.slot[i].tag = tag;
	end(r, r->tx_late);
}

static void set_cell(struct run *r, unsigned i)
{
	uint64_t value = ++r->next_tag;

	begin(r);
	if (!PM_SET(root_of()->cell[i], value))
		run_fail(r, "pm_write");
	r->now.cell[i] = value;
	end(r, r->single_late);
}

static void fill_cells(struct run *r, unsigned i, uint64_t n)
{
	int c = (int)(++r->next_tag & 0xff);

	begin(r);
	if (!pm_fill(&root_of()->cell[i], c, n * 8))
		run_fail(r, "pm_fill");
	memset(&r->now.cell[i], c, n * 8);
	end(r, r->single_late);
}

/* Changes n cells and n slots at once, all or nothing. */
static void many(struct run *r, unsigned i, uint64_t n)
{
	struct root *root = root_of();
	uint64_t k;

	begin(r);
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
			o = pm_alloc(64 + 16 * k);
			if (o)
				obj_fill(o, 64 + 16 * k, tag);
			TX_SET(root->slot[at], o);
			set_slot(r, at, 64 + 16 * k, tag);
		}
	} TX_ONABORT {
		run_fail(r, "many");
	} TX_END
	end(r, r->tx_late);
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

static void nested(struct run *r, unsigned i)
{
	struct root *root = root_of();
	uint64_t value = ++r->next_tag;

	begin(r);
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
	end(r, r->tx_late);
}

/* Objects that nothing points to: each call is durable by itself. */
static void floating(struct run *r, uint64_t size)
{
	void *p;

	begin(r);
	p = pm_alloc(size);
	if (!p)
		run_fail(r, "pm_alloc");
	r->now.objects++;
	end(r, r->single_late);
	begin(r);
	pm_free(p);
	r->now.objects--;
	end(r, r->single_late);
}

static void flush_now(struct run *r)
{
	uint64_t v = r->n - 1;

	if (pm_flush())
		run_fail(r, "pm_flush");
	r->durable = v;
	sim_mark(v, v);
}

/* One transaction over both regions. */
static void both(struct run *r, unsigned i, uint64_t n)
{
	struct root *root = root_of();
	struct root_b *b = pm_root_in(r->second, 0);
	uint64_t k, value = ++r->next_tag;

	if (n > 5 && r->now.slot[40].size != BIG)
		put(r, 40, BIG);
	begin(r);
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
	end(r, r->tx_late);
}

/* The nth sync of a transaction over both regions fails. What had failed must
 * not be there once that is reported (T7). */
static void fail(struct run *r, unsigned i, unsigned nth)
{
	struct root *root = root_of();
	struct root_b *b = pm_root_in(r->second, 0);
	struct model before = r->now;
	uint64_t value = ++r->next_tag;

	begin(r);
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
	end(r, r->tx_late);
}

/* One transaction frees very many objects, when no extent is free. */
static void free_crowd(struct run *r, void **crowd)
{
	unsigned i;

	begin(r);
	TX_START {
		for (i = 0; i < CROWD; i++)
			pm_free(crowd[i]);
	} TX_ONABORT {
		run_fail(r, "freeing in a full pool");
	} TX_END
	r->now.objects -= CROWD;
	end(r, r->tx_late);
}

static void crowd(struct run *r)
{
	void *crowd[CROWD], *p = NULL;
	unsigned i;

	for (i = 0; i < CROWD; i++) {
		if (i % 100 == 0) {
			begin(r);
			(void)pm_tx_begin();
		}
		crowd[i] = pm_alloc(32 + i % 5 * 100);
		r->now.objects++;
		if (i % 100 == 99) {
			if (pm_tx_commit())
				run_fail(r, "crowd");
			end(r, r->tx_late);
		}
	}
	do {
		begin(r);
		p = pm_alloc_type(PM_PRIMARY, 4096, FILLER);
		r->now.objects += p != NULL;
		end(r, r->single_late);
	} while (p);
	free_crowd(r, crowd);
	while ((p = pm_first(PM_PRIMARY, FILLER))) {
		begin(r);
		pm_free(p);
		r->now.objects--;
		end(r, r->single_late);
	}
}

static void slot_op(struct run *r, struct todo t)
{
	if (t.what == OP_PUT)
		put(r, t.i, t.n < OBJ_MIN ? OBJ_MIN : t.n);
	else if (!r->now.slot[t.i].size)
		put(r, t.i, 96);
	else if (t.what == OP_DEL)
		del(r, t.i);
	else if (t.what == OP_RESIZE)
		resize(r, t.i, t.n < OBJ_MIN ? OBJ_MIN : t.n);
	else
		rewrite(r, t.i);
}

static void do_op(struct run *r, struct todo t)
{
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
		many(r, t.i, t.n);
		break;
	case OP_FLOAT:
		floating(r, t.n);
		break;
	case OP_FLUSH:
		flush_now(r);
		break;
	case OP_BOTH:
		both(r, t.i, t.n);
		break;
	case OP_CROWD:
		crowd(r);
		break;
	case OP_FAIL:
		fail(r, t.i, (unsigned)t.n);
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
