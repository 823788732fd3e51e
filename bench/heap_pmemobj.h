/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/heap_pmemobj.h: libpmemobj; see heap_pmheap.h for what is what. A
 * reference is a PMEMoid, as its manual has it.
 */
#ifndef PMHEAP_BENCH_HEAP_PMEMOBJ_H
#define PMHEAP_BENCH_HEAP_PMEMOBJ_H

#include <libpmemobj.h>

/* Its transactions come back by longjmp() only to end the program here. */
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wclobbered"
#endif

#define SYS_IS_HEAP 1
#define SYS_PERSISTENT 1
#define SYS_HAS_FAT 1

extern PMEMobjpool *pmemobj_pool[SYS_POOLS];

typedef PMEMoid ref;
#define REF_NULL OID_NULL

static inline void *ref_at(ref r)
{
	return pmemobj_direct(r);
}

static inline bool ref_is_null(ref r)
{
	return OID_IS_NULL(r);
}

#define HEAP_TX_BEGIN TX_BEGIN(pmemobj_pool[0]) {
#define HEAP_TX_END							\
	} TX_ONABORT {							\
		bench_die("a transaction");				\
	} TX_END

static inline void heap_add(void *p, size_t n)
{
	(void)pmemobj_tx_add_range_direct(p, n);
}

static inline ref heap_tx_alloc(size_t n)
{
	return pmemobj_tx_alloc(n, 0);
}

static inline void heap_tx_free(ref r)
{
	(void)pmemobj_tx_free(r);
}

static inline ref heap_alloc(size_t n)
{
	PMEMoid oid;

	if (pmemobj_alloc(pmemobj_pool[0], &oid, n, 0, NULL, NULL))
		bench_die("an allocation");
	return oid;
}

static inline void heap_free(ref r)
{
	pmemobj_free(&r);
}

static inline void heap_publish(ref *where, size_t n)
{
	if (pmemobj_alloc(pmemobj_pool[0], where, n, 0, NULL, NULL))
		bench_die("an allocation");
}

static inline void heap_set_word(uint64_t *word, uint64_t value)
{
	HEAP_TX_BEGIN {
		TX_ADD_DIRECT(word);
		*word = value;
	} HEAP_TX_END
}

static inline bool heap_try(size_t n)
{
	PMEMoid oid;

	return pmemobj_alloc(pmemobj_pool[0], &oid, n, 0, NULL, NULL) == 0;
}

void *heap_array(unsigned pool, unsigned slot, size_t len);
long heap_objects(void);
long heap_commits(void);
long heap_pending(void);
unsigned heap_lanes(void);
void word_leave(size_t i, uint64_t value);

typedef PMEMoid fat;

static inline fat fat_of(void *p)
{
	return pmemobj_oid(p);
}

static inline void *fat_at(fat f)
{
	return pmemobj_direct(f);
}

#endif
