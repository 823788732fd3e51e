/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mutations.c: the lies that a pool can tell, by name.
 */
#include "badpool.h"

#include "persist/persist.h"

#include "support.h"

#define SEED_HDR 0x5045524d48445221ull
#define SEED_CKPT 0x5045524d434b5054ull

void change_nothing(struct image *im)
{
	(void)im;
}

struct pm_header *header_of(struct image *im, int copy)
{
	return (void *)(im->bytes + (size_t)copy * PM_HDR_SIZE);
}

static struct pm_ckpt *ckpt_of(struct image *im, int slot)
{
	return (void *)(im->bytes + PM_CKPT_OFF +
			(size_t)slot * PM_CKPT_STRIDE);
}

void seal(struct image *im)
{
	int i;

	for (i = 0; i < 2; i++) {
		struct pm_header *h = header_of(im, i);
		struct pm_ckpt *c = ckpt_of(im, i);

		h->checksum = checksum_skip(h, sizeof *h,
				offsetof(struct pm_header, checksum), SEED_HDR);
		c->checksum = checksum(c, offsetof(struct pm_ckpt, checksum),
				       SEED_CKPT);
	}
}

/* Both header copies tell the lie, under checksums that are right. */
#define HEADER(name, lie)						\
	static void name(struct image *im)				\
	{								\
		int copy;						\
									\
		for (copy = 0; copy < 2; copy++) {			\
			struct pm_header *h = header_of(im, copy);	\
									\
			lie;						\
		}							\
		seal(im);						\
	}

HEADER(magic_of_another, h->magic[3] ^= 1)
HEADER(byte_order_swapped, h->byte_order = __builtin_bswap32(PM_BYTE_ORDER))
HEADER(format_newer, h->format = PM_FORMAT + 1)
HEADER(format_zero, h->format = 0)
HEADER(incompat_unknown, h->incompat |= 1ull << 40)
HEADER(ro_compat_unknown, h->ro_compat |= 1ull << 40)
HEADER(compat_unknown, h->compat |= 1ull << 40)
HEADER(id_zero, h->id = 0)
HEADER(window_elsewhere, h->window_base += 1ull << 44)
HEADER(window_bits_other, h->window_bits = 45)
HEADER(number_bits_other, h->number_bits = 11)
HEADER(number_bits_huge, h->number_bits = 200)
HEADER(size_zero, h->size = 0)
HEADER(size_beyond_the_file, h->size += 64 << 20)
HEADER(size_huge, h->size = UINT64_MAX & ~4095ull)
HEADER(size_odd, h->size -= 1)
HEADER(max_size_below_size, h->max_size = h->size - PM_EXTENT_MAX)
HEADER(max_size_huge, h->max_size = UINT64_MAX & ~65535ull)
HEADER(extent_size_zero, h->extent_size = 0)
HEADER(extent_size_odd, h->extent_size += 16)
HEADER(extent_size_huge, h->extent_size = 1u << 31)
HEADER(lanes_none, h->n_lanes = 0)
HEADER(lanes_many, h->n_lanes = PM_LANES_MAX + 1)
HEADER(lanes_fill_the_pool, h->n_lanes = 64; h->lane_size = 1 << 20)
HEADER(lane_size_zero, h->lane_size = 0)
HEADER(lane_size_odd, h->lane_size += 8)
HEADER(lane_size_huge, h->lane_size = 1ull << 62)
HEADER(root_outside, h->root_off = h->size)
HEADER(root_in_the_header, h->root_off = 16)
HEADER(root_beyond_its_end, h->root_size = h->size)
HEADER(root_huge, h->root_size = UINT64_MAX)
HEADER(root_unaligned, h->root_off += 1)
HEADER(root_is_no_object, h->root_off += 16)
HEADER(zones_none, h->n_zones = 0)
HEADER(zones_many, h->n_zones = PM_ZONES_MAX + 1)
HEADER(zone_in_the_header, h->zone[0].off = 0)
HEADER(zone_outside, h->zone[0].off = h->size)
HEADER(zone_offset_wraps, h->zone[0].off = UINT64_MAX & ~4095ull)
HEADER(zone_length_wraps, h->zone[0].len = UINT64_MAX & ~4095ull)
HEADER(zone_length_zero, h->zone[0].len = 0)
HEADER(zone_twice, h->zone[1] = h->zone[0])
HEADER(zone_extents_none, h->zone[0].n_ext = 0)
HEADER(zone_extents_many, h->zone[0].n_ext = h->zone[0].len / h->extent_size)
HEADER(zone_extents_huge, h->zone[0].n_ext = UINT64_MAX)
HEADER(zone_used_beyond, h->zone[0].used_hi = h->zone[0].n_ext + 1)
HEADER(lost_many, h->n_lost = PM_LOST_MAX + 1)
HEADER(peers_many, h->n_peers = PM_PEERS_MAX + 1)
HEADER(layout_unterminated, memset(h->layout, 'x', sizeof h->layout))
HEADER(idmap_number_zero, h->idmap[0] = 5)
HEADER(idmap_duplicate, h->idmap[700] = 99; h->idmap[800] = 99)

static void both_sums_wrong(struct image *im)
{
	header_of(im, 0)->checksum ^= 1;
	header_of(im, 1)->checksum ^= 1;
}

static void both_copies_zero(struct image *im)
{
	memset(im->bytes, 0, 2 * PM_HDR_SIZE);
}

static void file_cut(struct image *im)
{
	im->len -= 4096;
}

static void file_cut_to_headers(struct image *im)
{
	im->len = PM_LANES_OFF;
}

static void file_cut_in_a_header(struct image *im)
{
	im->len = PM_HDR_SIZE + 100;
}

static void both_checkpoints_zero(struct image *im)
{
	memset(im->bytes + PM_CKPT_OFF, 0, PM_CKPT_AREA);
}

#define CKPT(name, lie)							\
	static void name(struct image *im)				\
	{								\
		int slot;						\
									\
		for (slot = 0; slot < 2; slot++) {			\
			struct pm_ckpt *c = ckpt_of(im, slot);		\
									\
			lie;						\
		}							\
		seal(im);						\
	}

CKPT(ckpt_lanes_many, c->n_lanes = PM_LANES_MAX + 1)
CKPT(ckpt_lanes_other, c->n_lanes += 1)
CKPT(ckpt_header_newer, c->header_gen += 1000)

/* Descriptors of the first zone: kind finds the first of its kind. */
static struct pm_desc *first_of(struct image *im, unsigned kind)
{
	struct pm_header *h = header_of(im, 0);
	struct pm_desc *d = (void *)(im->bytes + h->zone[0].off);
	uint64_t i, z;

	for (z = 0; z < h->n_zones; z++) {
		d = (void *)(im->bytes + h->zone[z].off);
		for (i = 0; i < h->zone[z].n_ext; i++)
			if (d[i].kind == kind)
				return &d[i];
	}
	ck_abort_msg("no extent of kind %u", kind);
	return NULL;
}

#define DESC(name, kind_, lie)						\
	static void name(struct image *im)				\
	{								\
		struct pm_desc *d = first_of(im, (kind_));		\
									\
		lie;							\
	}

DESC(extent_kind_unknown, PM_EXT_SLAB, d->kind = 77)
DESC(extent_reserved_set, PM_EXT_SLAB, d->reserved = 1)
DESC(slab_class_unknown, PM_EXT_SLAB, d->class_idx = 255)
DESC(slab_length_zero, PM_EXT_SLAB, d->n_ext = 0)
DESC(slab_length_huge, PM_EXT_SLAB, d->n_ext = UINT32_MAX)
DESC(slab_overlaps_the_next, PM_EXT_SLAB, d->n_ext += 1)
DESC(run_length_zero, PM_EXT_RUN, d->n_ext = 0)
DESC(run_length_huge, PM_EXT_RUN, d->n_ext = UINT32_MAX)
DESC(run_beyond_its_zone, PM_EXT_RUN, d->n_ext = 1u << 20)

#define M(name, expect) { #name, name, expect }

const struct mutation mutations[] = {
	M(magic_of_another, EMEDIUMTYPE),
	M(both_copies_zero, EMEDIUMTYPE),
	M(both_sums_wrong, EUCLEAN),
	M(byte_order_swapped, EPROTONOSUPPORT),
	M(format_newer, EPROTONOSUPPORT),
	M(format_zero, EUCLEAN),
	M(incompat_unknown, EPROTONOSUPPORT),
	M(ro_compat_unknown, AT_WRITE),
	M(compat_unknown, 0),
	M(id_zero, EUCLEAN),
	M(window_elsewhere, EPROTONOSUPPORT),
	M(window_bits_other, EPROTONOSUPPORT),
	M(number_bits_other, EPROTONOSUPPORT),
	M(number_bits_huge, EPROTONOSUPPORT),
	M(size_zero, EUCLEAN),
	M(size_beyond_the_file, EUCLEAN),
	M(size_huge, EUCLEAN),
	M(size_odd, EUCLEAN),
	M(max_size_below_size, EUCLEAN),
	M(max_size_huge, EUCLEAN),
	M(extent_size_zero, EUCLEAN),
	M(extent_size_odd, EUCLEAN),
	M(extent_size_huge, EUCLEAN),
	M(lanes_none, EUCLEAN),
	M(lanes_many, EUCLEAN),
	M(lanes_fill_the_pool, EUCLEAN),
	M(lane_size_zero, EUCLEAN),
	M(lane_size_odd, EUCLEAN),
	M(lane_size_huge, EUCLEAN),
	M(root_outside, EUCLEAN),
	M(root_in_the_header, EUCLEAN),
	M(root_beyond_its_end, EUCLEAN),
	M(root_huge, EUCLEAN),
	M(root_unaligned, EUCLEAN),
	M(root_is_no_object, EUCLEAN),
	M(zones_none, EUCLEAN),
	M(zones_many, EUCLEAN),
	M(zone_in_the_header, EUCLEAN),
	M(zone_outside, EUCLEAN),
	M(zone_offset_wraps, EUCLEAN),
	M(zone_length_wraps, EUCLEAN),
	M(zone_length_zero, EUCLEAN),
	M(zone_twice, EUCLEAN),
	M(zone_extents_none, EUCLEAN),
	M(zone_extents_many, EUCLEAN),
	M(zone_extents_huge, EUCLEAN),
	M(zone_used_beyond, EUCLEAN),
	M(lost_many, EUCLEAN),
	M(peers_many, EUCLEAN),
	M(layout_unterminated, EUCLEAN),
	M(idmap_number_zero, EUCLEAN),
	M(idmap_duplicate, EUCLEAN),
	M(file_cut, EUCLEAN),
	M(file_cut_to_headers, EUCLEAN),
	M(file_cut_in_a_header, EUCLEAN),
	M(both_checkpoints_zero, EUCLEAN),
	M(ckpt_lanes_many, EUCLEAN),
	M(ckpt_lanes_other, EUCLEAN),
	M(ckpt_header_newer, EUCLEAN),
	M(extent_kind_unknown, AT_CHECK),
	M(extent_reserved_set, AT_CHECK),
	M(slab_class_unknown, AT_CHECK),
	M(slab_length_zero, AT_CHECK),
	M(slab_length_huge, AT_CHECK),
	M(slab_overlaps_the_next, AT_CHECK),
	M(run_length_zero, AT_CHECK),
	M(run_length_huge, AT_CHECK),
	M(run_beyond_its_zone, AT_CHECK),
};

const size_t mutations_n = T_N(mutations);

/* Where the metadata of the image are: headers, checkpoints, lanes, zones. */
static uint64_t pick_offset(struct image *im, uint64_t *seed, bool log_too)
{
	const struct pm_header *h = header_of(im, 0);
	uint64_t x = t_random(seed), z;

	if (log_too && x % 2 == 0)
		return PM_LANES_OFF +
		       t_random(seed) % (h->n_lanes * h->lane_size);
	switch (x / 2 % 4) {
	case 0:
		return t_random(seed) % 512;
	case 1:
		return t_random(seed) % PM_LANES_OFF;
	case 2:
		return PM_CKPT_OFF + t_random(seed) % sizeof(struct pm_ckpt);
	default:
		z = t_random(seed) % h->n_zones;
		return h->zone[z].off + t_random(seed) %
		       (h->zone[z].n_ext * PM_META_BYTES(h->extent_size));
	}
}

void scramble(struct image *im, uint64_t seed, bool log_too)
{
	uint64_t at[40], n, i;

	seed = seed * 0x9e3779b97f4a7c15u | 1;
	n = 1 + t_random(&seed) % T_N(at);
	for (i = 0; i < n; i++)
		at[i] = pick_offset(im, &seed, log_too);
	for (i = 0; i < n; i++) {
		unsigned char *p = im->bytes + at[i] % im->len;

		*p = t_random(&seed) % 4 == 0 ? 0xff : (uint8_t)t_random(&seed);
		/* The same lie in both copies of the header. */
		if (at[i] < PM_HDR_SIZE)
			p[PM_HDR_SIZE] = *p;
	}
	if (t_random(&seed) % 4 != 0) {
		memcpy(header_of(im, 0)->magic, PM_MAGIC, PM_MAGIC_LEN);
		memcpy(header_of(im, 1)->magic, PM_MAGIC, PM_MAGIC_LEN);
		seal(im);
	}
}
