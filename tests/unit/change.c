/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * change.c: records of the log that change the header, one condition at a time.
 */
#include "unit.h"

static int apply(struct region *r, unsigned type, uint64_t off, uint64_t arg,
		 const void *payload)
{
	struct pm_rec rec = {PM_TAG(type, off), arg};

	return header_apply(r, &rec, payload);
}

START_TEST(a_record_adds_only_the_zone_that_is_next)
{
	struct region *r = unit_region(1 << 20, 3 << 20);
	struct pm_header *h = r->hdr;
	uint64_t size = h->size, ext = h->extent_size, len = 64 * ext;

	/* The file is long enough, and that is not what is refused. */
	r->md.m.size = 4 << 20;
	ck_assert_int_eq(apply(r, PM_REC_ZONE, size + ext, len, NULL), -1);
	ck_assert_int_eq(apply(r, PM_REC_ZONE, size - ext, len, NULL), -1);
	ck_assert_int_eq(apply(r, PM_REC_ZONE, size, h->max_size - size + ext,
			       NULL), -1);
	ck_assert_int_eq(apply(r, PM_REC_ZONE, size, ext, NULL), -1);
	ck_assert_int_eq(apply(r, PM_REC_ZONE, size, len + 8, NULL), -1);
	h->n_zones = PM_ZONES_MAX;
	ck_assert_int_eq(apply(r, PM_REC_ZONE, size, len, NULL), -1);
	h->n_zones = 1;
	r->md.m.size = size + len - ext;
	ck_assert_int_eq(apply(r, PM_REC_ZONE, size, len, NULL), -1);
	ck_assert_uint_eq(h->size, size);
	r->md.m.size = size + len;
	ck_assert_int_eq(apply(r, PM_REC_ZONE, size, len, NULL), 0);
	ck_assert_uint_eq(h->n_zones, 2);
	ck_assert_uint_eq(h->size, size + len);
	/* Replay says it again; it cannot say anything else. */
	ck_assert_int_eq(apply(r, PM_REC_ZONE, size, len, NULL), 0);
	ck_assert_int_eq(apply(r, PM_REC_ZONE, size, len + ext, NULL), -1);
	ck_assert_uint_eq(h->n_zones, 2);
	unit_region_free(r);
}
END_TEST

START_TEST(a_record_names_a_root_that_can_be)
{
	struct region *r = unit_region(1 << 20, 0);
	uint64_t size = r->hdr->size, zone = r->zone_off;

	ck_assert_int_eq(apply(r, PM_REC_ROOT, zone - 16, 16, NULL), -1);
	ck_assert_int_eq(apply(r, PM_REC_ROOT, size - 16, 17, NULL), -1);
	ck_assert_int_eq(apply(r, PM_REC_ROOT, size - 16, UINT64_MAX, NULL), -1);
	ck_assert_int_eq(apply(r, PM_REC_ROOT, size - 24, 16, NULL), -1);
	ck_assert_uint_eq(r->hdr->root_off, 0);
	ck_assert_int_eq(apply(r, PM_REC_ROOT, size - 16, 16, NULL), 0);
	ck_assert_uint_eq(r->hdr->root_off, size - 16);
	ck_assert_int_eq(apply(r, PM_REC_ROOT, 0, 0, NULL), 0);
	ck_assert_uint_eq(r->hdr->root_off, 0);
	unit_region_free(r);
}
END_TEST

START_TEST(a_record_maps_numbers_that_are_to_regions_that_are)
{
	struct region *r = unit_region(1 << 20, 0);
	uint64_t end = 1u << r->hdr->number_bits;

	ck_assert_int_eq(apply(r, PM_REC_IDMAP, 0, 5, NULL), -1);
	ck_assert_int_eq(apply(r, PM_REC_IDMAP, end, 5, NULL), -1);
	ck_assert_int_eq(apply(r, PM_REC_IDMAP, 7, 0, NULL), -1);
	ck_assert_int_eq(apply(r, PM_REC_IDMAP, end - 1, 5, NULL), 0);
	ck_assert_uint_eq(r->hdr->idmap[end - 1], 5);
	unit_region_free(r);
}
END_TEST

START_TEST(the_oldest_place_of_another_region_is_forgotten)
{
	struct region *r = unit_region(1 << 20, 0);
	struct pm_header *h = r->hdr;
	struct pm_peer peer = {.path = "first"};
	uint64_t id;

	for (id = 1; id <= PM_PEERS_MAX; id++) {
		peer.id = id;
		ck_assert_int_eq(apply(r, PM_REC_PEER, 0, sizeof(peer), &peer),
				 0);
		ck_assert_uint_eq(h->n_peers, id);
	}
	memset(peer.path, 'x', sizeof(peer.path));
	peer.id = 2;
	ck_assert_int_eq(apply(r, PM_REC_PEER, 0, sizeof(peer), &peer), 0);
	ck_assert_uint_eq(h->n_peers, PM_PEERS_MAX);
	ck_assert_uint_eq(h->peer[1].id, 2);
	ck_assert_uint_eq(strlen(h->peer[1].path), sizeof(peer.path) - 1);
	peer.id = id;
	ck_assert_int_eq(apply(r, PM_REC_PEER, 0, sizeof(peer), &peer), 0);
	ck_assert_uint_eq(h->n_peers, PM_PEERS_MAX);
	ck_assert_uint_eq(h->peer[0].id, 2);
	ck_assert_uint_eq(h->peer[PM_PEERS_MAX - 1].id, id);
	unit_region_free(r);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_record_adds_only_the_zone_that_is_next,
		a_record_names_a_root_that_can_be,
		a_record_maps_numbers_that_are_to_regions_that_are,
		the_oldest_place_of_another_region_is_forgotten, NULL,
	};

	return unit_main("change", tests);
}
