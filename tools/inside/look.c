/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/inside/look.c: what a pool holds at this moment, in numbers, whoever
 * writes it. The counts are of what is in place: commits that become durable
 * in groups are counted when their group is.
 */
#include "inside/live.h"

#include "alloc/internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define TRIES 1000		/* while the log is written over */

static int count_group(const struct group *g, void *arg)
{
	struct live_info *out = arg;

	out->heap_bytes += g->len;
	if (g->kind == GROUP_FREE)
		return 0;
	out->held_bytes += g->len;
	out->objects += g->used;
	out->used_bytes += g->used * g->slot;
	return 0;
}

/* The metadata of all zones, at their offsets in memory of our own. */
static int read_meta(struct live *l, uint8_t *meta)
{
	const struct pm_header *h = l->r.hdr;
	uint32_t i;

	for (i = 0; i < h->n_zones; i++) {
		struct zone z;

		zone_layout(&h->zone[i], h->extent_size, &z);
		if (live_read(l, z.off, meta + z.off, z.spill_off - z.off))
			return -1;
	}
	return 0;
}

static int count_objects(struct live *l, struct live_info *out)
{
	uint64_t size = l->r.hdr->size;
	uint8_t *meta = mmap(NULL, size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			     0);
	int ret;

	if (meta == MAP_FAILED)
		return err_set(ENOMEM, "%s: out of memory",
			       region_name(&l->r));
	ret = read_meta(l, meta);
	if (ret == 0)
		ret = groups_each(l->r.hdr, meta, region_name(&l->r),
				  count_group, out);
	munmap(meta, size);
	return ret;
}

static void describe(const struct live *l, struct live_info *out)
{
	const struct pm_header *h = l->r.hdr;
	unsigned i;
	size_t k;

	out->id = h->id;
	out->size = h->size;
	out->max_size = h->max_size;
	out->lane_size = h->lane_size;
	out->format = h->format;
	out->lanes = h->n_lanes;
	out->zones = h->n_zones;
	out->extent_size = h->extent_size;
	memcpy(out->layout, h->layout, sizeof(out->layout));
	out->created = h->created;
	out->root_off = h->root_off;
	out->root_size = h->root_size;
	out->closed = (l->c.flags & PM_CKPT_CLEAN) && l->n == 0;
	out->watermark = out->sequence = l->c.watermark;
	out->checkpoints = l->c.gen;
	out->pending = l->n;
	for (i = 0; i < h->n_lanes; i++) {
		out->log_bytes += l->pos[i] - l->c.head[i];
		out->logged += l->pos[i];
	}
	for (k = 0; k < l->n; k++)
		out->sequence = max_u64(out->sequence, l->found[k].seq);
}

int live_scan(struct live *l)
{
	unsigned tries;
	int ret = LIVE_LOST;

	for (tries = 0; ret == LIVE_LOST && tries < TRIES; tries++) {
		ret = live_begin(l);
		if (ret == 0)
			ret = live_poll(l);
	}
	if (ret == LIVE_LOST)
		return err_set(EAGAIN, "%s: its log is written over faster "
			       "than it can be read, or it is damaged",
			       region_name(&l->r));
	return ret;
}

int live_look(struct live *l, struct live_info *out)
{
	memset(out, 0, sizeof(*out));
	if (live_scan(l))
		return -1;
	describe(l, out);
	return count_objects(l, out);
}
