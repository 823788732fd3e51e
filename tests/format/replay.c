/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * replay.c: what each record does, as in the sections "Lanes" and "Replay" of
 * pmheap_format(5).
 */
#include "reader.h"

#include <string.h>

unsigned image_seen[TYPES];

static const char *apply_slab(struct image *im, uint64_t type, uint64_t off,
			      uint64_t arg, const uint8_t *words)
{
	unsigned c = arg >> 32 & 0xff;
	bool allocates = type == ALLOC || type == ALLOCMASK;
	uint64_t slot = arg >> 40, i;
	uint64_t slab = type == ALLOC || type == FREE
			? off - slot * class_size(c) : off;
	uint8_t *bitmap, *d = image_desc(im, slab, &bitmap);

	if (!d)
		return "a slab outside of zones";
	if (type == RELEASE) {
		memset(d, 0, 16);
		return NULL;
	}
	if (d[0] == 0 && allocates) {
		d[0] = 1;
		d[1] = (uint8_t)c;
		put(d + 4, slab_extents(c, im->extent_size), 4);
		put(d + 8, arg & 0xffffffff, 4);
	}
	if (allocates)
		image_used(im, slab, get(d + 4, 4));
	if (type == FREEMASK || type == ALLOCMASK)
		for (i = 0; i < (slot & 0xfff); i++) {
			uint8_t *w = bitmap + ((slot >> 12) + i) * 8;
			uint64_t bits = get(words + i * 8, 8);

			put(w, allocates ? get(w, 8) | bits
					 : get(w, 8) & ~bits, 8);
		}
	else if (type == ALLOC)
		bitmap[slot / 8] |= (uint8_t)(1 << slot % 8);
	else
		bitmap[slot / 8] &= (uint8_t)~(1 << slot % 8);
	return NULL;
}

static const char *apply_run(struct image *im, uint64_t type, uint64_t off,
			     uint64_t arg)
{
	uint8_t *bitmap, *d = image_desc(im, off, &bitmap);

	if (!d)
		return "a run outside of zones";
	memset(d, 0, 16);
	if (type == RUN) {
		d[0] = 2;
		put(d + 4, arg >> 32, 4);
		put(d + 8, arg & 0xffffffff, 4);
		image_used(im, off, arg >> 32);
	}
	return NULL;
}

static const char *apply_zone(struct image *im, uint64_t off, uint64_t len)
{
	unsigned i, n = (unsigned)get(im->header + 136, 4);
	uint8_t *z = im->header + 256 + n * 32u;

	for (i = 0; i < n; i++)
		if (get(im->header + 256 + i * 32u, 8) == off)
			return NULL;		/* it is there already */
	if (off != im->size || off + len > im->room)
		return "a zone that is not at the end";
	put(z, off, 8);
	put(z + 8, len, 8);
	put(z + 16, zone_capacity(len, im->extent_size), 8);
	put(im->header + 136, n + 1, 4);
	im->size += len;
	return NULL;
}

static const char *apply_all(struct image *im, const uint8_t *p, uint64_t n)
{
	const char *bad = NULL;
	uint64_t tag, arg;

	while (!bad && record_next(&p, &n, &tag, &arg)) {
		uint64_t off = tag & OFF_MASK, len = record_payload(tag, arg);
		const uint8_t *data = p - (len + 7) / 8 * 8;

		if (tag >> 56 < TYPES)
			image_seen[tag >> 56]++;
		switch (tag >> 56) {
		case WRITE:
			memcpy(im->bytes + off, data, len);
			break;
		case FILL:
			memset(im->bytes + off, (int)(arg >> 56),
			       arg & OFF_MASK);
			break;
		case ALLOC:
		case FREE:
		case FREEMASK:
		case ALLOCMASK:
		case RELEASE:
			bad = apply_slab(im, tag >> 56, off, arg, data);
			break;
		case RUN:
		case RUNFREE:
			bad = apply_run(im, tag >> 56, off, arg);
			break;
		case ROOT:
			put(im->header + 112, off, 8);
			put(im->header + 120, arg, 8);
			break;
		case ZONE:
			bad = apply_zone(im, off, arg);
			break;
		case SPILL:
			bad = apply_all(im, im->bytes + off, arg);
			break;
		case IDMAP:
			put(im->header + 6400 + (off & 0xffff) * 8, arg, 8);
			break;
		case PEER:
		case PART:
			break;
		default:
			bad = "a record of unknown type";
		}
	}
	return bad ? bad : n ? "bytes behind the last record" : NULL;
}

const char *image_replay(struct image *im)
{
	const char *bad = NULL;
	unsigned i;

	for (i = 0; i < im->n_entry && !bad; i++)
		bad = apply_all(im, im->entry[i].records, im->entry[i].len);
	return bad;
}
