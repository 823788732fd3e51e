/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * work.h: a process that fills pools at random, and is killed or closes them.
 */
#ifndef TESTS_FORMAT_WORK_H
#define TESTS_FORMAT_WORK_H

#include <pmheap.h>

/* How it ends. */
enum end {
	CLOSE,
	DIE_INSIDE,			/* of a transaction              */
	DIE_AT_FENCE,
	DIE_GROWN,			/* when the pool has just grown  */
	DIE_PAIRED,			/* after one transaction in both */
};

struct work {
	const char *path, *second;	/* second: NULL, or a secondary  */
	unsigned durability, flags, threads, ops, seed;
	enum end end;
	unsigned fence;			/* of DIE_AT_FENCE: which one    */
};

/* In a child process. 0, or -1: it failed otherwise than by being killed. */
int work_run(const struct work *w);

#endif
