/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * threads.h: what threads.c and moments.c share.
 */
#ifndef TESTS_THREADS_H
#define TESTS_THREADS_H

#include <pmheap.h>
#include <pthread.h>

#define THREADS 4
#define MIB ((size_t)1 << 20)

struct item {
	uint64_t size, tag;
	unsigned char bytes[];
};

extern char dir[128];
extern unsigned rounds;
extern pthread_barrier_t start_line;

void die(const char *what);
struct item *make_item(uint64_t size, uint64_t tag);
void remove_pools(void);

/* moments.c: threads that meet in one place only. */
void visit(int number);
void copy_about(const char *path);
void begin_at_once(void);
void run_cramped(void);

#endif
