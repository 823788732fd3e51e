/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * run.h: a recorded run of a program: its pools, everything that reached them,
 * and which operations of the program that belongs to.
 */
#ifndef CRASH_RUN_H
#define CRASH_RUN_H

#include "crash/world.h"

#define RUN_FRAMES 8

struct run_pool {
	char *path;		/* as the program saw it              */
	const char *name;	/* last part of it: unique            */
	char backend[16];
	bool primary;
	bool existed;		/* before the run                     */
	size_t ready;		/* event from which on it is there    */
	uint64_t room;		/* bytes it had at most               */
	uint8_t *start;		/* room bytes: before the run         */
	uint64_t start_size;
	uint8_t *latest;	/* room bytes: everything executed    */
	uint64_t latest_size;
	uint64_t *page;		/* bit: not always zero               */
};

struct run_call {
	uint64_t number;
	uint64_t transaction;	/* which one; 0: it is none           */
	size_t begin, end;	/* events; end SIZE_MAX: never        */
	uint8_t thread;
	unsigned frame_n;
	uint64_t frame[RUN_FRAMES];	/* return addresses, inner first */
	char name[32];
};

struct run_module {
	uint64_t lo, hi, bias;
	char *path;
};

/* Events [from, to] at which no crash is tried. */
struct run_hole {
	size_t from, to;
};

struct run {
	struct trace trace;
	struct run_pool pool[CRASH_MEDIA_MAX];
	unsigned pool_n;
	struct run_call *call;
	size_t call_n, call_cap;
	struct run_module *module;
	size_t module_n, module_cap;
	struct run_hole *hole;
	size_t hole_n, hole_cap;
	uint64_t transactions, writes, written, fences;
	bool full;		/* the record ends before the program did */
	bool callback;		/* it has a verify function               */
	bool other;		/* another process opened pools           */
};

/*
 * load.c: reads what was recorded in folder dir. NULL, or why it cannot be
 * used: a sentence in a static buffer.
 */
const char *run_load(struct run *run, const char *dir);
void run_free(struct run *run);

/* Is the pool there when this event takes effect? */
bool run_has(const struct run *run, unsigned pool, size_t event);
/* Is a crash before this event tried? */
bool run_is_point(const struct run *run, size_t event);
/* May what is pending be crashed into here at all? */
bool run_is_open(const struct run *run, size_t event);
/* Were both made from the same place in the program? NULL: no call. */
bool run_same_place(const struct run_call *a, const struct run_call *b);
/* The pool that the program opened by pm_init(). */
unsigned run_primary(const struct run *run);
/* Media at the start, on their own memory. */
void run_images(const struct run *run, struct journal *j);
void run_images_free(const struct run *run, struct journal *j);
/* The last call that had returned before this event; NULL: none. */
const struct run_call *run_returned(const struct run *run, size_t event);
/* The first that was in progress then and has one, NULL: none. */
const struct run_call *run_in_progress(const struct run *run, size_t event);
/* The next one of its thread. */
const struct run_call *run_next(const struct run *run,
				const struct run_call *call);

/* source.c: where the code came from. */
struct source {
	char function[128];	/* "" unknown                  */
	char file[256];		/* "" unknown; its last part   */
	int line;
	char module[128];	/* last part of its path       */
	uint64_t offset;	/* in the module               */
};

/* The function of a frame and those it was inlined into; how many, 1 at
 * least. Without libdw only module and offset are known. */
unsigned source_find(const struct run *run, uint64_t frame,
		     struct source *out, unsigned max);
/* The place of a call and its callers in the program. */
unsigned source_of_call(const struct run *run, const struct run_call *call,
			struct source *out, unsigned max);
void source_done(void);

#endif
