/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * programs.c: the workloads that are crashed.
 */
#include "explore.h"

#include <string.h>

#define MIB ((size_t)1 << 20)
#define TINY 8192u

const char *medium_path(int medium)
{
	return medium ? "/b" : "/a";
}

PmWrapperConfig workload_config(const struct workload *w, int medium)
{
	PmWrapperConfig c = {
		.path = medium_path(medium),
		.layout = "crash",
		.flags = w->flags, .durability = w->durability,
		.flush_ms = 1000000, .lanes = w->lanes,
		.lane_size = w->lane_size,
	};

	return c;
}

int workload_open(const struct workload *w, struct run *r, bool create)
{
	int i;

	for (i = 0; i <= w->second; i++) {
		PmWrapperConfig c = workload_config(w, i);

		c.size = create ? w->size : 0;
		c.max_size = create ? w->max_size : 0;
		c.flags |= create ? PM_CREATE : 0;
		if (i == 0 && pm_init(c))
			return -1;
		if (i == 1) {
			r->second = pm_init_sec(c);
			if (r->second < 0)
				return -1;
		}
	}
	return 0;
}

void workload_again(struct run *r, const struct workload *w)
{
	if (pm_close() || workload_open(w, r, false))
		run_fail(r, "closing and opening again");
}

static uint64_t some_size(struct run *r)
{
	static const uint64_t size[] = {16, 24, 40, 100, 128, 200, 500, 900,
					1500, 2500, 4000, 6000};

	return size[crash_below(&r->rng, sizeof(size) / sizeof(*size))];
}

static void op(struct run *r, enum op_what what, unsigned i, uint64_t n)
{
	run_op(r, (struct todo){what, i, n});
}

static void anything(struct run *r, const struct workload *w)
{
	unsigned i;

	for (i = 0; i < w->ops; i++) {
		enum op_what what = (enum op_what)crash_below(&r->rng,
							    OP_FLUSH + 1);
		uint64_t n = some_size(r);

		op(r, what, (unsigned)crash_below(&r->rng, SLOT_N),
		   what == OP_MANY ? n % 37 + 1 : n);
	}
}

/* Like anything, with every operation at most a few lines long. */
static void small_things(struct run *r, const struct workload *w)
{
	static const enum op_what what[] = {OP_SET, OP_SET, OP_SET, OP_PUT,
					    OP_DEL, OP_FILL, OP_NESTED,
					    OP_ABORT, OP_FLOAT, OP_FLUSH};
	unsigned i;

	for (i = 0; i < w->ops; i++)
		op(r, what[crash_below(&r->rng, sizeof(what) / sizeof(*what))],
		   (unsigned)crash_below(&r->rng, 6), 100);
}

/* The same few cells from two lanes, long enough for both rings to wrap. */
static void two_lanes(struct run *r, const struct workload *w)
{
	unsigned i;

	for (i = 0; i < w->ops; i++) {
		if (i % 7 == 6)
			op(r, OP_PUT, i % 3, 700);
		else
			op(r, OP_SET, i % 2, 0);
	}
}

static void spills(struct run *r, const struct workload *w)
{
	unsigned i, k;

	for (i = 0; i < w->ops; i++) {
		op(r, OP_PUT, 0, 20000);
		op(r, OP_REWRITE, 0, 0);
		op(r, OP_MANY, 4, 40);
		op(r, OP_DEL, 0, 0);
		for (k = 0; k < 6; k++)
			op(r, OP_PUT, 45, 3000);
		op(r, OP_MANY, 4, 40);
	}
}

/* In slots whose contents the log still holds. */
static void direct_batches(struct run *r, const struct workload *w)
{
	unsigned i, k;

	for (i = 0; i < w->ops; i++) {
		for (k = 0; k < 20; k++)
			op(r, OP_PUT, 20 + k, 3400 + 16 * k);
		op(r, OP_BATCH, 20, 0);
		op(r, OP_BATCH, 20, 0);
		op(r, OP_SET, 3, 0);
		op(r, OP_BATCH, 20, 0);
	}
}

/* Objects that are written to their place directly, where others were. */
static void direct(struct run *r, const struct workload *w)
{
	unsigned i, k;

	for (i = 0; i < w->ops; i++) {
		for (k = 0; k < 8; k++)
			op(r, OP_PUT, k, 8000 + 100 * k);
		for (k = 0; k < 8; k++)
			op(r, OP_DEL, k, 0);
		op(r, OP_PUT, 10, 70000 + 5000 * i);
		op(r, OP_SET, 3, 0);
		op(r, OP_RESIZE, 10, 130000);
		op(r, OP_DEL, 10, 0);
	}
}

/* Entries of which three fill the ring: each use of a place in it rests on a
 * checkpoint record that has just been written (T3). */
static void laps(struct run *r, const struct workload *w)
{
	unsigned i;

	for (i = 0; i < w->ops; i++)
		op(r, OP_PUT, i % 2, 2300);
}

/* What is written outside of the log lies where objects were whose contents
 * are still in the log, in lanes that are large enough to keep them (T3). */
static void overlays(struct run *r, const struct workload *w)
{
	unsigned i, k;

	for (i = 0; i < w->ops; i++) {
		for (k = 0; k < 2; k++)
			op(r, OP_PUT, k, 36000 + 100 * i);
		for (k = 0; k < 2; k++)
			op(r, OP_DEL, k, 0);
		op(r, OP_PUT, 10, i % 2 ? 50027 : 66000);
		op(r, OP_SET, 3, 0);
		/* Padded to the end of a line, after which nothing comes. */
		if (i % 2)
			op(r, OP_REWRITE, 10, 0);
		op(r, OP_DEL, 10, 0);
	}
}

static void grows(struct run *r, const struct workload *w)
{
	unsigned i;

	for (i = 0; i < w->ops; i++) {
		op(r, OP_PUT, i, 60000);
		op(r, OP_SET, i, 0);
		if (i == w->ops / 2)
			workload_again(r, w);
	}
}

/* Slabs of one class are emptied, released and carved up for another. */
static void reuses(struct run *r, const struct workload *w)
{
	static const uint64_t size[] = {14000, 8000, 15000, 5000};
	unsigned round, i;

	for (round = 0; round < w->ops; round++) {
		for (i = 0; i < 46; i++)
			op(r, OP_PUT, i, size[round % 4]);
		for (i = 0; i < 46; i++)
			if (round % 2 || i % 8)
				op(r, OP_DEL, i, 0);
	}
}

static void in_both(struct run *r, const struct workload *w)
{
	unsigned i;

	for (i = 0; i < w->ops; i++) {
		if (i % 4 == 3)
			small_things(r, &(struct workload){.ops = 2});
		op(r, OP_BOTH, (unsigned)crash_below(&r->rng, CELL_N),
		   1 + crash_below(&r->rng, 6));
		if (i == w->ops / 2)
			workload_again(r, w);
	}
}

/* A sync fails, the first of its transaction or the second. */
static void fails(struct run *r, const struct workload *w)
{
	unsigned i;

	for (i = 0; i < 4; i++)
		op(r, OP_BOTH, i, 3);
	op(r, OP_FAIL, 1, w->ops);
}

static void full(struct run *r, const struct workload *w)
{
	unsigned i;

	for (i = 0; i < 40; i++)
		op(r, OP_PUT, i, 15000);
	for (i = 0; i < w->ops; i++)
		op(r, OP_CROWD, 0, 0);
}

static void roots(struct run *r, const struct workload *w)
{
	unsigned i;

	for (i = 0; i < w->ops; i++) {
		run_root(r, sizeof(struct root) + 700 * i);
		op(r, OP_PUT, i, 100);
		op(r, OP_SET, i, 0);
	}
}

static void reopens(struct run *r, const struct workload *w)
{
	unsigned i;

	for (i = 0; i < w->ops; i++) {
		small_things(r, &(struct workload){.ops = 5});
		workload_again(r, w);
	}
}

/* Little happens in a pool with some hundred objects. */
static void hundreds(struct run *r, const struct workload *w)
{
	unsigned i;

	for (i = 0; i < 300; i++)
		if (!pm_alloc(20 + i))
			run_fail(r, "pm_alloc");
	r->now.objects += 300;
	run_start(r);
	r->unmarked = false;
	run_mark(r);
	small_things(r, w);
}

const struct workload workloads[] = {
	{"anything", anything, 60, 2, 16384, MIB, 0, 0, 0, false, false,
	 false, false},
	{"tiny-lane", small_things, 250, 1, TINY, MIB, 0, 0, 0, false, false,
	 false, false},
	{"two-lanes", two_lanes, 200, 2, TINY, MIB, 0, 0, 0, false, true,
	 false, false},
	{"threads", small_things, 120, 3, TINY, MIB, 0, 0, 0, false, true,
	 false, false},
	{"spill", spills, 3, 2, TINY, MIB, 0, 0, 0, false, true, false, false},
	{"direct", direct, 3, 2, TINY, MIB, 0, 0, 0, false, true, false, false},
	{"batch", direct_batches, 2, 2, 98304, MIB, 0, 0, 0, false, true, false,
	 false},
	{"overlay", overlays, 6, 1, 98304, MIB, 0, 0, 0, false, false, false,
	 false},
	{"laps", laps, 10, 1, TINY, MIB, 0, 0, 0, false, false, false, false},
	{"growth", grows, 26, 2, TINY, MIB, 3 * MIB, 0, 0, false, false,
	 false, false},
	{"reuse", reuses, 4, 2, TINY, MIB, 0, 0, 0, false, false, false, false},
	{"manual", small_things, 150, 2, TINY, MIB, 0, PM_FLUSH_MANUAL, 0,
	 false, true, false, false},
	{"relaxed", small_things, 150, 2, TINY, MIB, 0, 0, PM_RELAXED, false,
	 true, false, false},
	{"two-regions", in_both, 30, 2, TINY, MIB, 0, 0, 0, true, false,
	 false, false},
	{"first-sync-fails", fails, 1, 2, TINY, MIB, 0, 0, 0, true, false,
	 false, false},
	{"second-sync-fails", fails, 2, 2, TINY, MIB, 0, 0, 0, true, false,
	 false, false},
	{"full", full, 1, 2, TINY, MIB, 0, 0, 0, false, false, false, false},
	{"anything-relaxed", anything, 50, 2, 16384, MIB, 0, 0, PM_RELAXED,
	 false, true, false, false},
	{"spill-manual", spills, 2, 2, TINY, MIB, 0, PM_FLUSH_MANUAL, 0,
	 false, true, false, false},
	{"direct-relaxed", direct, 2, 2, TINY, MIB, 0, 0, PM_RELAXED, false,
	 true, false, false},
	{"batch-relaxed", direct_batches, 2, 2, 98304, MIB, 0, 0, PM_RELAXED,
	 false, true, false, false},
	{"growth-relaxed", grows, 14, 2, TINY, MIB, 3 * MIB, 0, PM_RELAXED,
	 false, false, false, false},
	{"two-regions-relaxed", in_both, 24, 2, TINY, MIB, 0, 0, PM_RELAXED,
	 true, true, false, false},
	{"two-regions-manual", in_both, 24, 2, TINY, MIB, 0,
	 PM_FLUSH_MANUAL, 0, true, true, false, false},
	{"root", roots, 6, 2, TINY, MIB, 0, 0, 0, false, false, true, false},
	{"program", anything, 300, 2, 16384, MIB, 2 * MIB, 0, 0, false, false,
	 false, false},
	{"program-relaxed", anything, 300, 2, 16384, MIB, 2 * MIB, 0,
	 PM_RELAXED, false, true, false, false},
	{"hundreds", hundreds, 100, 2, TINY, MIB, 0, 0, 0, false, false, false,
	 true},
	{"reopen", reopens, 5, 2, TINY, MIB, 0, 0, 0, false, false, false, false},
};

const size_t workload_n = sizeof(workloads) / sizeof(*workloads);

const struct workload *workload_find(const char *name)
{
	size_t n = strcspn(name, ":"), i;

	for (i = 0; i < workload_n; i++)
		if (!strcmp(workloads[i].name, name))
			return &workloads[i];
	for (i = 0; name[n] && i < family_n; i++)
		if (strlen(families[i].name) == n &&
		    !memcmp(families[i].name, name, n))
			return families[i].find(&families[i], name + n + 1);
	return NULL;
}
