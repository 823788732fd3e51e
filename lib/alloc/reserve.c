/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reserve.c: taking a slot. Each thread owns a slab per class and type that it
 * uses (cache.c); only the slow path takes a->mu.
 */
#include "alloc/internal.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/*
 * Claims free slots of one word. n_free counts slots whose bits are clear
 * already, and only the owner sets any: if it is not 0 there are as many to be
 * found. Others whose bits are clear are not counted yet.
 */
static bool slab_claim(struct slab *s)
{
	uint32_t w = s->rover;
	AO_t n_free = AO_load(&s->n_free), word;
	AO_t n;

	if (!n_free)
		return false;
	while (!(word = ~AO_load_acquire(&s->word[w].taken)))
		w = w + 1 == s->n_words ? 0 : w + 1;
	while ((n = (AO_t)__builtin_popcountll(word)) > n_free)
		word &= word - 1;
	AO_fetch_and_add_full(&s->n_free, -n);
	fetch_or(&s->word[w].taken, word);
	slab_hide(s, w, word);
	fetch_or(&s->word[w].live, word);
	s->rover = w;
	s->avail = word;
	return true;
}

/* Takes a free slot of a slab that the caller owns. */
static inline bool slab_take(struct region *r, struct slab *s,
			     struct slot *out)
{
	AO_t avail = s->avail;

	if (UNLIKELY(!avail)) {
		if (!slab_claim(s))
			return false;
		avail = s->avail;
	}
	slab_show(s, s->rover, avail & -avail);
	slot_fill(s, s->rover * 64 + (uint32_t)__builtin_ctzll(avail), out);
	avail &= avail - 1;
	s->avail = avail;
	/* The program writes to the next one soon, and stores wait for those
	 * before them. */
	if (LIKELY(avail))
		__builtin_prefetch(r->work + s->off +
				   (s->rover * 64 +
				    (uint64_t)__builtin_ctzll(avail)) *
				   s->size, 1);
	return true;
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
	slab_place(a, s, off);
	map_set(a, off, s->n_ext, (AO_t)s);
	/* Its pages will all be written soon: one call instead of a fault
	 * for each. A kernel that does not know it leaves the faults. */
	if (!r->readonly)
		madvise(r->work + off, (size_t)s->n_ext * a->ext_size,
			MADV_POPULATE_WRITE);
	*out = s;
	return 0;
}

static int from_bin(struct region *r, struct cached *e, unsigned idx,
			uint32_t type, struct slot *out)
{
	struct alloc *a = r->alloc;
	struct bin *b;
	struct slab *s = NULL;
	int ret = -1;

	if (e->serial && e->serial != a->serial)
		cache_drop(e);
	pthread_mutex_lock(&a->mu);
	if (e->serial)
		cache_disown(e);
	b = bin_get(a, idx, type);
	if (b)
		s = b->partial;
	if (s)
		bin_unlist(s);
	else if (b)
		ret = slab_carve(r, idx, type, &s);
	if (s) {
		s->owned = true;
		AO_store(&s->owner, (AO_t)my_cache);
		*e = (struct cached){a->serial, s, r->number, idx, type};
		/* Listed slabs have a free slot, and only owners take. */
		ret = slab_take(r, s, out) ? 0 : -1;
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

static struct cached *entry_of(struct cache *c, const struct alloc *a,
			       unsigned idx, uint32_t type)
{
	return &c->entry[(idx + type * 7 + (unsigned)a->serial * 13) % CACHE];
}

static __attribute__((noinline)) int
reserve_slowly(struct region *r, uint64_t size, uint64_t align, uint32_t type,
	       struct slot *out)
{
	struct alloc *a = r->alloc;
	struct cache *c;
	struct cached *e;
	unsigned idx;
	int ret;

	if (size > r->hdr->max_size)
		return ALLOC_FULL;
	if (size > a->slab_max || align > a->ext_size)
		return reserve_run(r, size, align, type, out);
	/* The last class is a power of two, of eight extents. */
	idx = class_of(size, align);
	assert(idx < a->n_classes);
	c = cache_get();
	if (!c)
		return -1;
	e = entry_of(c, a, idx, type);
	if (e->serial == a->serial && e->class_idx == idx && e->type == type &&
	    slab_take(r, e->slab, out))
		return 0;
	ret = from_bin(r, e, idx, type, out);
	/* No room for a slab of several extents: just what is needed. */
	if (ret == ALLOC_FULL && a->class[idx].n_ext > 1)
		return reserve_run(r, size, align, type, out);
	return ret;
}

int alloc_reserve(struct region *r, uint64_t size, uint64_t align,
		  uint32_t type, struct slot *out)
{
	struct alloc *a = r->alloc;
	struct cache *c = my_cache;

	if (LIKELY(c && size <= a->slab_max && align <= 16)) {
		unsigned idx = class_of(size, 16);
		struct cached *e = entry_of(c, a, idx, type);

		if (LIKELY(e->serial == a->serial && e->class_idx == idx &&
			   e->type == type && slab_take(r, e->slab, out)))
			return 0;
	}
	return reserve_slowly(r, size, align, type, out);
}

bool alloc_suits(struct region *r, const struct slot *s, uint64_t size,
		 uint64_t align, uint32_t type)
{
	return !s->run && s->type == type && size <= s->usable &&
	       align <= r->alloc->ext_size &&
	       class_of(size, align) == (s->arg >> 32 & 0xff);
}

uint64_t alloc_growth_for(const struct region *r, uint64_t size,
			  uint64_t align)
{
	uint64_t ext = r->hdr->extent_size;
	uint64_t n = size / ext + 2 + (align > ext ? align / ext : 0) +
		     (size <= 8 * ext ? 8 : 0);

	return round_up(n * (ext + PM_META_BYTES(ext)) + 2 * ext, ext);
}
