/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * model.h: what a workload's pool must hold, kept in volatile memory.
 *
 * The root holds counters (cells) and pointers to objects (slots) whose bytes
 * follow from a tag. Every operation of a workload leads from one version of
 * the model to the next; a trace mark says which versions a crash may leave.
 */
#ifndef TESTS_MODEL_H
#define TESTS_MODEL_H

#include "sim.h"
#include "crash/states.h"

#define CELL_N 24
#define SLOT_N 48
#define OBJ_MIN 16u

struct obj {
	uint64_t size;
	uint64_t tag;
	uint8_t bytes[];
};

struct root {
	uint64_t cell[CELL_N];
	struct obj *slot[SLOT_N];
};

/* The root of the second region: no pointers, so any region can be primary. */
struct root_b {
	uint64_t cell[CELL_N];
};

struct model {
	uint64_t cell[CELL_N];
	uint64_t cell_b[CELL_N];
	struct {
		uint64_t size, tag;	/* size 0: none */
	} slot[SLOT_N];
	uint64_t objects;		/* live in the primary */
	bool has_root;
};

/* What a thread that is stopped in its operation will have changed. */
struct patch {
	struct model from, to;
};

/* A workload that runs, or one that goes on after a crash. */
struct run {
	struct model now;
	struct model *version;		/* NULL: none is kept           */
	size_t n, cap;
	uint64_t durable;		/* deferred: this version is    */
	bool single_late, tx_late;	/* which operations are deferred */
	unsigned thread;		/* operations alternate threads */
	struct patch *patch;
	size_t patch_n, patch_cap;
	uint64_t aside;			/* patch in flight, + 1; 0: none */
	bool unmarked;			/* crashes are not looked at yet */
	bool beside;			/* of a thread beside the main one:
					   keeps no versions             */
	size_t root_size;
	bool broken;			/* a sync failed on purpose     */
	int second;			/* region number, 0: none       */
	uint64_t rng;
	uint64_t next_tag;
	char error[256];		/* first thing that failed      */
};

/* Bytes that an object of this tag holds. */
void obj_fill(struct obj *o, uint64_t size, uint64_t tag);
bool obj_is_right(const struct obj *o, uint64_t size, uint64_t tag);

/*
 * Reads the open pool into *out and checks that it is sound in itself: objects
 * are live and whole, and none is owned twice. How many are live is compared
 * with the version, so that none leaks. 0, or -1 with text.
 */
int model_read(struct model *out, bool second, char *text, size_t room);
/* Is the pool that was read this version? */
bool model_is(const struct model *got, const struct model *want, bool second);
/* Version v, with the patch (+ 1) if it is not 0. */
void model_version(const struct run *r, uint64_t v, uint64_t patch,
		   struct model *out);
/* Says in what they differ. */
void model_diff(const struct model *got, const struct model *want, bool second,
		char *text, size_t room);

/* Operations (ops.c); each is atomic and leads to the next version. */
enum op_what { OP_PUT, OP_DEL, OP_SET, OP_FILL, OP_RESIZE, OP_REWRITE,
	       OP_ABORT, OP_NESTED, OP_MANY, OP_FLOAT, OP_FLUSH, OP_BOTH,
	       OP_FAIL, OP_CROWD, OP_PERSIST, OP_ROOT, OP_LEAVE,
	       OP_PIN, OP_BATCH };
struct todo {
	enum op_what what;
	unsigned i;		/* slot or cell             */
	uint64_t n;		/* bytes, or a number of things */
};
void run_start(struct run *r);
/* A crash from here on may leave what is durable, up to the newest version. */
void run_mark(struct run *r);
void run_op(struct run *r, struct todo t);
/* The same by the calling thread. */
void do_op(struct run *r, struct todo t);
void run_fail(struct run *r, const char *what);
/* Type number of objects that only fill the pool. */
#define FILLER 7u
/* The version that is now becomes the newest one. */
void run_version(struct run *r);
void run_free(struct run *r);
/* Makes the root and its version. */
void run_root(struct run *r, size_t size);

#endif
