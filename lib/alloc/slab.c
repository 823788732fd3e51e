/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * slab.c: volatile slabs, the bins that list them, and slots coming back.
 *
 * A slab is owned by the thread that allocates from it, or listed in its bin
 * when it has free slots, or neither when it is full. Whoever makes the first
 * slot of an unowned full slab free lists it.
 */
#include "alloc/internal.h"

#include <stdlib.h>

static unsigned bin_hash(unsigned class_idx, uint32_t type)
{
	return (type * 0x9e3779b1u >> 8 ^ class_idx * 31) % BINS;
}

struct bin *bin_get(struct alloc *a, unsigned class_idx, uint32_t type)
{
	struct bin **head = &a->bins[bin_hash(class_idx, type)], *b;

	for (b = *head; b; b = b->next)
		if (b->class_idx == class_idx && b->type == type)
			return b;
	b = calloc(1, sizeof(*b));
	if (!b) {
		err_set(ENOMEM, "out of memory");
		return NULL;
	}
	b->class_idx = class_idx;
	b->type = type;
	b->next = *head;
	*head = b;
	return b;
}

void bin_list(struct slab *s)
{
	struct slab **head = &s->bin->partial;

	s->prev = NULL;
	s->next = *head;
	if (*head)
		(*head)->prev = s;
	*head = s;
	s->listed = true;
}

void bin_unlist(struct slab *s)
{
	if (s->prev)
		s->prev->next = s->next;
	else
		s->bin->partial = s->next;
	if (s->next)
		s->next->prev = s->prev;
	s->next = s->prev = NULL;
	s->listed = false;
}

void slab_place(struct alloc *a, struct slab *s, uint64_t off)
{
	uint64_t ext = 0;
	struct zone *z = off ? zone_at(a, off, &ext) : NULL;

	s->off = off;
	s->bitmap_off = z ? z->bitmap_off + ext * PM_BITMAP_BYTES(a->ext_size)
			  : 0;
}

/* All slots free; bits beyond the last slot are taken for good. */
struct slab *slab_new(struct alloc *a, uint64_t off, unsigned class_idx,
		      uint32_t type)
{
	const struct size_class *c = &a->class[class_idx];
	uint32_t words = (c->n_slots + 63) / 64;
	uint64_t len = round_up(sizeof(struct slab) +
				words * sizeof(struct word), 64);
	struct slab *s = aligned_alloc(64, len);

	if (!s) {
		err_set(ENOMEM, "out of memory");
		return NULL;
	}
	memset(s, 0, len);
	s->bin = bin_get(a, class_idx, type);
	if (!s->bin) {
		free(s);
		return NULL;
	}
	slab_place(a, s, off);
	s->class_idx = class_idx;
	s->type = type;
	s->size = c->size;
	s->inverse = ((1ull << 40) + c->size - 1) / c->size;
	s->n_ext = c->n_ext;
	s->n_slots = c->n_slots;
	s->n_words = words;
	s->n_free = c->n_slots;
	if (c->n_slots % 64)
		s->word[words - 1].taken = ~(AO_t)0 << c->n_slots % 64;
	return s;
}

void run_fill(const struct alloc *a, struct run *run, struct slot *out)
{
	out->off = run->off;
	out->arg = (uint64_t)run->n_ext << 32 | run->type;
	out->usable = (uint64_t)run->n_ext * a->ext_size;
	out->owner = &run->head;
	out->idx = 0;
	out->type = run->type;
	out->run = true;
}

/* A taken slot becomes free. */
void slab_release(struct alloc *a, struct slab *s, uint32_t idx)
{
	AO_t bit = (AO_t)1 << idx % 64, before;
	uint64_t off = s->off;

	if (AO_load(&s->word[idx / 64].live) & bit)
		fetch_and(&s->word[idx / 64].live, ~bit);
	fetch_and(&s->word[idx / 64].taken, ~bit);
	before = AO_fetch_and_add1_full(&s->n_free);
	if (before != 0)
		return;
	pthread_mutex_lock(&a->mu);
	/* Others may have freed its last slots, and collected it, meanwhile. */
	if (map_get(a, off) == (AO_t)s && !s->owned && !s->listed &&
	    AO_load(&s->n_free))
		bin_list(s);
	pthread_mutex_unlock(&a->mu);
}

static void run_drop(struct region *r, struct run *run)
{
	struct alloc *a = r->alloc;

	pthread_mutex_lock(&a->mu);
	map_set(a, run->off, run->n_ext, 0);
	extents_give(a, run->off, run->n_ext);
	pthread_mutex_unlock(&a->mu);
	free(run);
}

/* A slot of the word that hands out slots goes back to it. */
static bool give_back(struct slab *s, uint32_t idx)
{
	AO_t bit = (AO_t)1 << idx % 64;
	uint32_t w = idx / 64;

	if (w != s->rover || !(AO_load(&s->word[w].live) & bit))
		return false;
	slab_hide(s, w, bit);
	s->avail |= bit;
	return true;
}

void alloc_cancel(struct region *r, const struct slot *s)
{
	struct slab *slab = (struct slab *)s->owner;
	AO_t bit = (AO_t)1 << s->idx % 64;

	if (s->run) {
		run_drop(r, (struct run *)s->owner);
		return;
	}
	if (slab_is_mine(slab)) {
		if (give_back(slab, s->idx))
			return;
		fetch_and(&slab->word[s->idx / 64].live, ~bit);
		slab_show(slab, s->idx / 64, bit);
	}
	slab_release(r->alloc, slab, s->idx);
}

int alloc_find(struct region *r, uint64_t off, struct slot *out)
{
	struct alloc *a = r->alloc;
	AO_t v = map_get(a, off);
	struct slab *s;
	uint32_t idx;

	if (!v)
		goto bad;
	if (v & RUN_BIT) {
		struct run *run = (struct run *)(v - RUN_BIT);

		if (run->off != off || !AO_load(&run->live))
			goto bad;
		run_fill(a, run, out);
		return 0;
	}
	s = (struct slab *)v;
	idx = slot_at(s, off - s->off);
	if (idx >= s->n_slots || off - s->off != (uint64_t)idx * s->size ||
	    !slab_is_live(s, idx))
		goto bad;
	slot_fill(s, idx, out);
	return 0;
bad:
	errno = EINVAL;
	return -1;
}

int alloc_containing(struct region *r, uint64_t off, struct slot *out)
{
	AO_t v = map_get(r->alloc, off);
	struct slab *s = (struct slab *)v;

	if (!v)
		return -1;
	if (v & RUN_BIT)
		run_fill(r->alloc, (struct run *)(v - RUN_BIT), out);
	else
		slot_fill(s, slot_at(s, off - s->off), out);
	return 0;
}

int alloc_unlive(struct region *r, const struct slot *s)
{
	AO_t bit = (AO_t)1 << s->idx % 64;
	struct slab *slab = (struct slab *)s->owner;
	struct run *run = (struct run *)s->owner;

	if (s->run)
		return fetch_and(&run->live, 0) ? 0 : -1;
	/* The commit stores there: its cache miss overlaps with others. */
	__builtin_prefetch(r->home + slab->bitmap_off + s->idx / 64 * 8, 1);
	return fetch_and(&slab->word[s->idx / 64].live, ~bit) & bit ? 0 : -1;
}

void alloc_relive(const struct slot *s)
{
	struct slab *slab = (struct slab *)s->owner;
	struct run *run = (struct run *)s->owner;

	if (s->run)
		AO_store_release(&run->live, 1);
	else
		fetch_or(&slab->word[s->idx / 64].live, (AO_t)1 << s->idx % 64);
}

int alloc_hide(struct region *r, const struct slot *s, unsigned bit)
{
	struct slab *slab = (struct slab *)s->owner;

	if (s->run || !slab_is_mine(slab)) {
		struct slot t = slot_sibling(s, bit);

		return alloc_unlive(r, &t);
	}
	if (!slab_is_live(slab, s->idx / 64 * 64 + bit))
		return -1;
	slab_hide(slab, s->idx / 64, (AO_t)1 << bit);
	return 0;
}

void alloc_show(const struct slot *s, unsigned bit)
{
	struct slab *slab = (struct slab *)s->owner;
	uint32_t w = s->idx / 64;

	if (LIKELY(!s->run && slab_is_mine(slab) &&
		   (AO_load(&slab->word[w].hidden) >> bit & 1))) {
		slab_show(slab, w, (AO_t)1 << bit);
	} else {
		struct slot t = slot_sibling(s, bit);

		alloc_relive(&t);
	}
}

static void after_mask(struct region *r, const struct pm_rec *rec,
		       const uint64_t *mask)
{
	AO_t v = map_get(r->alloc, PM_TAG_OFF(rec->tag));
	struct slab *s = (struct slab *)v;
	uint32_t first = (uint32_t)(rec->arg >> 52);
	uint32_t n = (uint32_t)(rec->arg >> 40 & 0xfff), i;

	for (i = 0; i < n; i++) {
		uint64_t word = mask[i];

		while (word) {
			unsigned bit = (unsigned)__builtin_ctzll(word);

			word &= word - 1;
			slab_release(r->alloc, s, (first + i) * 64 + bit);
		}
	}
}

void alloc_after(struct region *r, const struct pm_rec *rec,
		 const void *payload)
{
	AO_t v = map_get(r->alloc, PM_TAG_OFF(rec->tag));
	struct slab *s = (struct slab *)v;

	switch (PM_TAG_TYPE(rec->tag)) {
	case PM_REC_ALLOC:
	case PM_REC_ALLOCMASK:
		/* After what was applied. */
		AO_store_release(&s->durable, 1);
		break;
	case PM_REC_FREE:
		slab_release(r->alloc, s, (uint32_t)(rec->arg >> 40));
		break;
	case PM_REC_FREEMASK:
		after_mask(r, rec, payload);
		break;
	case PM_REC_RUNFREE:
		run_drop(r, (struct run *)(v - RUN_BIT));
		break;
	}
}
