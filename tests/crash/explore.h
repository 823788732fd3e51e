/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * explore.h: what the files of the crash explorer share.
 */
#ifndef TESTS_EXPLORE_H
#define TESTS_EXPLORE_H

#include "model.h"
#include "world.h"

struct workload {
	const char *name;
	void (*program)(struct run *r, const struct workload *w);
	unsigned ops;
	unsigned lanes;
	size_t lane_size, size, max_size;
	unsigned flags, durability;
	bool second;		/* two regions                            */
	bool threads;		/* every operation in a thread of its own */
	bool no_root;		/* the program makes the root             */
};

extern const struct workload workloads[];
extern const size_t workload_n;

/* programs.c */
PmWrapperConfig workload_config(const struct workload *w, int medium);
/* Opens what the workload works on. 0 or -1. */
int workload_open(const struct workload *w, struct run *r, bool create);
const char *medium_path(int medium);
/* Media are synced by pages from here on. */
void workload_page(bool on);

enum strategy {
	S_FENCED,	/* nothing but what is certain               */
	S_ALL,		/* everything executed                       */
	S_MISSING,	/* all but unit param                        */
	S_ALONE,	/* only unit param                           */
	S_SUBSET,	/* param: bits of recent units, 31: the rest */
	S_RANDOM,	/* param: seed                               */
	S_TORN,		/* all, but unit of piece param ends there   */
	S_CUT,		/* in the middle of a store: param words less */
	S_N
};

struct state {
	size_t point;		/* number of events that took effect */
	enum strategy strategy;
	uint32_t param;
};

#define DEPTH_MAX 3

struct search {
	const struct workload *w;
	enum world_mode mode;
	bool eadr;
	unsigned drop;
	uint64_t seed, rng;
	unsigned depth;			/* crashes inside recovery */
	uint64_t budget;		/* states */
	const struct run *run;
	struct state path[DEPTH_MAX];	/* of the state in hand */
	unsigned path_n;
	uint64_t states, points, capped, nested, fences_dropped;
	unsigned failures, failures_max;
	const struct state *replay;	/* NULL, or path_n of them */
	unsigned replay_n;
};

/* search.c */
void search_run(struct search *s, const struct sim_trace *t);
const char *strategy_name(enum strategy s);
void search_fail(struct search *s, const char *text);
void state_print(const struct search *s);

/* check.c: opens the crashed media and judges them by the versions lo..hi;
 * records recovery if t is not NULL. 0, or -1 with text. */
int check_state(struct search *s, uint64_t lo, uint64_t hi,
		struct sim_trace *t, char *text, size_t room);
/* Seeds what the library draws at random. */
void random_seed(uint64_t seed);

#endif
