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

struct pm_ckpt *ckpt_of(struct image *im, int slot)
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
HEADER(gen_huge, h->gen = PM_COUNT_MAX + 1)
HEADER(created_tomorrow, h->created = UINT64_MAX)
HEADER(lost_floor_huge, h->lost_floor = PM_COUNT_MAX + 1)
HEADER(reserved_0_set, h->reserved0 = 1)
HEADER(reserved_1_set, memset(h->reserved1, 0xff, sizeof h->reserved1))
HEADER(reserved_2_set, memset(h->reserved2, 0xff, sizeof h->reserved2))
HEADER(zone_unused_set, h->zone[PM_ZONES_MAX - 1].off = 1)
HEADER(lost_backwards, h->n_lost = 1; h->lost[0].first = 9; h->lost[0].last = 8)
HEADER(lost_huge, h->n_lost = 1; h->lost[0].last = PM_COUNT_MAX + 1)
HEADER(lost_unused_set, h->lost[PM_LOST_MAX - 1].first = 9)
HEADER(peer_id_zero, h->n_peers = 8; memset(h->peer, 0, sizeof h->peer))
HEADER(peer_path_unterminated,
       h->n_peers = 8; memset(h->peer, 'x', sizeof h->peer))
HEADER(peer_unused_set, h->n_peers = 0; memset(h->peer, 'x', sizeof h->peer))
HEADER(pinned_numbers_of_none,
       memset(h->pinned, 0xff, sizeof h->pinned); h->pinned[0] &= ~2ull)
HEADER(pinned_number_one_of_another, h->idmap[1] = 99; h->pinned[0] |= 2)
HEADER(idmap_own_under_another, h->idmap[1] = 0; h->idmap[700] = h->id)
HEADER(idmap_number_zero, h->idmap[0] = 5)
HEADER(idmap_duplicate, h->idmap[700] = 99; h->idmap[800] = 99)

static void both_sums_wrong(struct image *im)
{
	header_of(im, 0)->checksum ^= 1;
	header_of(im, 1)->checksum ^= 1;
}

/* A format to come may sum up its header in another way. */
static void both_of_another_order_and_sum(struct image *im)
{
	int copy;

	for (copy = 0; copy < 2; copy++)
		header_of(im, copy)->byte_order =
			__builtin_bswap32(PM_BYTE_ORDER);
}

static void creation_cut_off(struct image *im)
{
	memcpy(im->bytes, PM_MAKING, PM_MAGIC_LEN);
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

#define M(field, name, expect) { field, #name, name, expect, false }

const struct mutation mutations[] = {
	M("pm_header.magic", magic_of_another, EMEDIUMTYPE),
	M("pm_header.magic", both_copies_zero, EMEDIUMTYPE),
	M("pm_header.checksum", both_sums_wrong, EUCLEAN),
	M("pm_header.byte_order", byte_order_swapped, EPROTONOSUPPORT),
	M("pm_header.byte_order", both_of_another_order_and_sum,
	  EPROTONOSUPPORT),
	M("pm_header.magic", creation_cut_off, EMEDIUMTYPE),
	M("pm_header.format", format_newer, EPROTONOSUPPORT),
	M("pm_header.format", format_zero, EUCLEAN),
	M("pm_header.incompat", incompat_unknown, EPROTONOSUPPORT),
	M("pm_header.ro_compat", ro_compat_unknown, AT_WRITE),
	M("pm_header.compat", compat_unknown, 0),
	M("pm_header.id", id_zero, EUCLEAN),
	M("pm_header.window_base", window_elsewhere, EPROTONOSUPPORT),
	M("pm_header.window_bits", window_bits_other, EPROTONOSUPPORT),
	M("pm_header.number_bits", number_bits_other, EPROTONOSUPPORT),
	M("pm_header.number_bits", number_bits_huge, EPROTONOSUPPORT),
	M("pm_header.size", size_zero, EUCLEAN),
	M("pm_header.size", size_beyond_the_file, EUCLEAN),
	M("pm_header.size", size_huge, EUCLEAN),
	M("pm_header.size", size_odd, EUCLEAN),
	M("pm_header.max_size", max_size_below_size, EUCLEAN),
	M("pm_header.max_size", max_size_huge, EUCLEAN),
	M("pm_header.extent_size", extent_size_zero, EUCLEAN),
	M("pm_header.extent_size", extent_size_odd, EUCLEAN),
	M("pm_header.extent_size", extent_size_huge, EUCLEAN),
	M("pm_header.n_lanes", lanes_none, EUCLEAN),
	M("pm_header.n_lanes", lanes_many, EUCLEAN),
	M("pm_header.n_lanes", lanes_fill_the_pool, EUCLEAN),
	M("pm_header.lane_size", lane_size_zero, EUCLEAN),
	M("pm_header.lane_size", lane_size_odd, EUCLEAN),
	M("pm_header.lane_size", lane_size_huge, EUCLEAN),
	M("pm_header.root_off", root_outside, EUCLEAN),
	M("pm_header.root_off", root_in_the_header, EUCLEAN),
	M("pm_header.root_size", root_beyond_its_end, EUCLEAN),
	M("pm_header.root_size", root_huge, EUCLEAN),
	M("pm_header.root_off", root_unaligned, EUCLEAN),
	M("pm_header.root_off", root_is_no_object, EUCLEAN),
	M("pm_header.n_zones", zones_none, EUCLEAN),
	M("pm_header.n_zones", zones_many, EUCLEAN),
	M("pm_zone.off", zone_in_the_header, EUCLEAN),
	M("pm_zone.off", zone_outside, EUCLEAN),
	M("pm_zone.off", zone_offset_wraps, EUCLEAN),
	M("pm_zone.len", zone_length_wraps, EUCLEAN),
	M("pm_zone.len", zone_length_zero, EUCLEAN),
	M("pm_header.zone", zone_twice, EUCLEAN),
	M("pm_zone.n_ext", zone_extents_none, EUCLEAN),
	M("pm_zone.n_ext", zone_extents_many, EUCLEAN),
	M("pm_zone.n_ext", zone_extents_huge, EUCLEAN),
	M("pm_zone.used_hi", zone_used_beyond, EUCLEAN),
	M("pm_header.n_lost", lost_many, EUCLEAN),
	M("pm_header.n_peers", peers_many, EUCLEAN),
	M("pm_header.layout", layout_unterminated, EUCLEAN),
	M("pm_header.idmap", idmap_number_zero, EUCLEAN),
	M("pm_header.idmap", idmap_duplicate, EUCLEAN),
	M("pm_header.size", file_cut, EUCLEAN),
	M("pm_header.size", file_cut_to_headers, EUCLEAN),
	M("pm_header.size", file_cut_in_a_header, EUCLEAN),
	M("pm_header.gen", gen_huge, EUCLEAN),
	M("pm_header.created", created_tomorrow, 0),
	M("pm_header.lost_floor", lost_floor_huge, EUCLEAN),
	M("pm_header.reserved0", reserved_0_set, 0),
	M("pm_header.reserved1", reserved_1_set, 0),
	M("pm_header.reserved2", reserved_2_set, 0),
	M("pm_header.zone", zone_unused_set, 0),
	M("pm_lost.first", lost_backwards, EUCLEAN),
	M("pm_lost.last", lost_huge, EUCLEAN),
	M("pm_header.lost", lost_unused_set, 0),
	M("pm_peer.id", peer_id_zero, 0),
	M("pm_peer.path", peer_path_unterminated, EUCLEAN),
	M("pm_header.peer", peer_unused_set, 0),
	M("pm_header.pinned", pinned_numbers_of_none, 0),
	M("pm_header.pinned", pinned_number_one_of_another, AT_OPEN),
	M("pm_header.idmap", idmap_own_under_another, AT_OPEN),
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
