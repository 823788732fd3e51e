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
	bool late_marks;	/* the program says from where to look    */
};

extern const struct workload workloads[];
extern const size_t workload_n;

/*
 * small.c, race.c: small worlds, every sequence of a few operations. A name is
 * "family:word+word", or for races "family:word@stop/word+word".
 */
struct family {
	const char *name;
	/* The nth of the family with at most `longest` words; NULL: there are
	 * no more. */
	const struct workload *(*nth)(const struct family *f, uint64_t n,
				      unsigned longest);
	/* NULL: there is none of that name. */
	const struct workload *(*find)(const struct family *f,
				       const char *words);
	bool second;
	unsigned flags, durability;
};

extern const struct family families[];
extern const size_t family_n;

/* Words that both use, on one region or two. */
struct word {
	const char *name;
	struct todo t;
	unsigned how;
};

#define WORDS_MAX 4

const struct word *word_find(bool second, const char *name, size_t n);
const struct word *word_nth(bool second, unsigned n);
void word_do(struct run *r, const struct workload *w, const struct word *word);
/* Decodes n as a sequence of at most longest digits below base; its length, 0:
 * there is no such sequence. */
unsigned digits_of(uint64_t n, unsigned base, unsigned longest,
		   unsigned *digit);
/* A workload of a family, without a program. */
void family_workload(const struct family *f, struct workload *w);
const struct workload *small_nth(const struct family *f, uint64_t n,
				 unsigned longest);
const struct workload *small_find(const struct family *f, const char *words);
const struct workload *race_nth(const struct family *f, uint64_t n,
				unsigned longest);
const struct workload *race_find(const struct family *f, const char *words);
/* For races: the last run's thread was stopped; else the stop is too late. */
bool race_was_stopped(void);

/* programs.c */
const struct workload *workload_find(const char *name);
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
	uint64_t quota;			/* states of a point; 0: from budget */
	const struct run *run;
	struct state path[DEPTH_MAX];	/* of the state in hand */
	unsigned path_n;
	uint64_t states, repeated, points, capped, nested, dropped;
	struct seen tried, recovered;	/* states; pools that recovery made */
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
