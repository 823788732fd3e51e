/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * world.c: replaying a trace into what is certain and what is pending.
 */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#define HEADERS_END 32768u	/* two header copies, see pmheap_format(5) */
#define LANES_OFF 36864u
#define N_LANES_AT 100u
#define LANE_SIZE_AT 104u

static unsigned shift_of(const struct world *w)
{
	return w->mode == WORLD_PAGES ? 9 : 6;
}

static void *zeroed(size_t n, size_t elem)
{
	void *p = calloc(n, elem);

	if (!p)
		abort();
	return p;
}

void world_init(struct world *w, enum world_mode mode, unsigned drop,
		const struct sim_image *images)
{
	int i;

	memset(w, 0, sizeof(*w));
	w->mode = mode;
	w->drop = drop;
	for (i = 0; i < SIM_MEDIA; i++) {
		w->image[i].bytes = zeroed(SIM_ROOM, 1);
		w->image[i].size = images ? images[i].size : 0;
		if (w->image[i].size)
			memcpy(w->image[i].bytes, images[i].bytes,
			       images[i].size);
		w->tag[i] = zeroed(SIM_ROOM / 64, sizeof(*w->tag[i]));
		w->page[i] = zeroed(SIM_ROOM / 4096, 1);
	}
}

void world_free(struct world *w)
{
	int i;

	for (i = 0; i < SIM_MEDIA; i++) {
		free(w->image[i].bytes);
		free(w->tag[i]);
		free(w->page[i]);
	}
	free(w->p);
}

static void put_piece(uint8_t *bytes, const struct piece *p)
{
	uint8_t data[8];
	int i;

	memcpy(data, &p->data, 8);
	if (p->mask == 0xff) {
		memcpy(bytes + p->off, data, 8);
		return;
	}
	for (i = 0; i < 8; i++)
		if (p->mask >> i & 1)
			bytes[p->off + (unsigned)i] = data[i];
}

static void push(struct world *w, struct piece p)
{
	if (w->n == w->cap) {
		w->cap = w->cap ? 2 * w->cap : 4096;
		w->p = realloc(w->p, w->cap * sizeof(*w->p));
		if (!w->p)
			abort();
	}
	p.recent = 1;
	w->p[w->n++] = p;
}

/* src NULL: a fill with byte c. */
static void store(struct world *w, const struct sim_event *e,
		  const uint8_t *src, int c)
{
	uint64_t at = e->off, end = e->off + e->n;

	while (at < end) {
		uint64_t word = at & ~7ull;
		uint64_t stop = word + 8 < end ? word + 8 : end;
		struct piece p = {.off = word, .medium = e->medium,
				  .loose = e->how == PM_WRITE_FLUSH &&
					   w->mode == WORLD_LINES,
				  .flushed = e->how == PM_WRITE_FLUSH};
		uint8_t data[8] = {0};

		for (; at < stop; at++) {
			data[at - word] = src ? src[at - e->off] : (uint8_t)c;
			p.mask |= (uint8_t)(1u << (at - word));
		}
		memcpy(&p.data, data, 8);
		push(w, p);
	}
}

static uint64_t zone_off(const struct world *w, int medium)
{
	const uint8_t *header = w->image[medium].bytes;
	uint32_t n;
	uint64_t size;

	memcpy(&n, header + N_LANES_AT, sizeof(n));
	memcpy(&size, header + LANE_SIZE_AT, sizeof(size));
	return LANES_OFF + n * size;
}

/* What has been done to the medium since the last fence. */
static void notice(struct world *w, const struct sim_event *e)
{
	bool direct = e->kind != SIM_FLUSH && e->how == PM_WRITE_FLUSH;

	if (e->off >= HEADERS_END && e->off < LANES_OFF)
		w->saw_record = true;
	else if (e->off >= LANES_OFF && e->off < zone_off(w, e->medium))
		w->saw_lane |= direct || e->kind == SIM_FLUSH;
	else if (e->off >= LANES_OFF)
		w->saw_direct |= direct;
}

static enum world_order order_of(const struct world *w)
{
	return w->saw_record ? ORDER_T3 : w->saw_lane ? ORDER_T1 :
	       w->saw_direct ? ORDER_T4 : ORDER_T2;
}

static void flush(struct world *w, const struct sim_event *e)
{
	uint64_t lo = e->off & ~63ull, hi = e->off + e->n;
	size_t i;

	if (w->mode == WORLD_PAGES) {
		for (lo /= 4096; lo * 4096 < hi; lo++)
			w->page[e->medium][lo] = 1;
		return;
	}
	for (i = 0; i < w->n; i++)
		if (w->p[i].medium == e->medium && w->p[i].off >= lo &&
		    w->p[i].off < ((hi + 63) & ~63ull))
			w->p[i].flushed = 1;
}

static bool is_certain(const struct world *w, const struct piece *p,
		       unsigned medium)
{
	if (w->mode == WORLD_PAGES)
		return p->medium == medium &&
		       w->page[medium][p->off / 4096];
	return p->flushed;
}

/* A line's stores arrive in order: what is certain carries what preceded. */
static void settle(struct world *w, unsigned medium)
{
	unsigned shift = shift_of(w);
	size_t i, kept = 0;

	for (i = w->n; i-- > 0;) {
		struct piece *p = &w->p[i];
		uint32_t *tag = &w->tag[p->medium][p->off >> shift];

		p->flushed = is_certain(w, p, medium) || *tag;
		*tag = p->flushed;
	}
	for (i = 0; i < w->n; i++) {
		struct piece *p = &w->p[i];

		w->tag[p->medium][p->off >> shift] = 0;
		p->recent = 0;
		if (p->flushed)
			put_piece(w->image[p->medium].bytes, p);
		else
			w->p[kept++] = *p;
	}
	w->n = kept;
}

static void fence(struct world *w, unsigned medium)
{
	enum world_order order = order_of(w);

	w->saw_record = w->saw_lane = w->saw_direct = false;
	if (w->armed && order == w->drop) {
		w->dropped++;
		return;
	}
	settle(w, medium);
	if (w->mode == WORLD_PAGES)
		memset(w->page[medium], 0, SIM_ROOM / 4096);
}

void world_step(struct world *w, const struct sim_trace *t,
		const struct sim_event *e)
{
	w->at++;
	switch (e->kind) {
	case SIM_WRITE:
	case SIM_FILL:
		notice(w, e);
		store(w, e, e->kind == SIM_FILL ? NULL : t->bytes + e->arg,
		      (int)e->arg);
		if (w->mode == WORLD_PAGES && e->how == PM_WRITE_FLUSH)
			flush(w, e);
		break;
	case SIM_FLUSH:
		notice(w, e);
		if (w->armed && w->drop == (e->off < zone_off(w, e->medium)
					    ? FLUSH_LANE : FLUSH_HOME))
			w->dropped++;
		else
			flush(w, e);
		break;
	case SIM_FENCE:
		fence(w, e->medium);
		break;
	case SIM_GROW:
		memset(w->image[e->medium].bytes + e->off, 0, e->n - e->off);
		w->image[e->medium].size = e->n;
		break;
	case SIM_MARK:
		w->armed = true;
		w->lo = e->off;
		w->hi = e->n;
		break;
	}
}

uint32_t world_units(struct world *w, uint32_t *recent)
{
	unsigned shift = shift_of(w), pass;
	uint32_t n = 0;
	size_t i;

	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < w->n; i++) {
			struct piece *p = &w->p[i];
			uint32_t *tag = &w->tag[p->medium][p->off >> shift];

			if (!*tag && (pass || p->recent))
				*tag = ++n;
		}
		if (pass == 0)
			*recent = n;
	}
	for (i = 0; i < w->n; i++)
		w->p[i].unit = w->tag[w->p[i].medium][w->p[i].off >> shift] - 1;
	for (i = 0; i < w->n; i++)
		w->tag[w->p[i].medium][w->p[i].off >> shift] = 0;
	return n;
}

void world_build(const struct world *w, const uint8_t *keep)
{
	size_t i;

	for (i = 0; i < SIM_MEDIA; i++) {
		sim_image[i].size = w->image[i].size;
		if (w->image[i].size)
			memcpy(sim_image[i].bytes, w->image[i].bytes,
			       w->image[i].size);
	}
	for (i = 0; i < w->n; i++)
		if (keep[i])
			put_piece(sim_image[w->p[i].medium].bytes, &w->p[i]);
}
