/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zone.c: where the metadata of an extent is. Read from the header, so that
 * replay can use it before any volatile state exists.
 */
#include "alloc/internal.h"

void zone_layout(const struct pm_zone *pz, uint32_t ext_size, struct zone *z)
{
	uint64_t n = pz->n_ext;

	z->off = pz->off;
	z->n_ext = n;
	z->bitmap_off = z->off + n * sizeof(struct pm_desc);
	z->spill_off = z->bitmap_off + n * PM_BITMAP_BYTES(ext_size);
	z->data_len = n * ext_size;
	z->data_off = pz->off + pz->len - z->data_len;
}

bool place_in_header(const struct region *r, uint64_t off, struct place *out)
{
	uint32_t ext_size = r->hdr->extent_size;
	uint32_t i = header_zones(r->hdr);
	struct zone z;

	while (i-- > 0) {
		const struct pm_zone *pz = &r->hdr->zone[i];

		if (off < pz->off)
			continue;
		zone_layout(pz, ext_size, &z);
		if (off < z.data_off || off >= pz->off + pz->len)
			return false;
		out->zone = i;
		out->n_ext = z.n_ext;
		/* A power of two, as header_read() has seen to. */
		out->ext = (off - z.data_off) >> __builtin_ctz(ext_size);
		out->in_ext = (off - z.data_off) & (ext_size - 1);
		out->desc_off = z.off + out->ext * sizeof(struct pm_desc);
		out->bitmap_off = z.bitmap_off +
				  out->ext * PM_BITMAP_BYTES(ext_size);
		return true;
	}
	return false;
}

const struct pm_desc *desc_at(const struct region *r, uint64_t desc_off)
{
	return (const struct pm_desc *)(r->home + desc_off);
}
