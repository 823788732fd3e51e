/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * counts.h: what the parts of the test of golden counts share.
 */
#ifndef TESTS_COUNTS_H
#define TESTS_COUNTS_H

#include <pmheap.h>
#include <pmheap/backend.h>

/* What reached a medium. */
struct counts {
	uint64_t fences;
	uint64_t lines;		/* of 64 bytes that were flushed, or stored
				   so that they need no flush             */
	uint64_t logged;	/* bytes, from pm_stats()                 */
};

/* medium.c: memory that counts. Its media are "a" and "b". */
extern const PmBackend counting;
extern struct counts counted;
void media_forget(void);

/* One operation that is counted. */
struct operation {
	const char *name;	/* in the golden file                     */
	void	(*setup)(void);	/* NULL: nothing                          */
	void	(*run)(void);
	unsigned op_n;		/* 0: COUNTED_N                           */
	unsigned durability;
	bool	 checkpoints;	/* they are counted too: small lanes      */
};

#define COUNTED_N 100

/* ops.c; a name of NULL ends the list. */
extern const struct operation operations[];
/* The regions that operations work in. */
extern int region_a, region_b;
/* Ends the test. */
void fail(const char *what) __attribute__((noreturn));

#endif
