/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * grow.c: more space: another zone at the end of the file, or the extents of
 * empty slabs. Both are entries of their own, made durable at once, so that no
 * other thread builds on what may be undone.
 */
#include "tx/internal.h"

#include <string.h>

int log_commit_now(struct region *r, const struct pm_rec *recs, unsigned n)
{
	uint8_t buf[PM_LANE_MIN / 4] __attribute__((aligned(64))) = {0};
	struct pm_entry *e = (struct pm_entry *)buf;

	e->len = (uint32_t)(sizeof(*e) + n * sizeof(*recs));
	e->n_rec = n;
	memcpy(e + 1, recs, n * sizeof(*recs));
	return region_writable(r) ? -1 : entry_commit(r, e, ENTRY_NOW);
}

static int add_zone(struct region *r, uint64_t len)
{
	uint64_t old = r->hdr->size;
	struct pm_rec rec = {PM_TAG(PM_REC_ZONE, old), len};

	if (zone_extents(old, len, r->hdr->extent_size) == 0) {
		errno = ENOMEM;
		return -1;
	}
	/* T5: grow() returns when the new end of the file is durable. */
	if (medium_grow(&r->md, old + len)) {
		/* A sync that failed may have lost more than the growth. */
		if (errno == EIO)
			log_poison(r);
		return err_set(errno, "%s: cannot grow to %llu bytes: %s",
			       region_name(r), (unsigned long long)(old + len),
			       strerror(errno));
	}
	if (window_extend(r, old, len)) {
		/* The next attempt starts at the old end again. */
		r->md.m.size = old;
		return err_set(ENOMEM, "%s: cannot map %llu more bytes: %s",
			       region_name(r), (unsigned long long)len,
			       strerror(errno));
	}
	if (log_commit_now(r, &rec, 1)) {
		window_shrink(r, old, len);
		return -1;
	}
	window_hide(r, old);
	AO_store(&r->size, old + len);
	if (alloc_add_zone(r))
		return -1;
	/* If the disk is full already, frees still fit the older areas. */
	(void)alloc_spill_reserve(r);
	return 0;
}

int log_grow(struct region *r, uint64_t need)
{
	uint64_t max = r->hdr->max_size, before = AO_load(&r->size), len, size;
	int ret = -1;

	if (region_writable(r))
		return -1;
	need = alloc_growth_for(r, need, 1);
	pthread_mutex_lock(&r->log->grow_mu);
	size = r->hdr->size;
	if (size != before) {
		/* Another thread has just done it. */
		pthread_mutex_unlock(&r->log->grow_mu);
		return 0;
	}
	/* Half again as much at a time: few zones, however far it grows. */
	len = max_u64(need, size / 2);
	len = min_u64(round_up(len, r->hdr->extent_size), max - size);
	if (len < need || r->hdr->n_zones == PM_ZONES_MAX)
		errno = ENOMEM;
	else
		ret = add_zone(r, len);
	pthread_mutex_unlock(&r->log->grow_mu);
	return ret;
}

bool log_collect(struct region *r)
{
	struct pm_rec recs[64];
	bool gained = false, any = false;
	unsigned n;

	do {
		int ret;

		n = alloc_collect(r, recs, 64, &gained);
		any |= gained;
		if (n == 0)
			break;
		ret = log_commit_now(r, recs, n);
		alloc_collected(r, recs, n, ret == 0);
		if (ret)
			break;
		any = true;
	} while (n == 64);
	return any;
}
