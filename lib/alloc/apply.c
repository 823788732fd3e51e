/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * apply.c: allocator records on the medium. Every record carries all that it
 * needs: replay of an ALLOC makes the slab if the transaction that opened it
 * never committed. Bitmap words are changed under a stripe lock, for threads
 * that commit slots of one word.
 *
 * Replay finds the medium in any mixture of the state at the watermark and
 * later ones, so a record overwrites and expects nothing. It ends right all
 * the same: each bit and each descriptor has the value that the last record
 * about it gives it, or none and is as it was at the watermark. A slab is
 * released only when FREE records have cleared all its bits.
 */
#include "alloc/internal.h"

#include <pmheap/alloc.h>
#include <string.h>

#define STRIPES 64

static struct stripe {
	spin_t spin;
} CACHE_ALIGNED stripes[STRIPES];

void alloc_fork_child(void)
{
	int i;

	for (i = 0; i < STRIPES; i++)
		spin_unlock(&stripes[i].spin);
}

/* Of a slab, by the place of its bitmap. */
static spin_t *stripe_of(uint64_t bitmap_off)
{
	return &stripes[bitmap_off * 0x9e3779b97f4a7c15ull >> 58].spin;
}

_Static_assert(STRIPES == 1 << (64 - 58), "stripe_of()");

static unsigned rec_class(const struct pm_rec *rec)
{
	return rec->arg >> 32 & 0xff;
}

/* Region offset of the slab that an ALLOC or FREE record speaks of. */
static uint64_t slab_off(const struct pm_rec *rec, uint64_t size)
{
	return PM_TAG_OFF(rec->tag) - (rec->arg >> 40) * size;
}

static bool slab_fits(const struct region *r, uint64_t off, unsigned idx,
		      struct place *p)
{
	uint32_t ext = r->hdr->extent_size;

	if (idx >= class_count(ext) || !place_of(r, off, p) || p->in_ext)
		return false;
	return class_get(ext, idx).n_ext <= p->n_ext - p->ext;
}

static bool mask_is_valid(const struct region *r, const struct pm_rec *rec,
			  const uint64_t *mask)
{
	struct size_class c;
	struct place p;
	uint64_t first = rec->arg >> 52, n = rec->arg >> 40 & 0xfff, last;

	if (!slab_fits(r, PM_TAG_OFF(rec->tag), rec_class(rec), &p) || n == 0)
		return false;
	c = class_get(r->hdr->extent_size, rec_class(rec));
	if (first + n > (c.n_slots + 63) / 64)
		return false;
	last = (first + n) * 64;
	return last <= c.n_slots ||
	       (mask[n - 1] >> (c.n_slots - (last - 64))) == 0;
}

bool alloc_rec_is_valid(const struct region *r, const struct pm_rec *rec,
			const void *payload)
{
	uint32_t ext = r->hdr->extent_size;
	uint64_t off = PM_TAG_OFF(rec->tag), size, n;
	struct place p;

	if ((uint32_t)rec->arg > PM_TYPE_MAX)
		return false;
	switch (PM_TAG_TYPE(rec->tag)) {
	case PM_REC_ALLOC:
	case PM_REC_FREE:
		if (rec_class(rec) >= class_count(ext))
			return false;
		size = class_size(rec_class(rec));
		if ((rec->arg >> 40) >= class_get(ext, rec_class(rec)).n_slots)
			return false;
		/* A slab that would begin before 0 lies beyond all zones. */
		return slab_fits(r, slab_off(rec, size), rec_class(rec), &p);
	case PM_REC_FREEMASK:
	case PM_REC_ALLOCMASK:
		return mask_is_valid(r, rec, payload);
	case PM_REC_RELEASE:
		return slab_fits(r, off, rec_class(rec), &p);
	case PM_REC_RUN:
	case PM_REC_RUNFREE:
		n = rec->arg >> 32;
		return place_of(r, off, &p) && p.in_ext == 0 && n &&
		       n <= p.n_ext - p.ext;
	}
	return false;
}

static void write_desc(struct region *r, const struct place *p, unsigned kind,
		       unsigned idx, uint64_t n_ext, uint32_t type)
{
	struct pm_desc d = {0};

	if (kind != PM_EXT_FREE) {
		d.kind = (uint8_t)kind;
		d.class_idx = (uint8_t)idx;
		d.n_ext = (uint32_t)n_ext;
		d.type = type;
	}
	med_write(&r->md, p->desc_off, &d, sizeof(d), PM_WRITE_PLAIN);
}

/* The header knows up to where extents have ever been used. */
static void raise_used(struct region *r, const struct place *p, uint64_t n)
{
	struct pm_zone *z = &r->hdr->zone[p->zone];
	uint64_t hi = p->ext + n;

	if (LIKELY(hi <= __atomic_load_n(&z->used_hi, __ATOMIC_RELAXED)))
		return;
	pthread_mutex_lock(&r->hdr_mu);
	if (hi > z->used_hi) {
		hi = min_u64(round_up(hi, 256), z->n_ext);
		__atomic_store_n(&z->used_hi, hi, __ATOMIC_RELAXED);
		r->hdr_dirty = true;
	}
	pthread_mutex_unlock(&r->hdr_mu);
}

static void need_slab(struct region *r, const struct place *p, unsigned idx,
		      uint32_t type)
{
	const struct pm_desc *d = desc_at(r, p->desc_off);
	uint64_t hi = __atomic_load_n(&r->hdr->zone[p->zone].used_hi,
				      __ATOMIC_RELAXED);
	struct size_class c;

	if (LIKELY(d->kind == PM_EXT_SLAB && d->class_idx == idx &&
		   d->type == type && p->ext + SLAB_EXT_MAX <= hi))
		return;
	c = class_get(r->hdr->extent_size, idx);
	write_desc(r, p, PM_EXT_SLAB, idx, c.n_ext, type);
	raise_used(r, p, c.n_ext);
}

static void change_word(struct region *r, uint64_t off, uint64_t set,
			uint64_t clear)
{
	uint64_t word;

	memcpy(&word, r->home + off, 8);
	word = (word | set) & ~clear;
	med_write(&r->md, off, &word, 8, PM_WRITE_PLAIN);
}

/* The bitmap of a slab that stands on the medium already, or 0. During replay
 * there are no slabs yet. */
static uint64_t known_bitmap(const struct region *r, uint64_t off)
{
	AO_t v = r->alloc ? map_get(r->alloc, off) : 0;
	const struct slab *s = (const struct slab *)v;

	return v && !(v & RUN_BIT) && AO_load_acquire(&s->durable)
		? s->bitmap_off : 0;
}

static void apply_slot(struct region *r, const struct pm_rec *rec, bool set)
{
	uint64_t slot = rec->arg >> 40, bit = 1ull << slot % 64;
	uint64_t known = known_bitmap(r, PM_TAG_OFF(rec->tag));
	unsigned idx = rec_class(rec);
	struct place p;

	if (LIKELY(known)) {
		spin_lock(stripe_of(known));
		change_word(r, known + slot / 64 * 8, set ? bit : 0,
			    set ? 0 : bit);
		spin_unlock(stripe_of(known));
		return;
	}
	place_of(r, slab_off(rec, class_size(idx)), &p);
	spin_lock(stripe_of(p.bitmap_off));
	if (set)
		need_slab(r, &p, idx, (uint32_t)rec->arg);
	change_word(r, p.bitmap_off + slot / 64 * 8, set ? bit : 0,
		    set ? 0 : bit);
	spin_unlock(stripe_of(p.bitmap_off));
}

static void apply_mask(struct region *r, const struct pm_rec *rec,
		       const uint64_t *mask, bool set)
{
	uint64_t first = rec->arg >> 52, n = rec->arg >> 40 & 0xfff, i;
	struct place p;

	place_of(r, PM_TAG_OFF(rec->tag), &p);
	spin_lock(stripe_of(p.bitmap_off));
	if (set)
		need_slab(r, &p, rec_class(rec), (uint32_t)rec->arg);
	for (i = 0; i < n; i++)
		change_word(r, p.bitmap_off + (first + i) * 8,
			    set ? mask[i] : 0, set ? 0 : mask[i]);
	spin_unlock(stripe_of(p.bitmap_off));
}

static void apply_run(struct region *r, const struct pm_rec *rec)
{
	uint64_t n = rec->arg >> 32;
	struct place p;

	place_of(r, PM_TAG_OFF(rec->tag), &p);
	write_desc(r, &p, PM_EXT_RUN, 0, n, (uint32_t)rec->arg);
	raise_used(r, &p, n);
}

static void apply_clear(struct region *r, const struct pm_rec *rec)
{
	struct place p;

	place_of(r, PM_TAG_OFF(rec->tag), &p);
	write_desc(r, &p, PM_EXT_FREE, 0, 0, 0);
}

void alloc_apply(struct region *r, const struct pm_rec *rec,
		 const void *payload)
{
	switch (PM_TAG_TYPE(rec->tag)) {
	case PM_REC_ALLOC:
		apply_slot(r, rec, true);
		break;
	case PM_REC_FREE:
		apply_slot(r, rec, false);
		break;
	case PM_REC_FREEMASK:
		apply_mask(r, rec, payload, false);
		break;
	case PM_REC_ALLOCMASK:
		apply_mask(r, rec, payload, true);
		break;
	case PM_REC_RUN:
		apply_run(r, rec);
		break;
	case PM_REC_RUNFREE:
	case PM_REC_RELEASE:
		apply_clear(r, rec);
		break;
	}
}

/* Descriptors and words of bitmaps do not cross lines. */
static void flush_line(struct region *r, struct flush_set *set, uint64_t off)
{
	uint64_t line = off / PM_LINE, *known = &set->line[line % 256];

	if (*known == line + 1)
		return;
	*known = line + 1;
	med_flush(&r->md, line * PM_LINE, PM_LINE);
}

void alloc_flush(struct region *r, const struct pm_rec *rec,
		 struct flush_set *set)
{
	uint64_t off = PM_TAG_OFF(rec->tag);
	unsigned type = PM_TAG_TYPE(rec->tag);
	bool one = type == PM_REC_ALLOC || type == PM_REC_FREE;
	struct place p;

	if (one) {
		uint64_t word;

		off = slab_off(rec, class_size(rec_class(rec)));
		/* Slots are allocated one after another, and freed often soon
		 * after: lines that the record before had flushed. */
		word = (off + (rec->arg >> 40) / 64) << 1;
		if (set->slot == (word | 1) ||
		    (set->slot == word && type == PM_REC_FREE))
			return;
		set->slot = word | (type == PM_REC_ALLOC);
	}
	place_of(r, off, &p);
	/* What frees leaves the descriptor alone. */
	if (type != PM_REC_FREE && type != PM_REC_FREEMASK)
		flush_line(r, set, p.desc_off);
	if (one)
		flush_line(r, set, p.bitmap_off + (rec->arg >> 40) / 64 * 8);
	if (type == PM_REC_FREEMASK || type == PM_REC_ALLOCMASK)
		med_flush_once(&r->md, set,
			       p.bitmap_off + (rec->arg >> 52) * 8,
			       (rec->arg >> 40 & 0xfff) * 8);
}
