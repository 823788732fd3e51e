/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/heap_pmheap.h: libpmheap as its users see it. A reference is a normal
 * pointer. What a heap has to give is said here.
 */
#ifndef PMHEAP_BENCH_HEAP_PMHEAP_H
#define PMHEAP_BENCH_HEAP_PMHEAP_H

#include <errno.h>
#include <pmheap.h>

#define SYS_IS_HEAP 1
#define SYS_PERSISTENT 1	/* pools can be opened again             */
#define SYS_HAS_FAT 1		/* fat pointers, and two pools at once   */

extern int pmheap_region[SYS_POOLS];

/* What an object holds to name another. */
typedef void *ref;
#define REF_NULL NULL

static inline void *ref_at(ref r)
{
	return r;
}

static inline bool ref_is_null(ref r)
{
	return r == NULL;
}

/* A transaction in pool 0; any failure ends the program. */
#define HEAP_TX_BEGIN TX_START {
#define HEAP_TX_END							\
	} TX_END							\
	if (pm_tx_errno())						\
		bench_die("a transaction");

/* In a transaction: these bytes are going to change. */
static inline void heap_add(void *p, size_t n)
{
	(void)pm_tx_add(p, n);
}

/* In a transaction. */
static inline ref heap_tx_alloc(size_t n)
{
	void *p = pm_alloc_in(pmheap_region[0], n);

	if (!p)
		bench_die("an allocation");
	return p;
}

static inline void heap_tx_free(ref r)
{
	pm_free(r);
}

/* Alone: durable on return. */
static inline ref heap_alloc(size_t n)
{
	return heap_tx_alloc(n);
}

static inline void heap_free(ref r)
{
	pm_free(r);
}

/* Allocates and stores the reference in a persistent place, atomically. */
static inline void heap_publish(ref *where, size_t n)
{
	if (pm_alloc_to(where, n, NULL, NULL))
		bench_die("an allocation");
}

/* A transaction that changes a word. */
static inline void heap_set_word(uint64_t *word, uint64_t value)
{
	TX_START {
		TX_SET(*word, value);
	} TX_END
	if (pm_tx_errno())
		bench_die("a transaction");
}

/* Allocates alone; false: the pool is full. */
static inline bool heap_try(size_t n)
{
	if (pm_alloc_in(pmheap_region[0], n))
		return true;
	if (errno != ENOMEM)
		bench_die("an allocation");
	return false;
}

/* Array number slot of a pool, zeroed when it is first asked for. */
void *heap_array(unsigned pool, unsigned slot, size_t len);
/* Live objects in pool 0; -1: the system cannot say. */
long heap_objects(void);
/* Transactions that were committed in pool 0; -1: it cannot say. */
long heap_commits(void);
/* Entries in pool 0's log that recovery would replay; -1: it has none such. */
long heap_pending(void);
/* Lanes of pool 0's log: threads that fill it. */
unsigned heap_lanes(void);
/* Starts a transaction that changes a word, and does not end it. */
void word_leave(size_t i, uint64_t value);
/* DRAM that pool 0's working copy holds. */
double heap_dram_bytes(void);

typedef PmFat fat;

static inline fat fat_of(void *p)
{
	return pm_fat(p);
}

static inline void *fat_at(fat f)
{
	return PM_R(f);
}

#endif
