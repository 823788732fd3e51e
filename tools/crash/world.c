/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * world.c: replaying a trace into what is certain and what is pending.
 */
#include "crash/world.h"

#include <pmheap/backend.h>
#include <stdlib.h>
#include <string.h>

#define LINE 64u
#define PAGE 4096u

void world_init(struct world *w, enum world_mode mode, struct journal *j)
{
	memset(w, 0, sizeof(*w));
	w->mode = mode;
	w->j = j;
}

void world_free(struct world *w)
{
	free(w->p);
	free(w->unit);
	free(w->sync);
}

static uint64_t unit_key(const struct world *w, unsigned medium, uint64_t off)
{
	return (off >> (w->mode == WORLD_PAGES ? 9 : 6)) * CRASH_MEDIA_MAX +
	       medium;
}

/* The slot of a unit, or the empty one where it belongs. */
static struct unit *unit_slot(const struct world *w, uint64_t key)
{
	size_t mask = w->unit_cap - 1;
	size_t i = (size_t)(key * 0x9e3779b97f4a7c15ull >> 32) & mask;

	while (w->unit[i].last && w->unit[i].key != key)
		i = (i + 1) & mask;
	return &w->unit[i];
}

static void unit_room(struct world *w)
{
	struct unit *old = w->unit;
	size_t cap = w->unit_cap, i;

	if (2 * w->unit_n < cap)
		return;
	w->unit_cap = cap ? 2 * cap : 256;
	w->unit = calloc(w->unit_cap, sizeof(*w->unit));
	if (!w->unit)
		abort();
	for (i = 0; i < cap; i++)
		if (old[i].last)
			*unit_slot(w, old[i].key) = old[i];
	free(old);
}

/* Links piece i to those before it in its unit. */
static void unit_add(struct world *w, size_t i)
{
	struct piece *p = &w->p[i];
	uint64_t key = unit_key(w, p->medium, p->off);
	struct unit *u;

	unit_room(w);
	u = unit_slot(w, key);
	if (!u->last) {
		u->key = key;
		w->unit_n++;
	}
	p->prev = u->last;
	u->last = (uint32_t)i + 1;
}

static void push(struct world *w, const struct piece *p)
{
	w->p = crash_room(w->p, &w->cap, w->n + 1, sizeof(*w->p));
	w->p[w->n] = *p;
	unit_add(w, w->n++);
}

/* src NULL: a fill with byte c. */
static void store(struct world *w, const struct trace_event *e,
		  const uint8_t *src, int c)
{
	bool now = e->how == PM_WRITE_FLUSH;
	uint64_t at = e->off, end = e->off + e->n;

	while (at < end) {
		uint64_t word = at & ~7ull;
		uint64_t stop = word + 8 < end ? word + 8 : end;
		struct piece p = {.off = word, .medium = e->medium,
				  .recent = 1,
				  .loose = now && w->mode == WORLD_LINES,
				  .flushers = now ? 1ull << e->thread : 0};
		uint8_t data[8] = {0};

		for (; at < stop; at++) {
			data[at - word] = src ? src[at - e->off] : (uint8_t)c;
			p.mask |= (uint8_t)(1u << (at - word));
		}
		memcpy(&p.data, data, 8);
		push(w, &p);
	}
}

static void flush(struct world *w, const struct trace_event *e)
{
	uint64_t lo = e->off & ~(uint64_t)(LINE - 1), hi = e->off + e->n;
	uint32_t i;

	if (w->mode == WORLD_PAGES) {
		w->sync = crash_room(w->sync, &w->sync_cap, w->sync_n + 1,
				     sizeof(*w->sync));
		w->sync[w->sync_n++] = (struct synced){
			e->off / PAGE * PAGE, (hi + PAGE - 1) / PAGE * PAGE,
			e->medium};
		return;
	}
	for (; lo < hi && w->n; lo += LINE) {
		struct unit *u = unit_slot(w, unit_key(w, e->medium, lo));

		for (i = u->last; i; i = w->p[i - 1].prev)
			w->p[i - 1].flushers |= 1ull << e->thread;
	}
}

static bool is_synced(const struct world *w, const struct piece *p)
{
	size_t i;

	for (i = 0; i < w->sync_n; i++)
		if (w->sync[i].medium == p->medium &&
		    p->off >= w->sync[i].lo && p->off < w->sync[i].hi)
			return true;
	return false;
}

static bool is_certain(const struct world *w, const struct piece *p,
		       const struct trace_event *e)
{
	if (w->mode == WORLD_PAGES)
		return p->medium == e->medium && is_synced(w, p);
	return p->flushers >> e->thread & 1;
}

static void put_piece(struct world *w, const struct piece *p)
{
	uint8_t data[8];
	unsigned from = 0, to = 8;

	memcpy(data, &p->data, 8);
	while (!(p->mask >> from & 1))
		from++;
	while (!(p->mask >> (to - 1) & 1))
		to--;
	journal_put(w->j, p->medium, p->off + from, data + from, to - from);
}

static void relink(struct world *w)
{
	size_t i;

	if (w->unit_cap)
		memset(w->unit, 0, w->unit_cap * sizeof(*w->unit));
	w->unit_n = 0;
	for (i = 0; i < w->n; i++)
		unit_add(w, i);
}

/* A unit's stores arrive in order: what is certain carries what preceded. */
static void fence(struct world *w, const struct trace_event *e)
{
	size_t i, kept = 0;

	for (i = w->n; i-- > 0;) {
		struct piece *p = &w->p[i];

		if (!p->unit && is_certain(w, p, e))
			p->unit = 1;
		if (p->unit && p->prev)
			w->p[p->prev - 1].unit = 1;
	}
	for (i = 0; i < w->n; i++) {
		struct piece *p = &w->p[i];

		p->recent = 0;
		if (p->unit)
			put_piece(w, p);
		else
			w->p[kept++] = *p;
	}
	w->n = kept;
	relink(w);
	for (i = 0, kept = 0; i < w->sync_n; i++)
		if (w->sync[i].medium != e->medium)
			w->sync[kept++] = w->sync[i];
	w->sync_n = kept;
}

void world_step(struct world *w, const struct trace *t,
		const struct trace_event *e)
{
	size_t i;

	w->at++;
	for (i = 0; w->numbered && i < w->n; i++)
		w->p[i].unit = 0;
	w->numbered = false;
	switch (e->kind) {
	case TRACE_WRITE:
	case TRACE_FILL:
		store(w, e, e->kind == TRACE_FILL ? NULL : t->bytes + e->arg,
		      (int)e->arg);
		if (w->mode == WORLD_PAGES && e->how == PM_WRITE_FLUSH)
			flush(w, e);
		break;
	case TRACE_FLUSH:
		flush(w, e);
		break;
	case TRACE_FENCE:
		fence(w, e);
		break;
	case TRACE_GROW:
		if (w->j->image[e->medium].size > e->off)
			journal_resize(w->j, e->medium, e->off);
		journal_resize(w->j, e->medium, e->n);
		break;
	}
}

uint32_t world_units(struct world *w)
{
	unsigned pass;
	size_t i;

	if (w->numbered)
		return w->units;
	w->units = 0;
	for (i = 0; i < w->unit_cap; i++)
		w->unit[i].number = 0;
	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < w->n; i++) {
			struct piece *p = &w->p[i];
			struct unit *u = unit_slot(w, unit_key(w, p->medium,
							       p->off));

			if (!u->number && (pass || p->recent))
				u->number = ++w->units;
			p->unit = u->number - 1;
		}
		if (pass == 0)
			w->recent = w->units;
	}
	w->numbered = true;
	return w->units;
}

void world_apply(struct world *w, const uint8_t *keep)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (keep[i])
			put_piece(w, &w->p[i]);
}
