/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * states.h: which of the states that a crash can leave are tried.
 *
 * Each strategy finds what the others miss: one line missing and one line
 * alone find forgotten flushes and fences; mixtures of recent lines and random
 * subsets find orders that only two lines together break.
 */
#ifndef CRASH_STATES_H
#define CRASH_STATES_H

#include "crash/world.h"

enum strategy {
	S_FENCED,	/* nothing but what is certain               */
	S_ALL,		/* everything executed                       */
	S_MISSING,	/* all but unit param                        */
	S_ALONE,	/* only unit param                           */
	S_SUBSET,	/* param: bits of recent units, 31: the rest */
	S_RANDOM,	/* param: seed                               */
	S_TORN,		/* all, but unit of piece param ends there,
			   or (non-temporal) just lacks it           */
	S_CUT,		/* in the middle of a store: param words less */
	S_N
};

struct state {
	size_t point;		/* number of events that took effect */
	enum strategy strategy;
	uint32_t param;
};

/* Less than 0: a is tried before b; 0: they are the same. */
int state_order(const struct state *a, const struct state *b);

/* At a point: every state of these strategies if quota allows, else some. */
struct states {
	uint64_t quota;		/* at least STATES_MIN                 */
	uint64_t rng;
	void (*try)(void *arg, const struct state *at);
	void *arg;
	uint64_t points;
	uint64_t capped;	/* points at which the quota cut states off */
};

#define STATES_MIN 6u

void states_try(struct states *s, struct world *w);
/* Is this event a point: the crash comes before it takes effect? */
bool states_is_point(const struct trace *t, size_t i);
/* Makes the images the state; the caller undoes it through the journal. */
void state_enter(struct world *w, const struct state *at);

/* "point:strategy:param", at most STATE_TEXT bytes with the final zero. */
#define STATE_TEXT 48
void state_print(const struct state *at, char *text);
/* False if that is no state. */
bool state_parse(struct state *at, const char *text);

uint64_t crash_random(uint64_t *state);
uint64_t crash_below(uint64_t *state, uint64_t n);

#endif
