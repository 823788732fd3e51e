/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * worker.c: one of the processes that try states. All walk through the same
 * states in the same order and each takes its share, by the contents, so that
 * equal states meet the same worker: how many there are changes nothing but
 * the time.
 */
#include "crash/explore.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

struct worker {
	const struct explore *e;
	struct worker_shared *shared;
	unsigned id;
	uint64_t index, first;
	int out;
	struct judge judge;
	struct journal images;
	struct world world;
	struct states states;
	uint64_t rng;
};

static int64_t now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + 1;
}

/* False: this very state was tried before. */
static bool is_new(struct worker_shared *s, uint64_t hash)
{
	uint64_t i = hash * 0x9e3779b97f4a7c15ull >> 8, tries;

	hash = hash ? hash : 1;
	for (tries = 0; tries < s->slot_n; tries++, i++) {
		uint64_t *slot = &s->slot[i & (s->slot_n - 1)], was = 0;

		if (__atomic_compare_exchange_n(slot, &was, hash, false,
						__ATOMIC_RELAXED,
						__ATOMIC_RELAXED))
			return true;
		if (was == hash)
			return false;
	}
	return true;
}

/* Of the state that the images are in. */
static uint64_t state_hash(const struct worker *w)
{
	uint64_t there = 0;

	for (unsigned i = 0; i < w->e->run->pool_n; i++)
		there |= (uint64_t)run_has(w->e->run, i, w->world.at) << i;
	return w->images.hash.all + there * 0xd6e8feb86659fd93ull;
}

static void report(struct worker *w, const struct state *at,
		   const struct verdict *v)
{
	struct worker_message m;

	memset(&m, 0, sizeof(m));
	m.at = *at;
	m.verdict = *v;
	if (v->kind == V_HANG || v->kind == V_BROKEN)
		__atomic_fetch_add(&w->shared->hangs, v->kind == V_HANG ? 1 :
				   HANGS_MAX, __ATOMIC_RELAXED);
	__atomic_fetch_add(&w->shared->failed, 1, __ATOMIC_RELAXED);
	if (write(w->out, &m, sizeof(m)) != sizeof(m))
		_exit(EXIT_FAILURE);
}

static void judge_here(struct worker *w, const struct state *at)
{
	struct verdict v = {.kind = V_BROKEN};

	__atomic_fetch_add(&w->shared->distinct, 1, __ATOMIC_RELAXED);
	w->shared->worker[w->id].at = *at;
	w->shared->worker[w->id].index = w->index;
	w->shared->worker[w->id].since = now_s();
	if (pools_write(&w->judge, &w->images, w->world.at)) {
		v.code = errno;
		snprintf(v.text, sizeof(v.text), "writing the pool: %s",
			 strerror(errno));
	} else {
		judge_pools(&w->judge, w->world.at, &v);
	}
	w->shared->worker[w->id].since = 0;
	if (v.kind != V_GOOD)
		report(w, at, &v);
}

static void try(void *arg, const struct state *at)
{
	struct worker *w = arg;
	struct journal_mark mark = journal_mark(&w->images);
	uint64_t hash;

	w->index++;
	if (w->shared->hangs >= HANGS_MAX)
		return;
	w->images.on = true;
	state_enter(&w->world, at);
	hash = state_hash(w);
	if (hash % w->e->jobs == w->id && w->index >= w->first) {
		__atomic_fetch_add(&w->shared->tried, 1, __ATOMIC_RELAXED);
		if (is_new(w->shared, hash))
			judge_here(w, at);
	}
	journal_undo(&w->images, &mark);
	w->images.on = false;
}

static void try_one(struct worker *w, enum strategy strategy, uint32_t param)
{
	struct state at = {w->world.at, strategy, param};

	try(w, &at);
}

/* What a crash before event i leaves. */
static void crash_before(struct worker *w, size_t i)
{
	const struct explore *e = w->e;
	uint64_t odds = e->mode == MODE_EADR ? e->budget : e->budget / 16;

	if (i < e->from || i > e->to)
		return;
	if (run_is_point(e->run, i) &&
	    crash_below(&w->rng, e->points * w->states.quota) < e->budget) {
		if (e->mode == MODE_EADR)
			try_one(w, S_ALL, 0);
		else
			states_try(&w->states, &w->world);
	}
	/* In the middle of things, when what was executed survives. */
	if (e->run->trace.n && run_is_open(e->run, i) &&
	    crash_below(&w->rng, e->run->trace.n) < odds)
		try_one(w, S_CUT, (uint32_t)crash_below(&w->rng, 4));
}

static void walk(struct worker *w)
{
	const struct explore *e = w->e;
	const struct trace *t = &e->run->trace;

	for (size_t i = 0; i <= t->n; i++) {
		if (e->only && i == e->only->point)
			try(w, e->only);
		else if (!e->only)
			crash_before(w, i);
		if (i < t->n)
			world_step(&w->world, t, &t->ev[i]);
	}
}

void worker_run(const struct explore *e, struct worker_shared *shared,
		unsigned id, uint64_t first, int out)
{
	struct worker w = {.e = e, .shared = shared, .id = id, .first = first,
			   .out = out, .judge = *e->judge, .rng = e->seed};
	char dir[4096];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(dir, sizeof(dir), "%.4000s/%u-%llu", e->dir, id,
		 (unsigned long long)first);
	if (judge_start(&w.judge, dir))
		_exit(EXIT_FAILURE);
	explore_world(e, &w.world, &w.images);
	w.states = (struct states){.quota = e->budget / e->points,
				   .rng = ~e->seed, .try = try, .arg = &w};
	if (w.states.quota < STATES_MIN)
		w.states.quota = STATES_MIN;
	walk(&w);
	if (id == 0)
		shared->capped = w.states.capped;
	judge_end(&w.judge);
	_exit(EXIT_SUCCESS);
}
