/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reserve.c: taking a slot. Each thread owns a slab per class and type that it
 * uses, found in a small cache of its own; only the slow path takes a->mu. A
 * thread gives its slabs back when it ends.
 */
#include "alloc/internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define CACHE 64

struct cached {
	uint64_t serial;	/* of the alloc; 0: empty            */
	struct slab *slab;
	int number;		/* region                            */
	uint32_t class_idx, type;
};

struct cache {
	struct cached entry[CACHE];
};

static THREAD_LOCAL struct cache *my_cache;
static pthread_key_t cache_key;
/* A region that a cache entry names is not freed meanwhile; before a->mu. */
static pthread_mutex_t life_mu = PTHREAD_MUTEX_INITIALIZER;

/* A slab is given back: to its bin if anything in it is free. a->mu held. */
static void disown(struct cached *e)
{
	struct slab *s = e->slab;

	s->owned = false;
	if (AO_load(&s->n_free))
		bin_list(s);
	e->serial = 0;
}

static void drop(struct cached *e)
{
	struct region *r;

	if (!e->serial)
		return;
	pthread_mutex_lock(&life_mu);
	r = table_get(e->number);
	if (r && r->alloc && r->alloc->serial == e->serial) {
		pthread_mutex_lock(&r->alloc->mu);
		disown(e);
		pthread_mutex_unlock(&r->alloc->mu);
	}
	pthread_mutex_unlock(&life_mu);
	e->serial = 0;
}

void alloc_life_lock(void)
{
	pthread_mutex_lock(&life_mu);
}

void alloc_life_unlock(void)
{
	pthread_mutex_unlock(&life_mu);
}

static void cache_end(void *p)
{
	struct cache *c = p;
	int i;

	for (i = 0; i < CACHE; i++)
		drop(&c->entry[i]);
	my_cache = NULL;
	free(c);
}

/* The key by which threads that end are noticed; tried again if it fails. */
static bool cache_init(void)
{
	static bool made;
	bool ok;

	pthread_mutex_lock(&life_mu);
	if (!made)
		made = pthread_key_create(&cache_key, cache_end) == 0;
	ok = made;
	pthread_mutex_unlock(&life_mu);
	if (!ok)
		err_set(ENOMEM, "all keys for data of threads are in use");
	return ok;
}

static struct cache *cache_get(void)
{
	struct cache *c = my_cache;

	if (LIKELY(c != NULL))
		return c;
	if (!cache_init())
		return NULL;
	c = calloc(1, sizeof(*c));
	if (!c || pthread_setspecific(cache_key, c)) {
		free(c);
		c = NULL;
		err_set(ENOMEM, "out of memory");
	}
	my_cache = c;
	return c;
}

/* The calling thread's slabs of this region go back to their bins. */
void cache_flush(struct region *r)
{
	int i;

	for (i = 0; my_cache && i < CACHE; i++)
		if (my_cache->entry[i].serial == r->alloc->serial)
			disown(&my_cache->entry[i]);
}

/* Takes a free slot of a slab that the caller owns. n_free counts slots whose
 * bits are clear already, and only the owner sets any: if it is not 0 there is
 * one to be found. */
static bool slab_take(struct slab *s, struct slot *out)
{
	uint32_t w = s->rover;

	if (!AO_load(&s->n_free))
		return false;
	for (;;) {
		AO_t word = ~AO_load_acquire(&s->taken[w]);

		if (word) {
			unsigned bit = (unsigned)__builtin_ctzll(word);

			AO_fetch_and_sub1_full(&s->n_free);
			fetch_or(&s->taken[w], (AO_t)1 << bit);
			fetch_or(&s->live[w], (AO_t)1 << bit);
			s->rover = w;
			slot_fill(s, w * 64 + bit, out);
			return true;
		}
		w = w + 1 == s->n_words ? 0 : w + 1;
	}
}

/* A new slab from free extents; a->mu held. 0, ALLOC_FULL, -1. */
static int slab_carve(struct region *r, unsigned idx, uint32_t type,
		      struct slab **out)
{
	struct alloc *a = r->alloc;
	struct slab *s = slab_new(a, 0, idx, type);
	uint64_t off;
	int ret;

	if (!s)
		return -1;
	ret = extents_take(r, s->n_ext, a->ext_size, &off);
	if (ret) {
		free(s);
		return ret;
	}
	s->off = off;
	map_set(a, off, s->n_ext, (AO_t)s);
	/* Its pages will all be written soon: one call instead of a fault
	 * for each. A kernel that does not know it leaves the faults. */
	if (!r->readonly)
		madvise(r->work + off, (size_t)s->n_ext * a->ext_size,
			MADV_POPULATE_WRITE);
	*out = s;
	return 0;
}

static int reserve_slow(struct region *r, struct cached *e, unsigned idx,
			uint32_t type, struct slot *out)
{
	struct alloc *a = r->alloc;
	struct bin *b;
	struct slab *s = NULL;
	int ret = -1;

	if (e->serial && e->serial != a->serial)
		drop(e);
	pthread_mutex_lock(&a->mu);
	if (e->serial)
		disown(e);
	b = bin_get(a, idx, type);
	if (b)
		s = b->partial;
	if (s)
		bin_unlist(s);
	else if (b)
		ret = slab_carve(r, idx, type, &s);
	if (s) {
		s->owned = true;
		*e = (struct cached){a->serial, s, r->number, idx, type};
		/* Listed slabs have a free slot, and only owners take. */
		ret = slab_take(s, out) ? 0 : -1;
	}
	pthread_mutex_unlock(&a->mu);
	return ret;
}

static int reserve_run(struct region *r, uint64_t size, uint64_t align,
		       uint32_t type, struct slot *out)
{
	struct alloc *a = r->alloc;
	uint64_t n = size / a->ext_size + (size % a->ext_size != 0);
	struct run *run;
	uint64_t off;
	int ret;

	/* max_size is less than the window of 2^44 bytes, an extent has 2^12
	 * or more. */
	assert(n <= UINT32_MAX);
	run = calloc(1, sizeof(*run));
	if (!run)
		return err_set(ENOMEM, "out of memory");
	pthread_mutex_lock(&a->mu);
	ret = extents_take(r, n, max_u64(align, a->ext_size), &off);
	if (ret) {
		pthread_mutex_unlock(&a->mu);
		free(run);
		return ret;
	}
	run->off = off;
	run->n_ext = (uint32_t)n;
	run->type = type;
	run->live = 1;
	map_set(a, off, n, (AO_t)run | RUN_BIT);
	pthread_mutex_unlock(&a->mu);
	run_fill(a, run, out);
	return 0;
}

int alloc_reserve(struct region *r, uint64_t size, uint64_t align,
		  uint32_t type, struct slot *out)
{
	struct alloc *a = r->alloc;
	struct cache *c;
	struct cached *e;
	unsigned idx;
	int ret;

	if (size > r->hdr->max_size)
		return ALLOC_FULL;
	if (size > a->class[a->n_classes - 1].size || align > a->ext_size)
		return reserve_run(r, size, align, type, out);
	/* The last class is a power of two, of eight extents. */
	idx = class_of(size, align);
	assert(idx < a->n_classes);
	c = cache_get();
	if (!c)
		return -1;
	e = &c->entry[(idx + type * 7 + (unsigned)a->serial * 13) % CACHE];
	if (LIKELY(e->serial == a->serial && e->class_idx == idx &&
		   e->type == type && slab_take(e->slab, out)))
		return 0;
	ret = reserve_slow(r, e, idx, type, out);
	/* No room for a slab of several extents: just what is needed. */
	if (ret == ALLOC_FULL && a->class[idx].n_ext > 1)
		return reserve_run(r, size, align, type, out);
	return ret;
}

uint64_t alloc_growth_for(const struct region *r, uint64_t size,
			  uint64_t align)
{
	uint64_t ext = r->hdr->extent_size;
	uint64_t n = size / ext + 2 + (align > ext ? align / ext : 0) +
		     (size <= 8 * ext ? 8 : 0);

	return round_up(n * (ext + PM_META_BYTES(ext)) + 2 * ext, ext);
}
