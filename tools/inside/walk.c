/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/inside/walk.c: the extents of a pool, group by group, from descriptors
 * and bitmaps. Nothing there is trusted.
 */
#include "inside/live.h"

#include "alloc/internal.h"

#include <inttypes.h>

static int impossible(const char *name, const struct zone *z, uint64_t i)
{
	return err_set(EUCLEAN, "%s: damaged: extent %" PRIu64 " of the zone "
		       "at %" PRIu64 " has an impossible descriptor", name, i,
		       z->off);
}

/* Is this the descriptor of a slab or run that fits at extent i? */
static bool fits(const struct pm_header *h, const struct zone *z, uint64_t i,
		 const struct pm_desc *d)
{
	if (d->kind == PM_EXT_SLAB)
		return d->class_idx < class_count(h->extent_size) &&
		       d->n_ext == class_get(h->extent_size,
					     d->class_idx).n_ext &&
		       d->n_ext <= z->n_ext - i;
	return d->kind == PM_EXT_RUN && d->n_ext > 0 &&
	       d->n_ext <= z->n_ext - i;
}

static void slab_fill(const struct pm_header *h, const struct zone *z,
		      const uint8_t *meta, const struct pm_desc *d,
		      struct group *g)
{
	struct size_class c = class_get(h->extent_size, d->class_idx);
	uint32_t w, words = (c.n_slots + 63) / 64;

	g->kind = GROUP_SLAB;
	g->slot = c.size;
	g->slots = c.n_slots;
	g->bits = (const uint64_t *)(meta + z->bitmap_off +
		   g->ext * PM_BITMAP_BYTES(h->extent_size));
	for (w = 0; w < words; w++)
		g->used += (uint32_t)__builtin_popcountll(g->bits[w]);
}

/* How many extents from i on are free. */
static uint64_t free_len(const struct zone *z, const struct pm_desc *d,
			 uint64_t i)
{
	uint64_t n = i;

	while (n < z->n_ext && d[n].kind == PM_EXT_FREE)
		n++;
	return n - i;
}

static int zone_walk(const struct pm_header *h, const uint8_t *meta,
		     uint32_t number, const char *name, group_fn fn, void *arg)
{
	const struct pm_desc *d;
	struct zone z;
	uint64_t i = 0;
	int ret = 0;

	zone_layout(&h->zone[number], h->extent_size, &z);
	d = (const struct pm_desc *)(meta + z.off);
	while (i < z.n_ext && ret == 0) {
		struct group g = {.zone = number, .ext = i, .n_ext = 1,
				  .off = z.data_off + i * h->extent_size};

		if (d[i].kind == PM_EXT_FREE) {
			g.n_ext = free_len(&z, d, i);
		} else if (!fits(h, &z, i, &d[i])) {
			return impossible(name, &z, i);
		} else {
			g.n_ext = d[i].n_ext;
			g.type = d[i].type;
			if (d[i].kind == PM_EXT_SLAB)
				slab_fill(h, &z, meta, &d[i], &g);
		}
		g.len = g.n_ext * h->extent_size;
		if (d[i].kind == PM_EXT_RUN) {
			g.kind = GROUP_RUN;
			g.slot = g.len;
			g.slots = g.used = 1;
		}
		ret = fn(&g, arg);
		i += g.n_ext;
	}
	return ret;
}

int groups_each(const struct pm_header *h, const uint8_t *meta,
		const char *name, group_fn fn, void *arg)
{
	uint32_t i, n = header_zones(h);
	int ret = 0;

	for (i = 0; i < n && ret == 0; i++)
		ret = zone_walk(h, meta, i, name, fn, arg);
	return ret;
}
