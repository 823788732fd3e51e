/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * search.c: which moments of a trace are crashed, and what is left then.
 */
#include "explore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of this many states one is crashed again inside its recovery. */
#define NEST_EVERY 120u
#define NEST_STATES 30u
/* At least so many states at a point; if the budget has not got them, some
 * points are left out. */
#define POINT_STATES 6u
#define SUBSET_UNITS 10u
#define DEADLINE_S 60u

static const char *const names[S_N] = {"fenced", "all", "missing", "alone",
				       "subset", "random", "torn", "cut"};

const char *strategy_name(enum strategy s)
{
	return names[s];
}

void state_print(const struct search *s)
{
	unsigned i;

	for (i = 0; i < s->path_n; i++)
		printf("%s%zu:%s:%u", i ? "/" : "", s->path[i].point,
		       names[s->path[i].strategy], s->path[i].param);
}

void search_fail(struct search *s, const char *text)
{
	s->failures++;
	printf("FAIL %s: %s\n  replay: tests/crash/explore --workload %s "
	       "--mode %s --drop %u --seed %llu --state ", s->w->name, text,
	       s->w->name, s->eadr ? "eadr" : s->mode == WORLD_PAGES ? "page"
	       : "adr", s->drop, (unsigned long long)s->seed);
	state_print(s);
	printf("\n");
	fflush(stdout);
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t state = a * 0x9e3779b97f4a7c15ull ^ b;

	return rng_next(&state);
}

/* A random subset: units whole, not at all, or in part. */
static void keep_random(const struct world *w, uint32_t units, uint32_t seed,
			uint8_t *keep)
{
	uint32_t *seen = calloc(units + 1, sizeof(*seen));
	uint32_t *count = calloc(units + 1, sizeof(*count));
	uint64_t dense = 1 + mix(seed, 1) % 7;
	size_t i;

	if (!seen || !count)
		abort();
	for (i = 0; i < w->n; i++)
		count[w->p[i].unit]++;
	for (i = 0; i < w->n; i++) {
		uint32_t u = w->p[i].unit;
		uint64_t h = mix(seed, u + 2);

		if (h % 8 < dense)
			keep[i] = (h >> 8) % 4 != 0 ||
				  (w->p[i].loose
				   ? mix(h, i) % 4 != 0
				   : seen[u] < (h >> 16) % (count[u] + 1));
		seen[u]++;
	}
	free(seen);
	free(count);
}

static bool kept(const struct world *w, size_t i, struct state s,
		 uint32_t recent)
{
	const struct piece *p = &w->p[i];

	switch (s.strategy) {
	case S_ALL:
		return true;
	case S_MISSING:
		return p->unit != s.param;
	case S_ALONE:
		return p->unit == s.param;
	case S_SUBSET:
		if (p->unit >= recent || p->unit >= SUBSET_UNITS)
			return s.param >> 31;
		return s.param >> p->unit & 1;
	case S_TORN:
		if (s.param >= w->n)
			return true;
		if (p->loose || w->p[s.param].loose)
			return i != s.param;
		return p->unit != w->p[s.param].unit || i < s.param;
	case S_CUT:
		return i + s.param < w->n;
	default:
		return false;
	}
}

static void build(struct world *w, struct state s)
{
	uint32_t recent, units = world_units(w, &recent);
	uint8_t *keep = calloc(w->n + 1, 1);
	size_t i;

	if (!keep)
		abort();
	if (s.strategy == S_RANDOM)
		keep_random(w, units, s.param, keep);
	else
		for (i = 0; i < w->n; i++)
			keep[i] = kept(w, i, s, recent);
	world_build(w, keep);
	free(keep);
}

static void crash_recovery(struct search *s, const struct sim_image *before,
			   const struct sim_trace *t, uint64_t lo, uint64_t hi);

static struct sim_image *copy_images(void)
{
	static struct sim_image copy[DEPTH_MAX][SIM_MEDIA];
	static unsigned next;
	struct sim_image *c = copy[next++ % DEPTH_MAX];
	int i;

	for (i = 0; i < SIM_MEDIA; i++) {
		if (!c[i].bytes)
			c[i].bytes = malloc(SIM_ROOM);
		if (!c[i].bytes)
			abort();
		c[i].size = sim_image[i].size;
		if (c[i].size)
			memcpy(c[i].bytes, sim_image[i].bytes, c[i].size);
	}
	return c;
}

/* Crashes into one state, and perhaps again inside its recovery. */
static void try_state(struct search *s, struct world *w, struct state at)
{
	bool deeper = s->path_n < s->depth && s->states % NEST_EVERY == 0;
	struct sim_trace t = {0};
	struct sim_image *before = NULL;
	char text[512] = "";

	if (s->failures >= s->failures_max)
		return;
	if (s->replay)
		deeper = s->path_n + 1 < s->replay_n;
	s->path[s->path_n++] = at;
	s->states++;
	alarm(DEADLINE_S);
	build(w, at);
	if (deeper)
		before = copy_images();
	if (check_state(s, w->lo, w->hi, deeper ? &t : NULL, text,
			sizeof(text)))
		search_fail(s, text);
	else if (deeper)
		crash_recovery(s, before, &t, w->lo, w->hi);
	sim_trace_free(&t);
	s->path_n--;
}

/* Every unit missing and alone, and all or some mixtures. */
static void try_many(struct search *s, struct world *w, uint64_t quota,
		     uint32_t units, uint32_t recent)
{
	uint32_t i, bits = recent < SUBSET_UNITS ? recent : SUBSET_UNITS;
	uint64_t left = quota - 2;

	for (i = 0; i < units; i++) {
		try_state(s, w, (struct state){w->at, S_MISSING, i});
		try_state(s, w, (struct state){w->at, S_ALONE, i});
		left -= 2;
	}
	if (left >= 2ull << bits) {
		for (i = 0; i < 2u << bits; i++)
			try_state(s, w, (struct state){w->at, S_SUBSET,
				  (i >> 1) | i << 31});
		left -= 2ull << bits;
	}
	for (; left > 0 && units > 1; left--)
		try_state(s, w, left % 4 == 0
			  ? (struct state){w->at, S_TORN, (uint32_t)
					   rng_below(&s->rng, w->n)}
			  : (struct state){w->at, S_RANDOM, (uint32_t)
					   rng_next(&s->rng)});
}

/* As many as the quota allows, half of them about recent stores. */
static void try_some(struct search *s, struct world *w, uint64_t quota,
		     uint32_t units, uint32_t recent)
{
	uint64_t i;

	s->capped++;
	for (i = 2; i < quota; i++) {
		uint64_t h = rng_next(&s->rng);
		uint32_t among = recent && h >> 32 & 1 ? recent : units;
		uint32_t unit = (uint32_t)(rng_next(&s->rng) % among);
		struct state at = {w->at, S_RANDOM, (uint32_t)h};

		if (h % 8 < 5)
			at = (struct state){w->at, h % 8 < 3 ? S_MISSING : S_ALONE,
					    unit};
		else if (h % 8 == 5)
			at = (struct state){w->at, S_TORN, (uint32_t)
					    (rng_next(&s->rng) % w->n)};
		try_state(s, w, at);
	}
}

static void try_point(struct search *s, struct world *w, uint64_t quota)
{
	uint32_t recent, units = world_units(w, &recent);

	s->points++;
	try_state(s, w, (struct state){w->at, S_FENCED, 0});
	if (units == 0)
		return;
	try_state(s, w, (struct state){w->at, S_ALL, 0});
	if (2ull * units + 2 <= quota)
		try_many(s, w, quota, units, recent);
	else
		try_some(s, w, quota, units, recent);
}

static bool is_point(const struct sim_trace *t, size_t i)
{
	/* Before a fence; at the end of an operation; at the end of all. */
	if (t->ev[i].kind == SIM_FENCE)
		return i == 0 || t->ev[i - 1].kind != SIM_FENCE;
	return t->ev[i].kind == SIM_MARK && i &&
	       t->ev[i - 1].kind != SIM_MARK;
}

static void replay(struct search *s, const struct sim_trace *t,
		   const struct sim_image *before, uint64_t lo, uint64_t hi)
{
	struct state at = s->replay[s->path_n];
	struct world w;
	size_t i;

	world_init(&w, s->mode, s->drop, before);
	w.armed = before != NULL;
	w.lo = lo;
	w.hi = hi;
	for (i = 0; i < at.point && i < t->n; i++)
		world_step(&w, t, &t->ev[i]);
	try_state(s, &w, at);
	world_free(&w);
}

static void step_to_the_end(struct search *s, const struct sim_trace *t,
			    struct world *w, uint64_t budget, size_t points)
{
	uint64_t quota = points ? budget / points : 0;
	size_t i;

	if (quota < POINT_STATES)
		quota = POINT_STATES;
	for (i = 0; i <= t->n && s->failures < s->failures_max; i++) {
		if (w->armed && (i == t->n || is_point(t, i)) && !s->eadr &&
		    rng_below(&s->rng, points * quota) < budget)
			try_point(s, w, quota);
		/* In the middle of things, the caches survive. */
		if (w->armed && rng_below(&s->rng, t->n) <
		    (s->eadr ? budget : budget / 16))
			try_state(s, w, (struct state){w->at, S_CUT, (uint32_t)
				  rng_below(&s->rng, 4)});
		if (i < t->n)
			world_step(w, t, &t->ev[i]);
	}
	s->fences_dropped += w->dropped;
}

static void explore(struct search *s, const struct sim_trace *t,
		    const struct sim_image *before, uint64_t lo, uint64_t hi,
		    uint64_t budget)
{
	bool armed = before != NULL;
	struct world w;
	size_t i, points = 1;

	for (i = 0; i < t->n; i++) {
		armed |= t->ev[i].kind == SIM_MARK;
		points += armed && is_point(t, i);
	}
	world_init(&w, s->mode, s->drop, before);
	w.armed = before != NULL;
	w.lo = lo;
	w.hi = hi;
	step_to_the_end(s, t, &w, budget, points);
	world_free(&w);
}

static void crash_recovery(struct search *s, const struct sim_image *before,
			   const struct sim_trace *t, uint64_t lo, uint64_t hi)
{
	uint64_t states = s->states;

	if (s->replay) {
		replay(s, t, before, lo, hi);
		return;
	}
	explore(s, t, before, lo, hi, NEST_STATES);
	s->nested += s->states - states;
}

void search_run(struct search *s, const struct sim_trace *t)
{
	if (s->replay)
		replay(s, t, NULL, 0, 0);
	else
		explore(s, t, NULL, 0, 0, s->budget);
}
