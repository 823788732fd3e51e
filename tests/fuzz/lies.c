/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lies.c: wrong values in fields of headers, checkpoint records, descriptors
 * and bitmaps, under checksums that will be right.
 */
#include "fuzz.h"

#include <string.h>

/* size bytes at p become another value that has something to do with them. */
static void lie(struct build *b, void *p, size_t size)
{
	uint64_t v = 0;

	memcpy(&v, p, size);
	v = pick_value(b->in, b->h, v);
	memcpy(p, &v, size);
}

#define FIELD(f) { offsetof(struct pm_header, f),			\
		   sizeof(((struct pm_header *)0)->f) }

static const struct field {
	uint16_t off, size;
} fields[] = {
	FIELD(byte_order), FIELD(format), FIELD(gen), FIELD(compat),
	FIELD(ro_compat), FIELD(incompat), FIELD(id), FIELD(window_base),
	FIELD(window_bits), FIELD(number_bits), FIELD(size), FIELD(max_size),
	FIELD(extent_size), FIELD(n_lanes), FIELD(lane_size), FIELD(root_off),
	FIELD(root_size), FIELD(n_zones), FIELD(n_lost), FIELD(lost_floor),
	FIELD(n_peers), FIELD(reserved0),
};

static void lie_in_table(struct build *b)
{
	struct pm_header *h = b->h;
	unsigned i = pick(b->in, 3);

	switch (pick(b->in, 5)) {
	case 0:
		lie(b, (uint64_t *)&h->zone[i] + pick(b->in, 4), 8);
		break;
	case 1:
		lie(b, (uint64_t *)&h->lost[i] + pick(b->in, 2), 8);
		break;
	case 2:
		lie(b, (uint64_t *)&h->peer[i] + pick(b->in, 32), 8);
		break;
	case 3:
		lie(b, &h->idmap[pick(b->in, PM_NUMBERS_MAX)], 8);
		break;
	default:
		lie(b, &h->pinned[pick(b->in, PM_NUMBERS_MAX / 64)], 8);
	}
}

static void lie_in_zone(struct build *b)
{
	const struct pm_zone *z = &b->h->zone[pick(b->in, b->h->n_zones)];
	uint64_t n = pick(b->in, 2) ? z->n_ext : min_u64(z->n_ext, 16);
	struct pm_desc *d = (struct pm_desc *)(b->im->bytes + z->off);
	unsigned at = pick(b->in, (unsigned)n);
	uint8_t *bits;

	switch (pick(b->in, 6)) {
	case 0:
		lie(b, &d[at].kind, 1);
		break;
	case 1:
		lie(b, &d[at].class_idx, 1);
		break;
	case 2:
		lie(b, &d[at].n_ext, 4);
		break;
	case 3:
		lie(b, &d[at].type, 4);
		break;
	case 4:
		lie(b, (uint16_t *)&d[at] + pick(b->in, 8), 2);
		break;
	default:
		bits = (uint8_t *)(d + z->n_ext) +
		       at * PM_BITMAP_BYTES(b->h->extent_size);
		lie(b, bits + pick(b->in, 4) * 8, 8);
	}
}

void build_lies(struct build *b)
{
	unsigned n = pick(b->in, 4);

	while (n-- > 0) {
		const struct field *f;

		switch (pick(b->in, 5)) {
		case 0:
			f = &fields[pick(b->in, sizeof(fields) /
						sizeof(*fields))];
			/* Another size or place of zones breaks what follows
			 * here; it is told last. */
			n = 0;
			lie(b, (uint8_t *)b->h + f->off, f->size);
			break;
		case 1:
			n = 0;
			lie_in_table(b);
			break;
		case 2:
			lie(b, (uint64_t *)b->c + 1 + pick(b->in, 10), 8);
			break;
		default:
			lie_in_zone(b);
		}
	}
}

void build_noise(struct image *im, struct choices *in)
{
	const struct pm_header *h = (struct pm_header *)im->bytes;
	uint64_t meta = h->zone[0].off + h->zone[0].n_ext *
			PM_META_BYTES(h->extent_size);
	const struct {
		uint64_t off, len;
	} area[] = {
		{0, 512}, {0, PM_LANES_OFF}, {PM_CKPT_OFF, 640},
		{PM_LANES_OFF, h->n_lanes * h->lane_size},
		{h->zone[0].off, meta - h->zone[0].off},
		{0, im->len - 8},
	};
	uint64_t end = im->len;
	bool seal = pick(in, 4) != 3;

	while (in->n) {
		unsigned a = pick(in, 6);
		uint64_t at = pick(in, 1u << 24), n = 1 + pick(in, 8);

		at = area[a].off + at % area[a].len;
		while (n-- > 0 && at < end)
			im->bytes[at++] = (uint8_t)pick(in, 256);
		/* The same lie in both copies of the header. */
		if (at < PM_HDR_SIZE && pick(in, 4))
			memcpy(im->bytes + PM_HDR_SIZE, im->bytes,
			       PM_HDR_SIZE);
	}
	if (seal)
		build_seal(im);
}
