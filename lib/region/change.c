/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * change.c: changes of the header that log records ask for. They are made in
 * memory; the next checkpoint writes the header to the medium. Every change
 * may be made again by replay with the same result.
 */
#include "region/region.h"

#include <string.h>

static int add_zone(struct region *r, uint64_t off, uint64_t len)
{
	struct pm_header *h = r->hdr;
	uint64_t ext = h->extent_size, n;
	struct pm_zone *z;
	uint32_t i;

	for (i = 0; i < h->n_zones; i++)
		if (h->zone[i].off == off)
			return h->zone[i].len == len ? 0 : -1;
	if (h->n_zones == PM_ZONES_MAX || off != h->size ||
	    len > h->max_size - h->size)
		return -1;
	/* The file grew before the record (T5), or it was truncated. */
	if (off + len > r->md.m.size)
		return -1;
	n = zone_extents(off, len, ext);
	if (n == 0)
		return -1;
	z = &h->zone[h->n_zones];
	*z = (struct pm_zone){off, len, n, 0};
	h->size = off + len;
	/* Read without the lock: never before what it counts. */
	__atomic_store_n(&h->n_zones, h->n_zones + 1, __ATOMIC_RELEASE);
	return 0;
}

/* Extents of a zone at off with len bytes; its last one ends with the zone. */
uint64_t zone_extents(uint64_t off, uint64_t len, uint64_t ext)
{
	if ((off + len) % ext)
		return 0;
	return len / (ext + PM_META_BYTES(ext));
}

static int add_peer(struct region *r, const struct pm_peer *peer)
{
	struct pm_header *h = r->hdr;
	uint32_t i;

	for (i = 0; i < h->n_peers; i++)
		if (h->peer[i].id == peer->id)
			break;
	if (i == PM_PEERS_MAX) {
		/* Forget the oldest hint. */
		memmove(&h->peer[0], &h->peer[1],
			(PM_PEERS_MAX - 1) * sizeof(h->peer[0]));
		i = PM_PEERS_MAX - 1;
	} else if (i == h->n_peers) {
		h->n_peers++;
	}
	h->peer[i] = *peer;
	h->peer[i].path[sizeof(h->peer[i].path) - 1] = 0;
	return 0;
}

/*
 * Pointers now mean the region by this number. What the table says of it from
 * a time when this region was the primary, under another number that no
 * pointer uses, is out of date; a number beside it may be the region's too.
 */
static void forget_others(struct pm_header *h, uint64_t number)
{
	uint64_t id = h->idmap[number], lo = number, hi = number, i;

	while (lo > 1 && h->idmap[lo - 1] == id)
		lo--;
	while (hi + 1 < PM_NUMBERS_MAX && h->idmap[hi + 1] == id)
		hi++;
	for (i = 1; i < PM_NUMBERS_MAX; i++)
		if ((i < lo || i > hi) && h->idmap[i] == id &&
		    !(h->pinned[i / 64] >> i % 64 & 1))
			__atomic_store_n(&h->idmap[i], 0, __ATOMIC_RELEASE);
}

static int set_number(struct region *r, uint64_t what, uint64_t id)
{
	uint64_t number = what & 0xffff, bit = 1ull << number % 64;

	if (number == 0 || number >= 1u << r->hdr->number_bits || id == 0)
		return -1;
	__atomic_store_n(&r->hdr->idmap[number], id, __ATOMIC_RELEASE);
	if (what >> 16) {
		r->hdr->pinned[number / 64] |= bit;
		forget_others(r->hdr, number);
		fetch_or(&r->known[number / 64], bit);
	}
	return 0;
}

static int set_root(struct region *r, uint64_t off, uint64_t size)
{
	if (off && (!range_in(off, size, r->zone_off, r->hdr->size) ||
		    off % 16))
		return -1;
	/* Read without the lock: never a size that the old root has not. */
	__atomic_store_n(&r->hdr->root_off, off, __ATOMIC_RELEASE);
	__atomic_store_n(&r->hdr->root_size, size, __ATOMIC_RELEASE);
	return 0;
}

int header_apply(struct region *r, const struct pm_rec *rec,
		 const void *payload)
{
	uint64_t off = PM_TAG_OFF(rec->tag);
	int ret = -1;

	pthread_mutex_lock(&r->hdr_mu);
	switch (PM_TAG_TYPE(rec->tag)) {
	case PM_REC_ROOT:
		ret = set_root(r, off, rec->arg);
		break;
	case PM_REC_ZONE:
		ret = add_zone(r, off, rec->arg);
		break;
	case PM_REC_IDMAP:
		ret = set_number(r, off, rec->arg);
		break;
	case PM_REC_PEER:
		ret = add_peer(r, payload);
		break;
	}
	r->hdr_dirty = true;
	pthread_mutex_unlock(&r->hdr_mu);
	return ret;
}

/* Called with hdr_mu held, or before the region is shared. */
void header_add_lost(struct region *r, uint64_t first, uint64_t last)
{
	struct pm_header *h = r->hdr;

	r->hdr_dirty = true;
	if (h->n_lost && h->lost[h->n_lost - 1].last + 1 == first) {
		h->lost[h->n_lost - 1].last = last;
		return;
	}
	if (h->n_lost == PM_LOST_MAX) {
		/* Failed numbers are not noted in their order. */
		h->lost_floor = max_u64(h->lost_floor, h->lost[0].last);
		memmove(&h->lost[0], &h->lost[1],
			(PM_LOST_MAX - 1) * sizeof(h->lost[0]));
		h->n_lost--;
	}
	h->lost[h->n_lost++] = (struct pm_lost){first, last};
}

bool header_is_lost(const struct pm_header *h, uint64_t seq, bool *unknown)
{
	uint32_t i;

	*unknown = seq <= h->lost_floor;
	for (i = 0; i < h->n_lost; i++)
		if (seq >= h->lost[i].first && seq <= h->lost[i].last)
			return true;
	return false;
}
