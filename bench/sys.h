/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/sys.h: the system that this program measures, chosen at compile time
 * so that its calls are inline where its own headers have them inline.
 *
 * A system is a heap (heap_*.h gives allocation, transactions and references;
 * heap_ops.h makes words, a map and a queue of them) or a store of pairs
 * (pairs.h: words, a map and blobs are tables). The loops are the same for all.
 */
#ifndef PMHEAP_BENCH_SYS_H
#define PMHEAP_BENCH_SYS_H

#include "bench.h"

/* Pools that a process has open at once. */
#define SYS_POOLS 2

/* A new pool at path with room for len bytes of objects. */
void sys_create(unsigned pool, const char *path, size_t len);
/* The same, but the file has len bytes in all. Persistent heaps only. */
void sys_create_exact(unsigned pool, const char *path, size_t len);
/* Opens it as it was left; a volatile system does nothing. */
void sys_reopen(unsigned pool, const char *path);
void sys_close(unsigned pool);

/*
 * What a word and a map are to each system:
 *
 *	word_make(n)		n words of 8 bytes, all 0 (or not there)
 *	word_set(i, value)	one transaction, durable on return
 *	word_get(i)
 *	map_make(m, n)		map m, for n items
 *	map_fill(m, n)		inserts map_key(m, i) -> i, i = 1..n, in bulk
 *	map_insert(m, key, value) one transaction, durable on return
 *	map_find(m, key)	the value; 0: there is none
 *	map_remove(m, key)	one transaction, durable; false: there is none
 */
#define MAPS 12

/* One to one, so that i = 1, 2, 3 ... give different keys in no order; those
 * of different maps are different too. */
static inline uint64_t map_key(unsigned m, uint64_t i)
{
	i |= (uint64_t)m << 48;
	i *= 0x9e3779b97f4a7c15u;
	return i ^ i >> 32;
}

#if defined BENCH_PMHEAP
#include "heap_pmheap.h"
#elif defined BENCH_PMEMOBJ
#include "heap_pmemobj.h"
#elif defined BENCH_MALLOC
#include "heap_malloc.h"
#elif defined BENCH_PAIRS
#include "pairs.h"
#else
#error "no system to measure"
#endif

#ifdef SYS_IS_HEAP
#include "heap_ops.h"
#endif

#endif
