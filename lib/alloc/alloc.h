/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * alloc.h: the slab allocator of one region.
 *
 * The allocator never calls the log. It reserves slots in volatile state and
 * hands out log records; tx commits them and calls alloc_apply() to change the
 * medium and alloc_after() to change the volatile state. So a slot reserved by
 * a transaction that aborts or crashes was never anything but free (I4).
 *
 *	free --alloc_reserve--> reserved --commit: ALLOC--> allocated
 *	reserved --alloc_cancel--> free
 *	reserved --alloc_hide--> hidden --alloc_show--> reserved
 *	                         hidden --alloc_cancel--> free
 *	allocated --alloc_unlive--> freed, still taken --commit: FREE--> free
 *	                            freed --alloc_relive--> allocated
 *
 * Lock order: alloc.mu before the bitmap stripes; hdr_mu is a leaf.
 */
#ifndef PMHEAP_LIB_ALLOC_H
#define PMHEAP_LIB_ALLOC_H

#include "region/region.h"

/* What slots of one slab, or a run, have in common. */
struct owner {
	uint32_t note;		/* of who allocates there, to lib/tx     */
};

static inline uint32_t owner_note(const struct owner *o)
{
	return __atomic_load_n(&o->note, __ATOMIC_RELAXED);
}

/* One object's place. */
struct slot {
	uint64_t off;		/* region offset of the object          */
	uint64_t arg;		/* of its ALLOC/FREE or RUN/RUNFREE     */
	uint64_t usable;	/* bytes                                */
	struct owner *owner;	/* struct slab or struct run            */
	uint32_t idx;		/* slot in the slab                     */
	uint32_t type;
	bool run;
};

/* The slot whose bit is in the same word of the bitmap. */
static inline struct slot slot_sibling(const struct slot *s, unsigned bit)
{
	uint64_t ahead = (uint64_t)bit - s->idx % 64;
	struct slot t = *s;

	t.off += ahead * s->usable;
	t.arg += ahead << 40;
	t.idx += (uint32_t)ahead;
	return t;
}

/* One record for the slots of a word of the bitmap; payload: its bits. */
static inline struct pm_rec slot_mask_rec(const struct slot *s, unsigned type)
{
	return (struct pm_rec){
		PM_TAG(type, s->off - s->idx * s->usable),
		(uint64_t)(s->idx / 64) << 52 | 1ull << 40 |
		(s->arg & 0xffffffffffull)
	};
}

static inline struct pm_rec slot_alloc_rec(const struct slot *s)
{
	return (struct pm_rec){PM_TAG(s->run ? PM_REC_RUN : PM_REC_ALLOC,
				      s->off), s->arg};
}

static inline struct pm_rec slot_free_rec(const struct slot *s)
{
	return (struct pm_rec){PM_TAG(s->run ? PM_REC_RUNFREE : PM_REC_FREE,
				      s->off), s->arg};
}

/* Rebuilds the volatile state from the medium. -1 EUCLEAN, ENOMEM. */
int alloc_open(struct region *r);
void alloc_close(struct region *r);
/* Opening does not look at what was never used, which may be much. -1. */
int alloc_check_unused(struct region *r);
/* While held, no thread's slab cache looks at a region that is in no table;
 * taken before every lock of an allocator. */
void alloc_life_lock(void);
void alloc_life_unlock(void);
/*
 * Growth. Takes what the volatile state of a zone at off with len bytes needs,
 * -1 ENOMEM; then takes notice of the zone that the header has, or gives the
 * memory back. The caller lets no other growth in between.
 */
int alloc_prepare_zone(struct region *r, uint64_t off, uint64_t len);
void alloc_add_zone(struct region *r);
void alloc_forget_zone(struct region *r);

/* Reserves. ALLOC_FULL: no room in the region, without a message. -1 with
 * one: ENOMEM no memory for the process, ENOSPC or EIO from the medium. */
#define ALLOC_FULL 1
int alloc_reserve(struct region *r, uint64_t size, uint64_t align,
		  uint32_t type, struct slot *out);
void alloc_cancel(struct region *r, const struct slot *s);
/* The live object that starts at off. -1 EINVAL, without a message. */
int alloc_find(struct region *r, uint64_t off, struct slot *out);
/* The slot or run that holds off, live or not. -1: none does. */
int alloc_containing(struct region *r, uint64_t off, struct slot *out);
/* Is it what alloc_reserve() would look for? */
bool alloc_suits(struct region *r, const struct slot *s, uint64_t size,
		 uint64_t align, uint32_t type);
/* Marks freed. -1: it was not live. */
int alloc_unlive(struct region *r, const struct slot *s);
void alloc_relive(const struct slot *s);
/* The same for a slot that this thread has reserved and keeps: cheaper. bit:
 * the one in the same word of the bitmap as s. */
int alloc_hide(struct region *r, const struct slot *s, unsigned bit);
void alloc_show(const struct slot *s, unsigned bit);

/* Is this allocator record possible in this region? For replay (I7). */
bool alloc_rec_is_valid(const struct region *r, const struct pm_rec *rec,
			const void *payload);
/* Makes the record's change on the medium. The record is valid. */
void alloc_apply(struct region *r, const struct pm_rec *rec,
		 const void *payload);
/* Flushes what alloc_apply() wrote for this record, lines in set once. */
void alloc_flush(struct region *r, const struct pm_rec *rec,
		 struct flush_set *set);
/* Volatile consequences of a record that is durable and applied. */
void alloc_after(struct region *r, const struct pm_rec *rec,
		 const void *payload);

/*
 * Empty slabs whose extents can be given back after RELEASE records for them
 * are durable. Fills up to max; returns how many. Slabs that never became
 * durable are given back at once and not counted (*gained tells).
 */
unsigned alloc_collect(struct region *r, struct pm_rec *recs, unsigned max,
		       bool *gained);
/* The RELEASE records were committed, or not. */
void alloc_collected(struct region *r, const struct pm_rec *recs, unsigned n,
		     bool committed);

/* Room on the medium for bytes that are about to be written. -1: ENOSPC, or
 * what else keeps the file system from it. */
int alloc_back_slowly(struct region *r, uint64_t off, uint64_t len);
static inline int alloc_back(struct region *r, uint64_t off, uint64_t len)
{
	uint64_t c = off >> r->chunk_bits;

	if (LIKELY((off + len - 1) >> r->chunk_bits == c &&
		   AO_load(&r->backed[c / 64]) >> c % 64 & 1))
		return 0;
	return alloc_back_slowly(r, off, len);
}

/* A run of free extents for a spill, as long as possible up to want bytes. */
int alloc_spill_take(struct region *r, uint64_t want, uint64_t *off,
		     uint64_t *len);
/* The area that a zone sets aside, so that frees can always be logged. -1:
 * there is no such zone, or ENOSPC. */
int alloc_spill_area(struct region *r, unsigned zone, uint64_t *off,
		     uint64_t *len);
/* Room on the medium for these areas, so that a full disk does not matter. */
int alloc_spill_reserve(struct region *r);
void alloc_spill_give(struct region *r, uint64_t off, uint64_t len);
/* Size of the growth that an object of this size needs at least. */
uint64_t alloc_growth_for(const struct region *r, uint64_t size,
			  uint64_t align);

/* Are these bytes in extents that objects have? Others may be written to by
 * whoever spills a log. 0, or -1 with EINVAL. */
int alloc_holds(struct region *r, uint64_t off, uint64_t n);
/* Region of [ptr, ptr + n) if all of it lies in extents in use, and in one live
 * object if debug_objects(); else NULL with EINVAL. */
struct region *alloc_owner_of(const void *ptr, uint64_t n);

/* Iteration: the first live object of type at or after the slot given. */
uint64_t alloc_iterate(struct region *r, uint32_t type, uint64_t after_off);
void alloc_stats(struct region *r, PmStats *out);
/* Calls f for every live object, while nobody allocates or frees. */
void alloc_each_live(struct region *r,
		     void (*f)(struct region *r, const struct slot *s));
/* Calls f for the byte range of every extent in use, while it returns 0;
 * what it returned. */
int alloc_each_used(struct region *r,
		    int (*f)(struct region *r, uint64_t off, uint64_t len));
/* Stops and restarts extents changing hands (fork). */
void alloc_freeze(struct region *r);
void alloc_thaw(struct region *r);
void alloc_fork_child(void);

/* sizeclass.c */
struct size_class {
	uint32_t size;		/* of a slot                    */
	uint32_t n_ext;		/* extents of a slab            */
	uint32_t n_slots;
};

#define CLASSES_MAX 112
#define SLAB_EXT_MAX 8u	/* extents of a slab, at most */

unsigned class_count(uint32_t ext_size);
#define CLASSES_LINEAR 8u	/* of 16, 32 ... 128 bytes */

unsigned class_of_aligned(uint64_t size, uint64_t align);

static inline unsigned class_of(uint64_t size, uint64_t align)
{
	unsigned msb;

	if (UNLIKELY(align > 16))
		return class_of_aligned(size, align);
	if (size <= 128)
		return size ? (unsigned)(size + 15) / 16 - 1 : 0;
	size--;
	msb = 63 - (unsigned)__builtin_clzll(size);
	return CLASSES_LINEAR + (msb - 7) * 8 + ((size >> (msb - 3)) & 7);
}

static inline uint32_t class_size(unsigned idx)
{
	unsigned k = (idx - CLASSES_LINEAR) / 8;

	if (idx < CLASSES_LINEAR)
		return 16 * (idx + 1);
	return (128u << k) + (16u << k) * ((idx - CLASSES_LINEAR) % 8 + 1);
}

struct size_class class_get(uint32_t ext_size, unsigned idx);

#endif
