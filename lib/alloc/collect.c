/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * collect.c: extents of empty slabs go back to the free extents. A slab that
 * has a descriptor on the medium first needs a durable RELEASE record: else a
 * slab opened in its place could be replayed on top of it.
 */
#include "alloc/internal.h"

#include <stdlib.h>

static void give_back(struct alloc *a, struct slab *s)
{
	map_set(a, s->off, s->n_ext, 0);
	extents_give(a, s->off, s->n_ext);
	free(s);
}

/* Unlists one empty slab; a record for it if it is durable. */
static bool collect_slab(struct alloc *a, struct slab *s, struct pm_rec *rec)
{
	bin_unlist(s);
	if (!AO_load(&s->durable)) {
		give_back(a, s);
		return false;
	}
	s->owned = true;
	rec->tag = PM_TAG(PM_REC_RELEASE, s->off);
	rec->arg = (uint64_t)s->class_idx << 32 | s->type;
	return true;
}

unsigned alloc_collect(struct region *r, struct pm_rec *recs, unsigned max,
		       bool *gained)
{
	struct alloc *a = r->alloc;
	unsigned n = 0, i;

	*gained = false;
	pthread_mutex_lock(&a->mu);
	cache_flush(r);
	for (i = 0; i < BINS; i++) {
		struct bin *b;

		for (b = a->bins[i]; b; b = b->next) {
			struct slab *s = b->partial, *next;

			for (; s && n < max; s = next) {
				next = s->next;
				/* After the last reads of who freed a slot. */
				if (AO_load_acquire(&s->n_free) != s->n_slots)
					continue;
				if (collect_slab(a, s, &recs[n]))
					n++;
				else
					*gained = true;
			}
		}
	}
	pthread_mutex_unlock(&a->mu);
	return n;
}

void alloc_collected(struct region *r, const struct pm_rec *recs, unsigned n,
		     bool committed)
{
	struct alloc *a = r->alloc;
	unsigned i;

	pthread_mutex_lock(&a->mu);
	for (i = 0; i < n; i++) {
		struct slab *s = (struct slab *)
			map_get(a, PM_TAG_OFF(recs[i].tag));

		s->owned = false;
		if (committed)
			give_back(a, s);
		else
			bin_list(s);
	}
	pthread_mutex_unlock(&a->mu);
}
