/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * extent.c: runs of free extents, and room on the medium for them. First fit
 * from the low end, so that what is in use stays together. a->mu is held.
 */
#include "alloc/internal.h"

#include <string.h>

/* Up to this size an object finds a full disk when it is allocated; beyond,
 * when bytes of it are committed. */
#define EARLY_MAX (64ull << 20)
#define SPILL_EARLY_MAX (4ull << 30)

/* First extent at or after i with the wanted state, at most n_ext. */
static uint64_t find_state(const struct zone *z, uint64_t i, bool used)
{
	while (i < z->n_ext) {
		uint64_t word = used ? z->used[i / 64] : ~z->used[i / 64];

		word >>= i % 64;
		if (word) {
			i += (uint64_t)__builtin_ctzll(word);
			return min_u64(i, z->n_ext);
		}
		i = (i / 64 + 1) * 64;
	}
	return z->n_ext;
}

static void set_used(struct zone *z, uint64_t i, uint64_t n, bool used)
{
	uint64_t end = i + n;

	for (; i < end; i++) {
		if (used)
			z->used[i / 64] |= 1ull << i % 64;
		else
			z->used[i / 64] &= ~(1ull << i % 64);
	}
}

/* First free run of n extents whose offset is aligned; n_ext: none. */
static uint64_t find_run(struct alloc *a, struct zone *z, uint64_t n,
			 uint64_t align)
{
	uint64_t i = find_state(z, z->hint, false);

	z->hint = i;
	while (i < z->n_ext) {
		uint64_t end, at = z->data_off + i * a->ext_size;

		if (at % align) {
			i += (round_up(at, align) - at) / a->ext_size;
			i = find_state(z, i, false);
			if (i < z->n_ext && (z->data_off + i * a->ext_size) %
					    align)
				continue;
		}
		if (i >= z->n_ext)
			break;
		end = find_state(z, i, true);
		if (end - i >= n)
			return i;
		i = find_state(z, end, false);
	}
	return z->n_ext;
}

int extents_back(struct region *r, uint64_t off, uint64_t len)
{
	struct alloc *a = r->alloc;
	PmMedium *m = &r->md.m;
	uint64_t c = off / a->chunk;

	for (; c * a->chunk < off + len; c++) {
		uint64_t at = c * a->chunk;
		uint64_t n = min_u64(a->chunk, AO_load(&r->size) - at);

		if (AO_load(&a->backed[c / 64]) >> c % 64 & 1)
			continue;
		if (m->backend->reserve && m->backend->reserve(m, at, n))
			return err_set(errno, "%s: no room on the medium for "
				       "%llu more bytes: %s", region_name(r),
				       (unsigned long long)n, strerror(errno));
		fetch_or(&a->backed[c / 64], (AO_t)1 << c % 64);
	}
	return 0;
}

int alloc_back_slowly(struct region *r, uint64_t off, uint64_t len)
{
	struct alloc *a = r->alloc;
	uint64_t c = off / a->chunk, end = (off + len - 1) / a->chunk;
	int ret;

	while (LIKELY(c <= end &&
		      (AO_load(&a->backed[c / 64]) >> c % 64 & 1)))
		c++;
	if (LIKELY(c > end || len == 0))
		return 0;
	pthread_mutex_lock(&a->mu);
	ret = extents_back(r, off, len);
	pthread_mutex_unlock(&a->mu);
	return ret;
}

/* Descriptor and bitmap of a group's first extent; the others have none. */
static int back_metadata(struct region *r, const struct zone *z, uint64_t i)
{
	uint64_t bytes = PM_BITMAP_BYTES(r->alloc->ext_size);

	if (extents_back(r, z->off + i * sizeof(struct pm_desc),
			 sizeof(struct pm_desc)))
		return -1;
	return extents_back(r, z->bitmap_off + i * bytes, bytes);
}

int extents_take(struct region *r, uint64_t n, uint64_t align, uint64_t *off)
{
	struct alloc *a = r->alloc;
	AO_t k;

	for (k = 0; k < a->n_zones; k++) {
		struct zone *z = &a->zone[k];
		uint64_t i, at;

		if (z->n_free < n)
			continue;
		i = find_run(a, z, n, align);
		if (i == z->n_ext)
			continue;
		at = z->data_off + i * a->ext_size;
		if (back_metadata(r, z, i))
			return -1;
		/* Of a huge object only what is written needs room. */
		if (n * a->ext_size <= EARLY_MAX &&
		    extents_back(r, at, n * a->ext_size))
			return -1;
		if (window_make_writable(r, at, n * a->ext_size))
			return -1;
		set_used(z, i, n, true);
		z->n_free -= n;
		*off = at;
		return 0;
	}
	return ALLOC_FULL;
}

void extents_give(struct alloc *a, uint64_t off, uint64_t n)
{
	uint64_t i = 0;
	struct zone *z = zone_at(a, off, &i);

	set_used(z, i, n, false);
	z->n_free += n;
	z->hint = min_u64(z->hint, i);
}

uint64_t extents_longest(struct alloc *a, uint64_t want, uint64_t *off)
{
	uint64_t best = 0;
	AO_t k;

	for (k = 0; k < a->n_zones && best < want; k++) {
		struct zone *z = &a->zone[k];
		uint64_t i = find_state(z, z->hint, false);

		while (i < z->n_ext && best < want) {
			uint64_t end = find_state(z, i, true);

			if (end - i > best) {
				best = min_u64(end - i, want);
				*off = z->data_off + i * a->ext_size;
			}
			i = find_state(z, end, false);
		}
	}
	return best;
}

void map_set(struct alloc *a, uint64_t off, uint64_t n_ext, AO_t value)
{
	uint64_t i, ext = 0;
	struct zone *z = zone_at(a, off, &ext);

	for (i = ext; i < ext + n_ext; i++)
		AO_store_release(&z->map[i], value);
}

int alloc_each_used(struct region *r,
		    int (*f)(struct region *r, uint64_t off, uint64_t len))
{
	struct alloc *a = r->alloc;
	AO_t k;

	for (k = 0; k < a->n_zones; k++) {
		struct zone *z = &a->zone[k];
		uint64_t i = find_state(z, 0, true);

		while (i < z->n_ext) {
			uint64_t end = find_state(z, i, false);

			int ret = f(r, z->data_off + i * a->ext_size,
				    (end - i) * a->ext_size);

			if (ret)
				return ret;
			i = find_state(z, end, true);
		}
	}
	return 0;
}

int alloc_spill_take(struct region *r, uint64_t want, uint64_t *off,
		     uint64_t *len)
{
	struct alloc *a = r->alloc;
	uint64_t n;
	int ret = -1;

	pthread_mutex_lock(&a->mu);
	n = extents_longest(a, round_up(want, a->ext_size) / a->ext_size, off);
	if (n && extents_take(r, n, a->ext_size, off) == 0) {
		*len = n * a->ext_size;
		ret = extents_back(r, *off, *len);
		if (ret)
			extents_give(a, *off, n);
	}
	pthread_mutex_unlock(&a->mu);
	return ret;
}

void alloc_spill_give(struct region *r, uint64_t off, uint64_t len)
{
	pthread_mutex_lock(&r->alloc->mu);
	extents_give(r->alloc, off, len / r->alloc->ext_size);
	pthread_mutex_unlock(&r->alloc->mu);
}

int alloc_spill_area(struct region *r, unsigned zone, uint64_t *off,
		     uint64_t *len)
{
	struct alloc *a = r->alloc;
	struct zone *z = &a->zone[zone];
	int ret;

	if (zone >= AO_load_acquire(&a->n_zones))
		return -1;
	*off = round_up(z->spill_off, 8);
	*len = (z->n_ext * PM_SPILL_BYTES(a->ext_size)) / 8 * 8;
	pthread_mutex_lock(&a->mu);
	ret = extents_back(r, *off, *len);
	pthread_mutex_unlock(&a->mu);
	return ret;
}

int alloc_spill_reserve(struct region *r)
{
	uint64_t off, len;
	unsigned i;

	for (i = 0; i < r->hdr->n_zones; i++)
		/* A huge sparse zone gets its area when it is needed. */
		if (r->hdr->zone[i].len <= SPILL_EARLY_MAX &&
		    alloc_spill_area(r, i, &off, &len))
			return -1;
	return 0;
}

void alloc_freeze(struct region *r)
{
	pthread_mutex_lock(&r->alloc->mu);
}

void alloc_thaw(struct region *r)
{
	pthread_mutex_unlock(&r->alloc->mu);
}
