/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * build.c: the frame of a pool: geometry, header tables, checkpoint records.
 */
#include "fuzz.h"

#include <string.h>

#define OWN_ID 0xbad1bad1bad1bad1ull
#define SEED_HDR 0x5045524d48445221ull
#define SEED_CKPT 0x5045524d434b5054ull

static void build_sizes(struct build *b)
{
	static const uint32_t ext[] = {4096, 16384, 65536};
	struct pm_header *h = b->h;
	uint64_t more[] = {0, 1u << 20, 7ull << 30, 20ull << 30};

	memcpy(h->magic, PM_MAGIC, PM_MAGIC_LEN);
	h->byte_order = PM_BYTE_ORDER;
	h->format = PM_FORMAT;
	h->gen = 2 + pick(b->in, 4);
	h->id = OWN_ID;
	h->window_base = window.base;
	h->window_bits = window.bits;
	h->number_bits = window.number_bits;
	h->extent_size = ext[pick(b->in, 3)];
	h->size = PM_SIZE_MIN;
	h->max_size = h->size + more[pick(b->in, 4)];
	h->n_lanes = 1 + pick(b->in, 4);
	h->lane_size = PM_LANE_MIN * (1 + pick(b->in, 2));
	/* What a growth that is in the log, or did not commit, has added. */
	b->im->len = h->size + (pick(b->in, 3) << 18);
}

static void build_zones(struct build *b)
{
	struct pm_header *h = b->h;
	uint64_t at = header_zone_off(h), step = 256u << 10;
	unsigned n = 1 + pick(b->in, 3), i;

	for (i = 0; i < n; i++) {
		struct pm_zone *z = &h->zone[i];
		uint64_t end = i == n - 1 ? h->size : step * (i + 1);

		*z = (struct pm_zone){at, end - at, 0, 0};
		z->n_ext = zone_extents(z->off, z->len, h->extent_size);
		at = end;
	}
	h->n_zones = n;
}

static uint64_t some_id(struct build *b)
{
	const uint64_t ids[] = {OWN_ID, GOOD_ID, 3, 4, 5, 6};

	return ids[pick(b->in, 6)];
}

static void build_peers(struct build *b)
{
	static const char *const paths[] = {"/b", "/a", "/none", "", "b",
					    "/dev/null", "/proc/self/mem"};
	struct pm_header *h = b->h;
	unsigned i;

	h->n_peers = pick(b->in, PM_PEERS_MAX + 1);
	for (i = 0; i < h->n_peers; i++) {
		h->peer[i].id = i ? some_id(b) : GOOD_ID;
		strcpy(h->peer[i].path, paths[pick(b->in, 7)]);
	}
	if (rarely(b->in, 8))
		memset(h->peer, 'x', sizeof(h->peer));
}

static void build_tables(struct build *b)
{
	struct pm_header *h = b->h;
	unsigned i, n;

	for (i = 0, n = pick(b->in, 8); i < n; i++) {
		unsigned number = pick(b->in, 1u << h->number_bits);

		h->idmap[number] = some_id(b) + pick(b->in, 3);
		if (pick(b->in, 2))
			h->pinned[number / 64] |= 1ull << number % 64;
	}
	if (rarely(b->in, 8))
		memset(h->pinned, 0xff, sizeof(h->pinned));
	for (i = 0, n = rarely(b->in, 8) ? PM_NUMBERS_MAX : 0; i < n; i++)
		h->idmap[i] = i * 3;
	h->n_lost = pick(b->in, 2) ? 0 : pick(b->in, PM_LOST_MAX + 1);
	for (i = 0; i < h->n_lost; i++)
		h->lost[i] = (struct pm_lost){i * 3, i * 3 + pick(b->in, 3)};
	if (h->n_lost)
		h->lost_floor = pick(b->in, 4);
	build_peers(b);
	strcpy(h->layout, pick(b->in, 2) ? "lies" : "");
}

/* Any live object, as bitmaps and descriptors have them. */
static void build_root(struct build *b)
{
	struct group *g = group_pick(b);

	if (!g || !rarely(b->in, 2))
		return;
	b->h->root_off = g->off;
	b->h->root_size = pick(b->in, 2) ? 64 : group_size(b, g);
}

static void build_ckpt(struct build *b)
{
	struct pm_ckpt *c = b->c;
	unsigned i;

	c->magic = PM_CKPT_MAGIC;
	c->gen = 5 + pick(b->in, 2);
	c->watermark = 1000;
	c->next_seq = c->watermark + 1 - pick(b->in, 8);
	c->nonce = 77;
	c->header_gen = b->h->gen - pick(b->in, 2);
	c->flags = pick(b->in, 4);
	c->n_lanes = b->h->n_lanes;
	for (i = 0; i < c->n_lanes; i++)
		c->head[i] = PM_LINE * (uint64_t)pick(b->in, 256);
	b->seq = c->watermark;
}

void build_seal(struct image *im)
{
	int i;

	for (i = 0; i < 2; i++) {
		struct pm_header *h = (struct pm_header *)
			(im->bytes + i * PM_HDR_SIZE);
		struct pm_ckpt *c = (struct pm_ckpt *)
			(im->bytes + PM_CKPT_OFF + i * PM_CKPT_STRIDE);

		h->checksum = checksum_skip(h, sizeof(*h),
				offsetof(struct pm_header, checksum), SEED_HDR);
		c->checksum = checksum(c, offsetof(struct pm_ckpt, checksum),
				       SEED_CKPT);
	}
}

/* The second copies: the same, older, or none. */
static void build_copies(struct build *b)
{
	struct image *im = b->im;
	struct pm_header *h = (struct pm_header *)(im->bytes + PM_HDR_SIZE);
	struct pm_ckpt *c = (struct pm_ckpt *)
		(im->bytes + PM_CKPT_OFF + PM_CKPT_STRIDE);

	memcpy(h, b->h, sizeof(*h));
	h->gen -= pick(b->in, 2);
	memcpy(c, b->c, sizeof(*c));
	c->gen -= pick(b->in, 2);
	build_seal(im);
	if (rarely(b->in, 4))
		memset(h, 0, 64);
	if (rarely(b->in, 4))
		memset(c, 0, sizeof(*c));
}

void build_pool(struct image *im, struct choices *in)
{
	struct build b = {.in = in, .im = im};

	memset(im->bytes, 0, PM_SIZE_MIN + (2u << 18));
	b.h = (struct pm_header *)im->bytes;
	b.c = (struct pm_ckpt *)(im->bytes + PM_CKPT_OFF);
	build_sizes(&b);
	build_zones(&b);
	build_extents(&b);
	build_root(&b);
	build_ckpt(&b);
	build_log(&b);
	build_tables(&b);
	build_lies(&b);
	build_copies(&b);
}
