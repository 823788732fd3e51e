/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * explore.h: trying the states that crashes of a run can leave, and what was
 * found.
 */
#ifndef CRASH_EXPLORE_H
#define CRASH_EXPLORE_H

#include "crash/judge.h"
#include "crash/states.h"

#define JOBS_MAX 64

enum explore_mode { MODE_ADR, MODE_EADR, MODE_PAGE };

/* Failing states that have the same cause, as far as can be told. */
struct finding {
	struct state at;		/* the first of them             */
	struct verdict verdict;		/* of that one                   */
	uint64_t states;
	const struct run_call *after;	/* last call whose effects are
					   there; NULL: none             */
	const struct run_call *before;	/* first whose are not           */
	const struct run_call *during;	/* in progress at the crash      */
};

struct explore {
	const struct run *run;
	const struct judge *judge;	/* command and limits            */
	const char *dir;		/* for crashed pools             */
	enum explore_mode mode;
	uint64_t seed, budget;
	unsigned jobs;
	size_t from, to;		/* points, inclusive             */
	const struct state *only;	/* one state; NULL: all          */
	bool progress;			/* say how far it is             */

	uint64_t points, capped, tried, distinct, failed;
	bool stopped;			/* by a signal                   */
	bool hung;			/* too many hangs                */
	struct finding *found;
	size_t found_n, found_cap;
};

/* 0, or -1 with errno. */
int explore_run(struct explore *e);
void explore_free(struct explore *e);

/* A world at its start, on images of its own. */
void explore_world(const struct explore *e, struct world *w,
		   struct journal *j);

/* worker.c: what a worker does, and what it shares with the others. */
struct worker_shared {
	uint64_t tried, distinct, failed, hangs, capped;
	struct {
		uint64_t index;		/* of the state in hand          */
		int64_t since;		/* seconds; 0: none in hand      */
		struct state at;
	} worker[JOBS_MAX];
	uint64_t slot_n;		/* a power of two                */
	uint64_t slot[];		/* hashes of states that were tried */
};

struct worker_message {
	struct state at;
	struct verdict verdict;
};

#define HANGS_MAX 8u

/* Tries the states number first, ... that fall to this worker. */
void worker_run(const struct explore *e, struct worker_shared *shared,
		unsigned id, uint64_t first, int out);

/* blame.c: finds out which calls of the program the findings stand between,
 * and makes one of those that stand between the same. */
void blame_all(struct explore *e);

#endif
