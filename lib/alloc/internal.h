/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * internal.h: what the .c files of lib/alloc share.
 */
#ifndef PMHEAP_LIB_ALLOC_INTERNAL_H
#define PMHEAP_LIB_ALLOC_INTERNAL_H

#include "alloc/alloc.h"

_Static_assert(SLAB_EXT_MAX * PM_EXTENT_MAX <= 1 << 19, "slot_at()");

struct bin;

/*
 * Volatile twin of a slab on the medium. taken: claimed, reserved, allocated or
 * freed but not yet durable so; live and not hidden: may be passed to
 * pm_free(). live is a subset of taken, hidden one of live. Only the owner sets
 * bits of taken and live; anybody clears.
 *
 * The owner claims all free slots of a word at once and hands them out by plain
 * stores: an instruction with a lock prefix would wait until the program's
 * stores to its last objects have left the store buffer, each of them a miss of
 * the cache. Slots that are claimed but not handed out (avail) are taken and
 * live, as whoever claims changes words only once, but hidden.
 */
struct slab {
	/* A line that hardly changes, but for the owner's. */
	struct owner head;
	uint32_t class_idx, type;
	uint32_t size, n_ext, n_slots, n_words;
	uint32_t rover;			/* word of avail; owner's         */
	uint64_t off;
	uint64_t inverse;		/* of size, times 1 << 40         */
	uint64_t bitmap_off;		/* on the medium                  */
	AO_t owner;			/* the cache of the owning thread */
	/* Another. */
	AO_t n_free;			/* zero bits in taken             */
	AO_t avail;			/* owner's                        */
	AO_t durable;			/* has a descriptor on the medium */
	struct slab *next, *prev;	/* in bin->partial; a->mu         */
	struct bin *bin;
	bool owned, listed;		/* a->mu                          */
	struct word {
		AO_t taken, live;
		AO_t hidden;		/* owner's                        */
	} word[];
} CACHE_ALIGNED;

_Static_assert(offsetof(struct slab, n_free) == 64, "the first line");

static inline bool slab_is_live(const struct slab *s, uint32_t idx)
{
	/* In this order: a claim hides before it makes live. */
	AO_t live = AO_load_acquire(&s->word[idx / 64].live);

	return (live & ~AO_load(&s->word[idx / 64].hidden)) >> idx % 64 & 1;
}

static inline void slab_hide(struct slab *s, uint32_t w, AO_t bits)
{
	AO_store(&s->word[w].hidden, AO_load(&s->word[w].hidden) | bits);
}

static inline void slab_show(struct slab *s, uint32_t w, AO_t bits)
{
	AO_store(&s->word[w].hidden, AO_load(&s->word[w].hidden) & ~bits);
}

struct run {
	struct owner head;
	uint64_t off;
	uint32_t n_ext, type;
	AO_t live;
};

/* Slabs of one class and type that have free slots and no owner. */
struct bin {
	struct bin *next;		/* in the hash chain              */
	uint32_t class_idx, type;
	struct slab *partial;
};

struct zone {
	uint64_t off;			/* descriptors                    */
	uint64_t bitmap_off, spill_off, data_off;
	uint64_t data_len;
	uint64_t n_ext, n_free;
	uint64_t hint;			/* no free extent below           */
	uint64_t *used;			/* bitmap of extents in use       */
	AO_t *map;			/* extent -> slab, or run | 1     */
};

#define BINS 256
#define RUN_BIT 1u

struct alloc {
	pthread_mutex_t mu;
	uint64_t serial;		/* tells it from a later one      */
	uint32_t ext_size;		/* 1 << ext_bits                  */
	uint32_t ext_bits;
	AO_t n_zones;
	struct zone zone[PM_ZONES_MAX];
	struct bin *bins[BINS];
	AO_t *backed;			/* chunks with room on the medium */
	uint64_t chunk;			/* bytes                          */
	struct size_class class[CLASSES_MAX];
	unsigned n_classes;
	uint32_t slab_max;		/* the largest class              */
};

/* zone.c: geometry, the same for volatile state and for replay. */
struct place {
	uint32_t zone;
	uint64_t ext;			/* extent index in the zone       */
	uint64_t desc_off;
	uint64_t bitmap_off;		/* of that extent                 */
	uint64_t n_ext;			/* of the zone                    */
	uint64_t in_ext;		/* off - start of the extent      */
};

void zone_layout(const struct pm_zone *pz, uint32_t ext_size, struct zone *z);
/* False if off is in no extent. While there is no volatile state, slowly. */
bool place_in_header(const struct region *r, uint64_t off, struct place *out);
const struct pm_desc *desc_at(const struct region *r, uint64_t desc_off);

/* extent.c; all with a->mu held. */
/* 0, ALLOC_FULL, or -1 with a message. */
int extents_take(struct region *r, uint64_t n, uint64_t align, uint64_t *off);
void extents_give(struct alloc *a, uint64_t off, uint64_t n);
/* The longest run of free extents, at most want; 0: none. */
uint64_t extents_longest(struct alloc *a, uint64_t want, uint64_t *off);
int extents_back(struct region *r, uint64_t off, uint64_t len);
void map_set(struct alloc *a, uint64_t off, uint64_t n_ext, AO_t value);

static inline struct zone *zone_at(struct alloc *a, uint64_t off, uint64_t *ext)
{
	AO_t k = AO_load_acquire(&a->n_zones);

	while (k-- > 0) {
		struct zone *z = &a->zone[k];

		if (off < z->off)
			continue;
		/* Less than data_off is more than data_len. */
		if (off - z->data_off >= z->data_len)
			return NULL;
		*ext = (off - z->data_off) >> a->ext_bits;
		return z;
	}
	return NULL;
}

static inline AO_t map_get(struct alloc *a, uint64_t off)
{
	uint64_t ext;
	struct zone *z = zone_at(a, off, &ext);

	return z ? AO_load_acquire(&z->map[ext]) : 0;
}

static inline bool place_of(const struct region *r, uint64_t off,
			    struct place *out)
{
	struct alloc *a = r->alloc;
	struct zone *z = a ? zone_at(a, off, &out->ext) : NULL;

	if (UNLIKELY(!z))
		return place_in_header(r, off, out);
	out->zone = (uint32_t)(z - a->zone);
	out->n_ext = z->n_ext;
	out->in_ext = (off - z->data_off) & (a->ext_size - 1);
	out->desc_off = z->off + out->ext * sizeof(struct pm_desc);
	out->bitmap_off = z->bitmap_off +
			  out->ext * PM_BITMAP_BYTES(a->ext_size);
	return true;
}

static inline void slot_fill(const struct slab *s, uint32_t idx, struct slot *out)
{
	out->off = s->off + (uint64_t)idx * s->size;
	out->arg = (uint64_t)idx << 40 | (uint64_t)s->class_idx << 32 | s->type;
	out->usable = s->size;
	out->owner = (struct owner *)s;
	out->idx = idx;
	out->type = s->type;
	out->run = false;
}

/* at is less than SLAB_EXT_MAX * PM_EXTENT_MAX, and so is size: what is lost
 * by rounding the inverse is too little to matter. */
static inline uint32_t slot_at(const struct slab *s, uint64_t at)
{
	return (uint32_t)(at * s->inverse >> 40);
}

/* slab.c; NULL: no memory, with a message. */
struct slab *slab_new(struct alloc *a, uint64_t off, unsigned class_idx,
		      uint32_t type);
/* For a slab that was made without its place. */
void slab_place(struct alloc *a, struct slab *s, uint64_t off);
struct bin *bin_get(struct alloc *a, unsigned class_idx, uint32_t type);
void bin_list(struct slab *s);
void bin_unlist(struct slab *s);

void run_fill(const struct alloc *a, struct run *run, struct slot *out);
void slab_release(struct alloc *a, struct slab *s, uint32_t idx);

/* cache.c */
struct cached {
	uint64_t serial;	/* of the alloc; 0: empty            */
	struct slab *slab;
	int number;		/* region                            */
	uint32_t class_idx, type;
};

#define CACHE 64

struct cache {
	struct cached entry[CACHE];
};

extern HIDDEN THREAD_LOCAL struct cache *my_cache;

/* The calling thread's cache; NULL: no memory, with a message. */
struct cache *cache_get(void);
/* The slab that an entry names is given back, if there is one. */
void cache_drop(struct cached *e);
/* The same with a->mu of its region held. */
void cache_disown(struct cached *e);
/* All of the calling thread's of this region; a->mu held. */
void cache_flush(struct region *r);

/* Only this thread can make it the owner, or end that. */
static inline bool slab_is_mine(const struct slab *s)
{
	return my_cache && AO_load(&s->owner) == (AO_t)my_cache;
}

#endif
