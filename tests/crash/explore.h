/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * explore.h: what the files of the crash explorer share.
 */
#ifndef TESTS_EXPLORE_H
#define TESTS_EXPLORE_H

#include "model.h"

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

/* small.c: every sequence of a few operations. */
/* The sequence "small:put+del" as a workload; NULL: there is none such. */
const struct workload *small_find(const char *name);
/* The nth sequence of at most `longest` operations; NULL: there are no more. */
const struct workload *small_nth(uint64_t n, unsigned longest);

/* programs.c */
PmWrapperConfig workload_config(const struct workload *w, int medium);
/* Opens what the workload works on. 0 or -1. */
int workload_open(const struct workload *w, struct run *r, bool create);
const char *medium_path(int medium);
/* Closes and opens again. */
void workload_again(struct run *r, const struct workload *w);

/* choose.c: stands in for the library's choice of a backend: all are simulated.
 * Media are synced by pages from here on, or by lines. */
void choose_pages(bool on);

/* What takes no effect, to see that it would be missed (--drop). The orders are
 * those of lib/tx/log.c; a fence's is told by what preceded it. */
enum drop { DROP_NOTHING, DROP_T1, DROP_T2, DROP_T3, DROP_T4,
	    DROP_HOME_FLUSH, DROP_LANE_FLUSH };

struct dropper {
	enum drop what;
	bool armed;		/* past the set-up */
	bool saw_record, saw_lane, saw_direct;
	uint64_t dropped;
};

/* Is this event to be left out? Sees every event. */
bool drop_event(struct dropper *d, const struct trace_event *e,
		const struct journal *j);

/* A set of 64-bit hashes. */
struct seen {
	uint64_t *key;
	size_t n, cap;
};

/* False if it was there already. */
bool seen_add(struct seen *s, uint64_t key);
void seen_free(struct seen *s);

#define DEPTH_MAX 3

struct search {
	const struct workload *w;
	enum world_mode mode;
	bool eadr;
	enum drop drop;
	uint64_t seed, rng;
	unsigned depth;			/* crashes inside recovery */
	uint64_t budget;		/* states */
	const struct run *run;
	struct state path[DEPTH_MAX];	/* of the state in hand */
	unsigned path_n;
	uint64_t states, repeated, points, capped, nested, dropped;
	uint64_t kinds;			/* recovered pools that differ */
	struct seen tried, recovered;
	unsigned failures, failures_max;
	const struct state *replay;	/* NULL, or replay_n of them */
	unsigned replay_n;
};

/* What a crash here may leave: versions lo..hi, perhaps with a patch. */
struct bounds {
	uint64_t lo, hi, aside;
};

/* search.c */
void search_run(struct search *s, const struct trace *t);
void search_fail(struct search *s, const char *text);

/* check.c: opens the crashed media and judges them; records recovery if t is
 * not NULL. 0, or -1 with text. */
int check_state(struct search *s, const struct bounds *b, struct trace *t,
		char *text, size_t room);
/* Seeds what the library draws at random. */
void random_seed(uint64_t seed);

#endif
