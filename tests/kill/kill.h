/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kill.h: what the kill loops share: a backend that kills the process at a
 * chosen step, memory that outlives a killed child, and a workload with its
 * model.
 *
 * A step is a call that goes to a medium (write, fill, flush, fence, grow) or
 * that changes files (ftruncate, fsync, link ...). The linker puts step.c in
 * front of both (--wrap, see Makefile.inc), so no step of the library escapes,
 * also of calls that take no config.
 */
#ifndef TESTS_KILL_H
#define TESTS_KILL_H

#include "support.h"

#include <pmheap/backend.h>

#define WORKERS 4

enum step {
	STEP_WRITE, STEP_FILL, STEP_FLUSH, STEP_FENCE, STEP_GROW, STEP_FILE,
	STEP_KINDS
};

/* What a thread was at when it was killed. */
enum phase {
	AT_START, AT_OPEN, AT_BODY, AT_COMMIT, AT_SINGLE, AT_ABORT, AT_FLUSH,
	AT_SECONDARY, AT_CHECK, AT_CLOSE, AT_END, PHASES
};

/* Memory of the parent that its children write and no kill takes away. */
struct shared {
	uint64_t reported[WORKERS];	/* commits that have returned        */
	uint64_t flushed[WORKERS];	/* those that must survive           */
	uint64_t phase[WORKERS];
	uint64_t steps;			/* counted since steps_arm()         */
	uint64_t kill_at;		/* this one is the last; 0: none     */
	uint64_t killed_in;		/* its enum step + 1; 0: not killed  */
	uint64_t torn;			/* it had written a part             */
	uint64_t by_kind[STEP_KINDS];
};

extern struct shared *shared;

static inline uint64_t look(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

static inline void tell(uint64_t *p, uint64_t value)
{
	__atomic_store_n(p, value, __ATOMIC_SEQ_CST);
}

/* Maps `shared` at the first call; all zero after each. */
void shared_reset(void);

/* step.c: counts from here on; the kill_at-th step does not return. */
void steps_arm(uint64_t kill_at);
void steps_disarm(void);

/* --- driver.c --- */

/* Sums over the kills of a test. */
struct tally {
	long kills, by_time, by_step, torn, early, replayed, healed;
	bool grown;
	long phase[PHASES], step[STEP_KINDS];
};

/* In the child: says why and leaves, so that the parent sees no kill. */
void child_fails(const char *what) __attribute__((noreturn));
/* fork(); the child dies with its parent. */
pid_t start_child(void (*f)(void *arg), void *arg);
/* True: it was killed; false: it left by exit(0). Else the test fails. */
bool was_killed(pid_t pid);
void pause_ns(long ns);
void tally_add(struct tally *t, int workers);
void tally_print(const struct tally *t, const char *what);

/* --- work.c: what commit n of a worker does --- */

#define CELLS 32
#define SLOTS 24
#define SECONDARIES 3

enum kind {
	PLAIN, REALLOC, LARGE, MANY, NESTED, SINGLE, CHAIN, SECONDARY, KINDS
};

struct plan {
	enum kind kind;
	unsigned cells, cell[6], slot, nodes;
	size_t len;
	bool aborts;	/* an aborted transaction goes before it */
	bool both;	/* the other region's cells change too */
};

/* A pool's kind and the options that it is opened with. */
struct world {
	const char *name;
	size_t size, max_size;
	unsigned lanes;
	size_t lane_size, budget;
	unsigned flags;
	bool secondaries, no_large;
	bool two_regions;
	unsigned durability, flush_ms;
};

extern const struct world worlds[];
extern const int n_worlds;

struct cells {
	uint64_t cell[CELLS];
	uint64_t secondary[SECONDARIES];
	uint64_t n;
};

struct node {
	struct node *next;
	uint64_t value;
};

struct worker {
	struct cells c;
	uint64_t seen[WORKERS];	/* commits of the others that were known */
	unsigned char *slot[SLOTS];
	struct node *chain;
};

struct root {
	struct worker worker[WORKERS];
};

/* The open pools: "p", and "a" if the world has two regions. */
extern struct root *root;
extern struct cells *second;	/* [WORKERS] */
extern struct world world;

void plan_of(struct plan *p, uint64_t me, uint64_t n);
void open_pools(void);
int open_secondary(unsigned k);
void remove_pools(void);
/* Commits n, the number after the last; tells `shared` of it. */
void commit(uint64_t me, uint64_t n);

/* --- model.c: what must be found --- */

struct model {
	struct cells c, second;
	unsigned char *bytes[SLOTS];
	size_t len[SLOTS];
	uint64_t nodes, chain_n;
	uint64_t kinds[KINDS];
};

void model_reset(struct model *m);
/* Makes the commits up to n. */
void model_advance(struct model *m, uint64_t me, uint64_t n);
/* The open pools hold what the models say, and no object more. */
void compare_pools(struct model *m, int workers);
/*
 * No fault in the closed pools. A kill in the midst of a header copy leaves
 * that copy damaged and the other intact; gives the number of such.
 */
int check_pools(void);

#endif
