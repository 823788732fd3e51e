/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/heap_malloc.h: the C library's heap, or one that is linked in its
 * place; see heap_pmheap.h for what is what. Nothing is durable: a reference
 * for what is volatile at best.
 */
#ifndef PMHEAP_BENCH_HEAP_MALLOC_H
#define PMHEAP_BENCH_HEAP_MALLOC_H

#include <stdlib.h>

#define SYS_IS_HEAP 1

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

#define HEAP_TX_BEGIN {
#define HEAP_TX_END }

static inline void heap_add(void *p, size_t n)
{
	(void)n;
	bench_keep(p);
}

static inline ref heap_tx_alloc(size_t n)
{
	void *p = malloc(n);

	if (!p)
		bench_die("an allocation");
	bench_keep(p);
	return p;
}

static inline void heap_tx_free(ref r)
{
	bench_keep(r);
	free(r);
}

static inline ref heap_alloc(size_t n)
{
	return heap_tx_alloc(n);
}

static inline void heap_free(ref r)
{
	heap_tx_free(r);
}

static inline void heap_publish(ref *where, size_t n)
{
	*where = heap_tx_alloc(n);
}

static inline void heap_set_word(uint64_t *word, uint64_t value)
{
	*word = value;
	bench_keep(word);
}

void *heap_array(unsigned pool, unsigned slot, size_t len);
long heap_objects(void);
long heap_commits(void);

#endif
