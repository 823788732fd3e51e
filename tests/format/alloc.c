/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * alloc.c: zones, descriptors, bitmaps and size classes, as in the section
 * "Zones" of pmheap_format(5).
 */
#include "reader.h"

#define ZONES 256u		/* offset of the zones in the header */
#define N_ZONES 136u

static uint64_t at_zone(const struct image *im, unsigned i, unsigned field)
{
	return get(im->header + ZONES + i * 32u + field, 8);
}

struct zone image_zone(const struct image *im, unsigned i)
{
	struct zone z = {
		.off = at_zone(im, i, 0),
		.len = at_zone(im, i, 8),
		.n_ext = at_zone(im, i, 16),
		.used_hi = at_zone(im, i, 24),
	};

	z.extents = z.off + z.len - z.n_ext * im->extent_size;
	return z;
}

uint64_t zone_capacity(uint64_t len, uint64_t extent_size)
{
	return len / (extent_size + extent_size / 64 + 48);
}

uint64_t class_size(unsigned c)
{
	unsigned k = (c - 8) / 8;

	if (c < 8)
		return 16 * (c + 1);
	return (1ull << (7 + k)) + (1ull << (4 + k)) * ((c - 8) % 8 + 1);
}

unsigned slab_extents(unsigned c, uint64_t extent_size)
{
	uint64_t size = class_size(c), least = ~0ull;
	unsigned n, best = 0;

	for (n = 1; n <= 8; n++) {
		uint64_t all = n * extent_size, unused = all % size;

		if (all < size)
			continue;
		if (unused <= all / 32)
			return n;
		if (unused * 1024 / all < least) {
			least = unused * 1024 / all;
			best = n;
		}
	}
	return best;
}

uint8_t *image_desc(struct image *im, uint64_t off, uint8_t **bitmap)
{
	unsigned i, n = (unsigned)get(im->header + N_ZONES, 4);

	for (i = 0; i < n; i++) {
		struct zone z = image_zone(im, i);
		uint64_t ext = (off - z.extents) / im->extent_size;

		if (off < z.extents || off >= z.off + z.len)
			continue;
		*bitmap = im->bytes + z.off + z.n_ext * 16 +
			  ext * (im->extent_size / 128);
		return im->bytes + z.off + ext * 16;
	}
	return NULL;
}

void image_used(struct image *im, uint64_t off, uint64_t n)
{
	unsigned i, zones = (unsigned)get(im->header + N_ZONES, 4);

	for (i = 0; i < zones; i++) {
		struct zone z = image_zone(im, i);
		uint64_t end = (off - z.extents) / im->extent_size + n;

		if (off >= z.extents && off < z.off + z.len && end > z.used_hi)
			put(im->header + ZONES + i * 32u + 24, end, 8);
	}
}

static void slab_objects(const struct image *im, const uint8_t *desc,
			 const uint8_t *bitmap, uint64_t off, image_visit *f,
			 void *arg)
{
	uint64_t size = class_size(desc[1]), i;
	uint64_t n = get(desc + 4, 4) * im->extent_size / size;

	for (i = 0; i < n; i++)
		if (get(bitmap + i / 64 * 8, 8) >> i % 64 & 1)
			f(arg, off + i * size, size, (uint32_t)get(desc + 8, 4));
}

void image_objects(struct image *im, image_visit *f, void *arg)
{
	unsigned i, n = (unsigned)get(im->header + N_ZONES, 4);

	for (i = 0; i < n; i++) {
		struct zone z = image_zone(im, i);
		uint64_t off = z.extents;

		while (off < z.extents + z.used_hi * im->extent_size) {
			uint8_t *bitmap, *d = image_desc(im, off, &bitmap);
			uint64_t len = im->extent_size;

			if (d[0] != 0)
				len *= get(d + 4, 4);
			if (d[0] == 1)
				slab_objects(im, d, bitmap, off, f, arg);
			else if (d[0] == 2)
				f(arg, off, len, (uint32_t)get(d + 8, 4));
			off += len;
		}
	}
}
