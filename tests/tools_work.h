/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tests/tools_work.h: transactions that keep a pool consistent in ways that can
 * be verified between any two of them, and at no other time.
 *
 * Each adds 1 to a counter of its worker, to one that all workers share, and to
 * a random cell of a large table; pushes a node onto a list or empties it; and
 * now and then writes a large new object (directly to its place), changes a
 * word in it, or changes so many bytes that their records are spilled.
 */
#ifndef PMHEAP_TOOLS_WORK_H
#define PMHEAP_TOOLS_WORK_H

#include <pmheap.h>

#define WORKERS_MAX 4

/* Opens the pool for work and prepares it if it is new. Large objects come
 * every so many transactions. 0, or 1 after saying why. */
int work_open(const char *path, int relaxed, unsigned blob_every,
	      unsigned wide_every);
/* One transaction of a worker; one thread at a time is it. 0 or errno. */
int work_step(unsigned worker, uint64_t *seed);
/* 0: the pool is consistent; it is opened read-only. */
int work_verify(const char *path);

#endif
