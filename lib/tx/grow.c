/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * grow.c: more space: another zone at the end of the file, or the extents of
 * empty slabs. Both are entries of their own, made durable at once, so that no
 * other thread builds on what may be undone.
 */
#include "tx/internal.h"

#include <assert.h>
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

/* T5: grow() returns when the new end of the file is durable. */
static int grow_medium(struct region *r, uint64_t size)
{
	int err;

	if (medium_grow(&r->md, size) == 0)
		return 0;
	err = errno;
	/* The kernel reports a failed write-back once: the next checkpoint
	 * would not hear of what this sync was told (I8). */
	if (err == EIO) {
		if (log_check_medium(r) == 0)
			log_poison(r, POISON_SYNC);
		return region_poisoned(r);
	}
	return err_set(err, "%s: cannot grow to %llu bytes: %s",
		       region_name(r), (unsigned long long)size,
		       strerror(err));
}

static int add_zone(struct region *r, uint64_t len)
{
	uint64_t old = r->hdr->size;
	struct pm_rec rec = {PM_TAG(PM_REC_ZONE, old), len};

	/* Both ends are multiples of extents, and it was sized for some. */
	assert(zone_extents(old, len, r->hdr->extent_size) > 0);
	/* What can fail comes before the entry that cannot be taken back. */
	if (alloc_prepare_zone(r, old, len))
		return -1;
	if (grow_medium(r, old + len))
		goto forget;
	if (window_extend(r, old, len)) {
		err_set(ENOMEM, "%s: cannot map %llu more bytes: %s",
			region_name(r), (unsigned long long)len,
			strerror(errno));
		goto shrink;
	}
	if (log_commit_now(r, &rec, 1))
		goto unmap;
	window_hide(r, old);
	AO_store(&r->size, old + len);
	place_resize(r);
	if (debug_memory())
		memory_zone(r, r->hdr->n_zones - 1);
	alloc_add_zone(r);
	say(PM_LOG_INFO, "%s: grown to %llu bytes", region_name(r),
	    (unsigned long long)(old + len));
	/* If the disk is full already, frees still fit the older areas. */
	(void)alloc_spill_reserve(r);
	return 0;
unmap:
	window_shrink(r, old, len);
shrink:
	medium_ungrow(&r->md, old);
forget:
	alloc_forget_zone(r);
	return -1;
}

int log_grow(struct region *r, uint64_t need)
{
	uint64_t max = r->hdr->max_size, before = AO_load(&r->size), len, size;
	int ret;

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
		ret = ALLOC_FULL;
	else
		ret = add_zone(r, len);
	pthread_mutex_unlock(&r->log->grow_mu);
	return ret;
}

int log_grow_by(struct region *r, uint64_t len)
{
	struct pm_header *h = r->hdr;
	int ret;

	if (region_writable(r))
		return -1;
	pthread_mutex_lock(&r->log->grow_mu);
	if (len > h->max_size - h->size || h->n_zones == PM_ZONES_MAX ||
	    !zone_extents(h->size, len, h->extent_size))
		ret = ALLOC_FULL;
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
