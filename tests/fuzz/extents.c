/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * extents.c: slabs and runs with their descriptors and bitmaps.
 */
#include "fuzz.h"
#include "alloc/internal.h"

#include <string.h>

static struct zone layout_of(const struct build *b, uint32_t zone)
{
	struct zone z;

	zone_layout(&b->h->zone[zone], b->h->extent_size, &z);
	return z;
}

uint64_t group_size(const struct build *b, const struct group *g)
{
	return g->kind == PM_EXT_SLAB ? class_size(g->class_idx)
				      : g->n_ext * b->h->extent_size;
}

struct pm_desc *group_desc(const struct build *b, const struct group *g)
{
	return (struct pm_desc *)(b->im->bytes + b->h->zone[g->zone].off) +
	       g->ext;
}

struct group *group_pick(struct build *b)
{
	return b->groups ? &b->group[pick(b->in, b->groups)] : NULL;
}

struct group *group_new(struct build *b, unsigned kind)
{
	uint32_t ext = b->h->extent_size, zone = pick(b->in, b->h->n_zones);
	struct zone z = layout_of(b, zone);
	struct group *g = &b->group[b->groups];

	if (b->groups == GROUPS)
		return NULL;
	g->kind = kind;
	g->zone = zone;
	g->class_idx = kind == PM_EXT_SLAB ? pick(b->in, class_count(ext)) : 0;
	g->n_ext = kind == PM_EXT_SLAB ? class_get(ext, g->class_idx).n_ext
				       : 1 + pick(b->in, 6);
	g->type = pick(b->in, 4);
	if (g->n_ext > z.n_ext - b->next_free[zone])
		return NULL;
	g->ext = (uint32_t)b->next_free[zone];
	g->off = z.data_off + g->ext * (uint64_t)ext;
	b->next_free[zone] += g->n_ext;
	b->groups++;
	return g;
}

/* Its first few objects, or all, are allocated. */
static void fill_slab(struct build *b, const struct group *g)
{
	struct zone z = layout_of(b, g->zone);
	uint32_t i, n = class_get(b->h->extent_size, g->class_idx).n_slots;
	uint8_t *bits = b->im->bytes + z.bitmap_off +
			g->ext * PM_BITMAP_BYTES(b->h->extent_size);
	unsigned how = pick(b->in, 3);

	for (i = 0; i < n; i++)
		if (how == 0 ? i == 0 : how == 1 ? i % 8 != 3
						 : rarely(b->in, 2))
			bits[i / 8] |= (uint8_t)(1u << i % 8);
}

static void place(struct build *b, const struct group *g)
{
	struct pm_zone *z = &b->h->zone[g->zone];
	struct pm_desc *d = group_desc(b, g);

	d->kind = (uint8_t)g->kind;
	d->class_idx = (uint8_t)g->class_idx;
	d->n_ext = g->n_ext;
	d->type = g->type;
	if (g->kind == PM_EXT_SLAB)
		fill_slab(b, g);
	z->used_hi = min_u64(round_up(g->ext + g->n_ext,
				      1 + 255 * pick(b->in, 2)), z->n_ext);
}

void build_extents(struct build *b)
{
	unsigned n = pick(b->in, 16), i;

	for (i = 0; i < n; i++) {
		struct group *g;

		if (rarely(b->in, 6)) {
			uint32_t zone = pick(b->in, b->h->n_zones);
			uint64_t *at = &b->next_free[zone];

			*at = min_u64(*at + pick(b->in, 8),
				      b->h->zone[zone].n_ext);
		}
		g = group_new(b, pick(b->in, 3) ? PM_EXT_SLAB : PM_EXT_RUN);
		if (g)
			place(b, g);
	}
}
