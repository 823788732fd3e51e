/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * open.c: the volatile state of a region that has just been recovered, built
 * from its descriptors, and verified on the way (I4, I7): groups of extents do
 * not overlap or leave their zone, and no bit is set that no object can have.
 */
#include "alloc/internal.h"

#include <inttypes.h>
#include <pmheap/alloc.h>
#include <stdlib.h>

static AO_t next_serial = 1;

static int damaged(const struct region *r, const struct zone *z, uint64_t i,
		   const char *what)
{
	return err_set(EUCLEAN, "%s: damaged: extent %" PRIu64 " of the zone at "
		       "%" PRIu64 ": %s", region_name(r), i, z->off, what);
}

static void claim(struct zone *z, uint64_t i, uint64_t n, AO_t value)
{
	uint64_t k;

	for (k = i; k < i + n; k++) {
		z->used[k / 64] |= 1ull << k % 64;
		z->map[k] = value;
	}
	z->n_free -= n;
}

/* Only the first descriptor and bitmap of a group may be non-zero. */
static bool rest_is_zero(const struct region *r, const struct zone *z,
			 uint64_t i, uint64_t n, bool first_bitmap)
{
	uint64_t bytes = PM_BITMAP_BYTES(r->hdr->extent_size);
	uint64_t from = first_bitmap ? i : i + 1;

	return med_is_zero(&r->md, z->off + (i + 1) * sizeof(struct pm_desc),
			   (n - 1) * sizeof(struct pm_desc)) &&
	       med_is_zero(&r->md, z->bitmap_off + from * bytes,
			   (i + n - from) * bytes);
}

static int load_slab(struct region *r, struct zone *z, uint64_t i,
		     const struct pm_desc *d)
{
	struct alloc *a = r->alloc;
	uint64_t bytes = PM_BITMAP_BYTES(a->ext_size);
	const uint64_t *bits = (const uint64_t *)
		(r->home + z->bitmap_off + i * bytes);
	struct slab *s;
	uint32_t w, used = 0;

	if (d->class_idx >= a->n_classes ||
	    d->n_ext != a->class[d->class_idx].n_ext ||
	    d->n_ext > z->n_ext - i)
		return damaged(r, z, i, "impossible slab");
	if (!rest_is_zero(r, z, i, d->n_ext, false))
		return damaged(r, z, i, "overlaps the slab before it");
	s = slab_new(a, z->data_off + i * a->ext_size, d->class_idx, d->type);
	if (!s)
		return -1;
	claim(z, i, d->n_ext, (AO_t)s);
	for (w = 0; w < bytes / 8; w++) {
		AO_t free_mask = w < s->n_words ? ~s->word[w].taken : 0;

		if (bits[w] & ~free_mask)
			return damaged(r, z, i, "an object beyond its slab");
		if (w >= s->n_words)
			continue;
		s->word[w].taken |= bits[w];
		s->word[w].live = bits[w];
		used += (uint32_t)__builtin_popcountll(bits[w]);
	}
	s->durable = 1;
	s->n_free = s->n_slots - used;
	if (s->n_free)
		bin_list(s);
	return 0;
}

static int load_run(struct region *r, struct zone *z, uint64_t i,
		    const struct pm_desc *d)
{
	struct run *run;

	if (d->n_ext == 0 || d->n_ext > z->n_ext - i || d->class_idx)
		return damaged(r, z, i, "impossible run");
	if (!rest_is_zero(r, z, i, d->n_ext, true))
		return damaged(r, z, i, "overlaps the run before it");
	run = calloc(1, sizeof(*run));
	if (!run)
		return err_set(ENOMEM, "%s: out of memory", region_name(r));
	run->off = z->data_off + i * r->alloc->ext_size;
	run->n_ext = d->n_ext;
	run->type = d->type;
	run->live = 1;
	claim(z, i, d->n_ext, (AO_t)run | RUN_BIT);
	return 0;
}

static int load_group(struct region *r, struct zone *z, uint64_t i,
		      const struct pm_desc *d)
{
	if (d->kind > PM_EXT_RUN || d->reserved || d->reserved1 ||
	    d->type > PM_TYPE_MAX)
		return damaged(r, z, i, "impossible descriptor");
	if (d->kind == PM_EXT_FREE)
		return bytes_are_zero(d, sizeof(*d)) ? 0
			: damaged(r, z, i, "free but not empty");
	return d->kind == PM_EXT_SLAB ? load_slab(r, z, i, d)
				      : load_run(r, z, i, d);
}

/* The bitmaps of extents from..i-1, which are free. */
static int check_free(struct region *r, struct zone *z, uint64_t from,
		      uint64_t i)
{
	uint64_t bytes = PM_BITMAP_BYTES(r->alloc->ext_size);

	return med_is_zero(&r->md, z->bitmap_off + from * bytes,
			   (i - from) * bytes)
		? 0 : damaged(r, z, from, "free but not empty");
}

static int load_zone(struct region *r, struct zone *z, uint64_t used_hi)
{
	uint64_t end = z->off + used_hi * sizeof(struct pm_desc);
	uint64_t i = 0, free_from = 0, lo = 0, hi = 0;

	while (i < used_hi) {
		uint64_t at = z->off + i * sizeof(struct pm_desc);
		const struct pm_desc *d = desc_at(r, at);

		if (at >= hi)
			med_data(&r->md, at, end, &lo, &hi);
		if (at < lo) {
			i = (lo - z->off) / sizeof(struct pm_desc);
			continue;
		}
		if (load_group(r, z, i, d))
			return -1;
		if (d->kind == PM_EXT_FREE) {
			i++;
			continue;
		}
		if (check_free(r, z, free_from, i))
			return -1;
		i += d->n_ext;
		free_from = i;
	}
	return check_free(r, z, free_from, used_hi > free_from ? used_hi
							       : free_from);
}

static int open_zone(struct region *r, struct zone *z,
		     const struct pm_zone *pz)
{
	zone_layout(pz, r->alloc->ext_size, z);
	z->n_free = z->n_ext;
	z->map = calloc(z->n_ext, sizeof(*z->map));
	z->used = calloc(z->n_ext / 64 + 1, sizeof(*z->used));
	if (!z->map || !z->used)
		return err_set(ENOMEM, "%s: out of memory", region_name(r));
	return 0;
}

static int open_chunks(struct region *r)
{
	struct alloc *a = r->alloc;
	uint64_t n;

	a->chunk = max_u64(a->ext_size * 16ull, 65536);
	n = r->hdr->max_size / a->chunk + 1;
	a->backed = calloc(n / 64 + 1, sizeof(*a->backed));
	r->backed = a->backed;
	r->ext_bits = a->ext_bits;
	r->chunk_bits = (unsigned)__builtin_ctzll(a->chunk);
	return a->backed ? 0 : err_set(ENOMEM, "%s: out of memory",
				       region_name(r));
}

int alloc_open(struct region *r)
{
	struct alloc *a = calloc(1, sizeof(*a));
	uint32_t i;

	if (!a)
		return err_set(ENOMEM, "%s: out of memory", region_name(r));
	pthread_mutex_init(&a->mu, NULL);
	r->alloc = a;
	a->serial = AO_fetch_and_add1(&next_serial);
	a->ext_size = r->hdr->extent_size;
	a->ext_bits = (uint32_t)__builtin_ctz(a->ext_size);
	a->n_classes = class_count(a->ext_size);
	for (i = 0; i < a->n_classes; i++)
		a->class[i] = class_get(a->ext_size, i);
	a->slab_max = a->class[a->n_classes - 1].size;
	if (open_chunks(r))
		goto fail;
	for (i = 0; i < r->hdr->n_zones; i++) {
		a->n_zones = i + 1;
		if (open_zone(r, &a->zone[i], &r->hdr->zone[i]) ||
		    load_zone(r, &a->zone[i], r->hdr->zone[i].used_hi))
			goto fail;
	}
	r->extents = a->zone[0].map;
	return 0;
fail:
	alloc_close(r);
	return -1;
}

int alloc_prepare_zone(struct region *r, uint64_t off, uint64_t len)
{
	struct pm_zone pz = {off, len, 0, 0};

	pz.n_ext = zone_extents(off, len, r->alloc->ext_size);
	if (open_zone(r, &r->alloc->zone[r->alloc->n_zones], &pz) == 0)
		return 0;
	alloc_forget_zone(r);
	return -1;
}

int alloc_check_unused(struct region *r)
{
	uint64_t bytes = PM_BITMAP_BYTES(r->alloc->ext_size);
	uint32_t i;

	for (i = 0; i < r->hdr->n_zones; i++) {
		const struct zone *z = &r->alloc->zone[i];
		uint64_t hi = r->hdr->zone[i].used_hi, n = z->n_ext - hi;

		if (!med_is_zero(&r->md, z->off + hi * sizeof(struct pm_desc),
				 n * sizeof(struct pm_desc)) ||
		    !med_is_zero(&r->md, z->bitmap_off + hi * bytes,
				 n * bytes))
			return damaged(r, z, hi, "never used, but not empty");
	}
	return 0;
}

void alloc_add_zone(struct region *r)
{
	struct alloc *a = r->alloc;
	uint64_t c = a->zone[a->n_zones].off / a->chunk;

	pthread_mutex_lock(&a->mu);
	/* The chunk at the old end was reserved only up to it. */
	fetch_and(&a->backed[c / 64], ~((AO_t)1 << c % 64));
	AO_store_release(&a->n_zones, a->n_zones + 1);
	pthread_mutex_unlock(&a->mu);
}

void alloc_forget_zone(struct region *r)
{
	struct zone *z = &r->alloc->zone[r->alloc->n_zones];

	free(z->map);
	free(z->used);
	z->map = NULL;
	z->used = NULL;
}

static void close_zone(struct zone *z)
{
	uint64_t i = 0;

	while (z->map && i < z->n_ext) {
		AO_t v = z->map[i];

		if (v & RUN_BIT) {
			struct run *run = (struct run *)(v - RUN_BIT);

			i += run->n_ext;
			free(run);
		} else if (v) {
			i += ((struct slab *)v)->n_ext;
			free((void *)v);
		} else {
			i++;
		}
	}
	free(z->map);
	free(z->used);
}

void alloc_close(struct region *r)
{
	struct alloc *a = r->alloc;
	unsigned i;

	if (!a)
		return;
	/* The region is in no table; wait for those who found it there. */
	alloc_life_lock();
	alloc_life_unlock();
	for (i = 0; i < a->n_zones; i++)
		close_zone(&a->zone[i]);
	for (i = 0; i < BINS; i++) {
		while (a->bins[i]) {
			struct bin *b = a->bins[i];

			a->bins[i] = b->next;
			free(b);
		}
	}
	pthread_mutex_destroy(&a->mu);
	free(a->backed);
	free(a);
	r->alloc = NULL;
}
