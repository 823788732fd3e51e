/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * states.c: choosing crash states, and making one.
 */
#include "crash/states.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUBSET_UNITS 10u	/* of so many units all mixtures are tried */
/* Of S_TORN: non-temporal stores too arrive in order; else just one is missing.
 * Those of two writes to one line are of either kind. */
#define TORN_ORDERED (1u << 30)
#define RANDOM_EACH 6u		/* random states for each unit, at most    */

static const char *const names[S_N] = {"fenced", "all", "missing", "alone",
				       "subset", "random", "torn", "cut"};

/* SplitMix64, as published by Sebastiano Vigna. */
uint64_t crash_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ull);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

uint64_t crash_below(uint64_t *state, uint64_t n)
{
	return crash_random(state) % n;
}

int state_order(const struct state *a, const struct state *b)
{
	if (a->point != b->point)
		return a->point < b->point ? -1 : 1;
	if (a->strategy != b->strategy)
		return a->strategy < b->strategy ? -1 : 1;
	return a->param < b->param ? -1 : a->param > b->param;
}

void state_print(const struct state *at, char *text)
{
	snprintf(text, STATE_TEXT, "%zu:%s:%" PRIu32, at->point,
		 names[at->strategy], at->param);
}

bool state_parse(struct state *at, const char *text)
{
	char name[16];
	unsigned k;
	int end = 0;

	if (sscanf(text, "%zu:%15[a-z]:%" SCNu32 "%n", &at->point, name,
		   &at->param, &end) != 3 || text[end])
		return false;
	for (k = 0; k < S_N && strcmp(name, names[k]); k++)
		;
	at->strategy = (enum strategy)k;
	return k < S_N;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t state = a * 0x9e3779b97f4a7c15ull ^ b;

	return crash_random(&state);
}

static void *zeroed(size_t n, size_t elem)
{
	void *p = calloc(n, elem);

	if (!p)
		abort();
	return p;
}

/* A random subset: units whole, not at all, or in part. */
static void keep_random(const struct world *w, uint32_t seed, uint8_t *keep)
{
	uint32_t *seen = zeroed(w->units + 1, sizeof(*seen));
	uint32_t *count = zeroed(w->units + 1, sizeof(*count));
	uint64_t dense = 1 + mix(seed, 1) % 7;
	size_t i;

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

static bool kept(const struct world *w, size_t i, const struct state *s)
{
	const struct piece *p = &w->p[i];
	uint32_t at;

	switch (s->strategy) {
	case S_ALL:
		return true;
	case S_MISSING:
		return p->unit != s->param;
	case S_ALONE:
		return p->unit == s->param;
	case S_SUBSET:
		if (p->unit >= w->recent || p->unit >= SUBSET_UNITS)
			return s->param >> 31;
		return s->param >> p->unit & 1;
	case S_TORN:
		at = s->param & ~TORN_ORDERED;
		if (at >= w->n)
			return true;
		if ((p->loose || w->p[at].loose) && s->param == at)
			return i != at;
		return p->unit != w->p[at].unit || i < at;
	case S_CUT:
		return i + s->param < w->n;
	default:
		return false;
	}
}

void state_enter(struct world *w, const struct state *at)
{
	uint8_t *keep;
	size_t i;

	(void)world_units(w);
	if (at->strategy == S_FENCED || w->n == 0)
		return;
	keep = zeroed(w->n, 1);
	if (at->strategy == S_RANDOM)
		keep_random(w, at->param, keep);
	else
		for (i = 0; i < w->n; i++)
			keep[i] = kept(w, i, at);
	world_apply(w, keep);
	free(keep);
}

static void try(struct states *s, const struct world *w,
		enum strategy strategy, uint32_t param)
{
	struct state at = {w->at, strategy, param};

	s->try(s->arg, &at);
}

static void try_torn(struct states *s, const struct world *w)
{
	uint64_t h = crash_random(&s->rng);

	try(s, w, S_TORN, (uint32_t)(h % w->n) |
	    (h >> 40 & 1 ? TORN_ORDERED : 0));
}

/* Every unit missing and alone, and all or some mixtures. */
static void try_many(struct states *s, struct world *w)
{
	uint32_t i, bits = w->recent < SUBSET_UNITS ? w->recent : SUBSET_UNITS;
	uint64_t left = s->quota - 2;

	for (i = 0; i < w->units; i++) {
		try(s, w, S_MISSING, i);
		try(s, w, S_ALONE, i);
		left -= 2;
	}
	if (left >= 2ull << bits) {
		for (i = 0; i < 2u << bits; i++)
			try(s, w, S_SUBSET, i >> 1 | i << 31);
		left -= 2ull << bits;
	}
	if (left > RANDOM_EACH * w->units)
		left = RANDOM_EACH * w->units;
	for (; left > 0; left--) {
		if (left % 4 == 0)
			try_torn(s, w);
		else
			try(s, w, S_RANDOM, (uint32_t)crash_random(&s->rng));
	}
}

/* As many as the quota allows, half of them about recent stores. */
static void try_some(struct states *s, struct world *w)
{
	uint64_t i;

	s->capped++;
	for (i = 2; i < s->quota; i++) {
		uint64_t h = crash_random(&s->rng);
		uint32_t among = w->recent && h >> 32 & 1 ? w->recent : w->units;
		uint32_t unit = (uint32_t)crash_below(&s->rng, among);

		if (h % 8 < 3)
			try(s, w, S_MISSING, unit);
		else if (h % 8 < 5)
			try(s, w, S_ALONE, unit);
		else if (h % 8 == 5)
			try_torn(s, w);
		else
			try(s, w, S_RANDOM, (uint32_t)h);
	}
}

void states_try(struct states *s, struct world *w)
{
	uint32_t units = world_units(w);

	s->points++;
	try(s, w, S_FENCED, 0);
	if (units == 0)
		return;
	try(s, w, S_ALL, 0);
	if (2ull * units + 2 <= s->quota)
		try_many(s, w);
	else
		try_some(s, w);
}

bool states_is_point(const struct trace *t, size_t i)
{
	/* Before a fence; at the end of an operation; at the end of all. */
	if (i == t->n)
		return true;
	if (t->ev[i].kind == TRACE_FENCE)
		return i == 0 || t->ev[i - 1].kind != TRACE_FENCE;
	return t->ev[i].kind == TRACE_MARK && i &&
	       t->ev[i - 1].kind != TRACE_MARK;
}
