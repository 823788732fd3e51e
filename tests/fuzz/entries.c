/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * entries.c: a redo log. Its records are possible ones, of all types, that may
 * contradict each other and the zones; now and then a field of one is wrong.
 */
#include "fuzz.h"

#include <string.h>

#define ENTRY_MAX 2048u
#define PAYLOAD_MAX 512u

/* Where records are put: an entry, or a chunk. */
struct records {
	uint8_t bytes[ENTRY_MAX] __attribute__((aligned(8)));
	uint32_t len, n;
	bool chunk;
};

/* An offset that a record may speak of. */
static uint64_t pick_off(struct build *b)
{
	const struct group *g = group_pick(b);
	uint64_t at = g ? g->off : b->h->size / 2;

	switch (pick(b->in, 8)) {
	case 0:
		return b->spill_off - (b->spill_off > b->h->zone[0].off
				       ? pick(b->in, 64) : 0);
	case 1:
		return pick_value(b->in, b->h, at);
	case 2:
		return at + (uint64_t)pick(b->in, 64) * 8;
	default:
		return at;
	}
}

static struct pm_rec slot_rec(struct build *b, const struct group *g,
			      unsigned type)
{
	uint32_t n = class_get(b->h->extent_size, g->class_idx).n_slots;
	uint64_t slot = pick(b->in, n);

	return (struct pm_rec){
		PM_TAG(type, g->off + slot * class_size(g->class_idx)),
		slot << 40 | (uint64_t)g->class_idx << 32 | g->type};
}

/* A new slab or run, or one that is there; of the other kind, too. */
static struct pm_rec alloc_rec(struct build *b, unsigned type)
{
	bool slab = type != PM_REC_RUN && type != PM_REC_RUNFREE;
	struct group *g = NULL;

	if (b->groups == 0 || pick(b->in, 3) == 2)
		g = group_new(b, slab ? PM_EXT_SLAB : PM_EXT_RUN);
	if (!g)
		g = group_pick(b);
	if (!g)
		return (struct pm_rec){PM_TAG(type, 0), 0};
	if (type == PM_REC_ALLOC || type == PM_REC_FREE)
		return slot_rec(b, g, type);
	if (type == PM_REC_FREEMASK || type == PM_REC_ALLOCMASK)
		return (struct pm_rec){PM_TAG(type, g->off),
			(uint64_t)pick(b->in, 4) << 52 |
			(uint64_t)(1 + pick(b->in, 3)) << 40 |
			(uint64_t)g->class_idx << 32 | g->type};
	if (type == PM_REC_RELEASE)
		return (struct pm_rec){PM_TAG(type, g->off),
				       (uint64_t)g->class_idx << 32};
	return (struct pm_rec){PM_TAG(type, g->off),
			       (uint64_t)g->n_ext << 32 | g->type};
}

static struct pm_rec header_rec(struct build *b, unsigned type)
{
	const struct group *g = group_pick(b);
	uint64_t ids[] = {b->h->id, GOOD_ID, 3, 4};

	switch (type) {
	case PM_REC_ROOT:
		return (struct pm_rec){PM_TAG(type, g ? g->off : 0),
				       g ? group_size(b, g) : 0};
	case PM_REC_ZONE:
		return (struct pm_rec){PM_TAG(type, b->h->size),
				       b->im->len - b->h->size};
	case PM_REC_IDMAP:
		return (struct pm_rec){
			PM_TAG(type, pick(b->in, 2) << 16 |
			       pick(b->in, PM_NUMBERS_MAX)),
			ids[pick(b->in, 4)]};
	}
	return (struct pm_rec){PM_TAG(PM_REC_PEER, 0), sizeof(struct pm_peer)};
}

static uint64_t payload_of(const struct pm_rec *rec)
{
	switch (PM_TAG_TYPE(rec->tag)) {
	case PM_REC_WRITE:
	case PM_REC_PART:
		return rec->arg;
	case PM_REC_FREEMASK:
	case PM_REC_ALLOCMASK:
		return (rec->arg >> 40 & 0xfff) * 8;
	case PM_REC_PEER:
		return sizeof(struct pm_peer);
	case PM_REC_SPILL:
		return 8;
	}
	return 0;
}

/* What follows the record, padded; as much as there is room for. */
static void put(struct build *b, struct records *to, struct pm_rec rec,
		const void *payload)
{
	uint64_t n = min_u64(payload_of(&rec), PAYLOAD_MAX), i;

	if (to->len + sizeof(rec) + n + 8 > sizeof(to->bytes))
		return;
	if (rarely(b->in, 12))
		rec.arg = pick_value(b->in, b->h, rec.arg);
	if (rarely(b->in, 12))
		rec.tag = PM_TAG(PM_TAG_TYPE(rec.tag),
				 PM_TAG_OFF(pick_value(b->in, b->h,
						       PM_TAG_OFF(rec.tag))));
	memcpy(to->bytes + to->len, &rec, sizeof(rec));
	to->len += sizeof(rec);
	to->n++;
	if (payload)
		memcpy(to->bytes + to->len, payload, n);
	for (i = 0; i < n && !payload; i++)
		to->bytes[to->len + i] = (uint8_t)pick(b->in, 256);
	to->len = (uint32_t)round_up(to->len + n, 8);
}

static void put_parts(struct build *b, struct records *to)
{
	unsigned n = 1 + pick(b->in, 9), i;
	uint64_t ids[] = {GOOD_ID, b->h->id, 3};
	struct pm_part part[10];

	for (i = 0; i < n; i++)
		part[i] = (struct pm_part){ids[pick(b->in, 3)],
					   pick(b->in, 32)};
	put(b, to, (struct pm_rec){PM_TAG(PM_REC_PART, 0),
				   n * sizeof(part[0])}, part);
}

static void put_records(struct build *b, struct records *to);

/* Records outside of the entry, in free extents or where they should not be. */
static void put_chunk(struct build *b, struct records *to)
{
	struct records chunk = {.chunk = true};
	uint64_t off = b->spill_off, sum;

	if (rarely(b->in, 8))
		off = pick_off(b) & ~7ull;
	put_records(b, &chunk);
	if (off > b->im->len - chunk.len || off < b->h->zone[0].off)
		return;
	memcpy(b->im->bytes + off, chunk.bytes, chunk.len);
	if (off == b->spill_off && off + 2 * ENTRY_MAX < b->spill_end)
		b->spill_off += chunk.len;
	sum = checksum(b->im->bytes + off, chunk.len, off);
	put(b, to, (struct pm_rec){PM_TAG(PM_REC_SPILL, off), chunk.len},
	    &sum);
}

static void put_record(struct build *b, struct records *to)
{
	unsigned type = 1 + pick(b->in, PM_REC_LAST);
	struct pm_rec rec = {PM_TAG(type, 0), 0};

	switch (type) {
	case PM_REC_WRITE:
	case PM_REC_FILL:
		rec.tag = PM_TAG(type, PM_TAG_OFF(pick_off(b)));
		rec.arg = pick(b->in, 100);
		if (type == PM_REC_FILL)
			rec.arg |= (uint64_t)pick(b->in, 256) << 56;
		break;
	case PM_REC_ROOT:
	case PM_REC_ZONE:
	case PM_REC_IDMAP:
	case PM_REC_PEER:
		rec = header_rec(b, type);
		break;
	case PM_REC_PART:
		put_parts(b, to);
		return;
	case PM_REC_SPILL:
		if (!to->chunk)
			put_chunk(b, to);
		return;
	case PM_REC_LAST:	/* no such type, or one that was left out */
		rec = (struct pm_rec){pick_u64(b->in), pick_u64(b->in)};
		break;
	default:
		rec = alloc_rec(b, type);
	}
	put(b, to, rec, NULL);
}

static void put_records(struct build *b, struct records *to)
{
	unsigned n = pick(b->in, 6);

	while (n-- > 0)
		put_record(b, to);
}

/* The bytes of an entry in its lane, which is a ring. */
static void write_entry(struct build *b, unsigned lane, const void *bytes,
			uint64_t len)
{
	uint64_t size = b->h->lane_size, at = b->pos[lane] % size;
	uint8_t *base = b->im->bytes + PM_LANES_OFF + lane * size;
	uint64_t first = min_u64(len, size - at);

	memcpy(base + at, bytes, first);
	memcpy(base, (const uint8_t *)bytes + first, len - first);
	b->pos[lane] += round_up(len, PM_LINE);
}

static void build_entry(struct build *b)
{
	struct {
		struct pm_entry e;
		struct records r;
	} buf = {{0}, {{0}, 0, 0, false}};
	struct pm_entry *e = &buf.e;
	unsigned lane = pick(b->in, b->h->n_lanes);

	put_records(b, &buf.r);
	b->seq += 1 + (rarely(b->in, 6) ? pick(b->in, 5) : 0);
	e->seq = rarely(b->in, 16) ? pick_value(b->in, b->h, b->seq) : b->seq;
	e->len = sizeof(*e) + buf.r.len;
	e->n_rec = rarely(b->in, 16) ? pick(b->in, 6) : buf.r.n;
	if (b->pos[lane] + round_up(e->len, PM_LINE) - b->c->head[lane] >
	    b->h->lane_size)
		return;
	if (rarely(b->in, 24) && e->len > 32)
		e->len -= 8 * (1 + pick(b->in, 2));
	e->checksum = entry_sum(e, b->c->nonce, lane, b->pos[lane]);
	write_entry(b, lane, &buf, e->len);
}

/* Chunks go to the end of the last zone, or to the first one's spill area. */
void build_log(struct build *b)
{
	const struct pm_zone *z = &b->h->zone[b->h->n_zones - 1];
	unsigned n = pick(b->in, 24), i;

	b->spill_off = z->off + z->len - 16 * PM_EXTENT_MIN;
	b->spill_end = z->off + z->len;
	if (rarely(b->in, 4)) {
		z = b->h->zone;
		b->spill_off = z->off + z->n_ext *
			(sizeof(struct pm_desc) +
			 PM_BITMAP_BYTES(b->h->extent_size));
		b->spill_end = z->off + z->n_ext *
			PM_META_BYTES(b->h->extent_size);
	}
	for (i = 0; i < b->h->n_lanes; i++)
		b->pos[i] = b->c->head[i];
	for (i = 0; i < n; i++)
		build_entry(b);
}
