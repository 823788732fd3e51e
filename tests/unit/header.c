/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * header.c: how the two header copies and checkpoint records are judged.
 */
#include "unit.h"

static struct region *r;
static struct pm_header *h;
static int copy;
static enum other_copy other;

static void set_up(void)
{
	r = unit_region(1 << 20, 2 << 20);
	h = aligned_alloc(PM_PAGE, PM_HDR_SIZE);
	ck_assert_ptr_nonnull(h);
}

static void tear_down(void)
{
	free(h);
	unit_region_free(r);
}

static int read_it(void)
{
	errno = 0;
	return header_read(&r->md, h, &copy, &other);
}

static void refused(int err)
{
	ck_assert_int_eq(read_it(), -1);
	ck_assert_msg(errno == err, "errno %d, not %d: %s", errno, err,
		      err_get());
}

START_TEST(two_equal_copies_are_good)
{
	set_up();
	ck_assert_int_eq(read_it(), 0);
	ck_assert_int_eq(other, COPY_SAME);
	ck_assert_int_eq(memcmp(h, r->hdr, sizeof(*h)), 0);
	tear_down();
}
END_TEST

START_TEST(the_newer_copy_rules)
{
	int k;

	for (k = 0; k < 2; k++) {
		set_up();
		r->hdr->gen += 5;
		header_write(r, k);
		ck_assert_int_eq(read_it(), 0);
		ck_assert_int_eq(copy, k);
		ck_assert_int_eq(other, COPY_STALE);
		ck_assert_uint_eq(h->gen, r->hdr->gen);
		tear_down();
	}
}
END_TEST

START_TEST(one_damaged_copy_leaves_the_other)
{
	size_t at;
	int k;

	for (k = 0; k < 2; k++) {
		for (at = 0; at < PM_HDR_SIZE; at += 61) {
			set_up();
			unit_bytes(r)[(size_t)k * PM_HDR_SIZE + at] ^= 0x10;
			ck_assert_int_eq(read_it(), 0);
			ck_assert_int_eq(copy, !k);
			ck_assert_int_eq(other, COPY_DAMAGED);
			tear_down();
		}
	}
}
END_TEST

START_TEST(two_damaged_copies_are_a_damaged_pool)
{
	set_up();
	unit_bytes(r)[500] ^= 1;
	unit_bytes(r)[PM_HDR_SIZE + 9000] ^= 1;
	refused(EUCLEAN);
	tear_down();
}
END_TEST

START_TEST(other_bytes_are_a_foreign_file)
{
	set_up();
	memset(unit_bytes(r), 'x', 2 * PM_HDR_SIZE);
	refused(EMEDIUMTYPE);
	memset(unit_bytes(r), 0, 2 * PM_HDR_SIZE);
	refused(EMEDIUMTYPE);
	r->md.m.size = 100;
	refused(EMEDIUMTYPE);
	tear_down();
}
END_TEST

static void written_is_refused(int err)
{
	header_write(r, 0);
	header_write(r, 1);
	refused(err);
	tear_down();
	set_up();
}

START_TEST(what_this_version_cannot_read_is_told_from_damage)
{
	set_up();
	r->hdr->format = PM_FORMAT + 1;
	written_is_refused(EPROTONOSUPPORT);
	r->hdr->incompat = 1;
	written_is_refused(EPROTONOSUPPORT);
	r->hdr->ro_compat = 1ull << 63;
	written_is_refused(EPROTONOSUPPORT);
	r->hdr->byte_order = __builtin_bswap32(PM_BYTE_ORDER);
	written_is_refused(EPROTONOSUPPORT);
	r->hdr->window_base += 4096;
	written_is_refused(EPROTONOSUPPORT);
	tear_down();
}
END_TEST

START_TEST(a_newer_format_with_its_own_checksum_is_newer)
{
	uint32_t format = PM_FORMAT + 1;
	int k;

	set_up();
	for (k = 0; k < 2; k++)
		memcpy(unit_bytes(r) + k * PM_HDR_SIZE +
		       offsetof(struct pm_header, format), &format, 4);
	refused(EPROTONOSUPPORT);
	tear_down();
}
END_TEST

START_TEST(impossible_numbers_are_damage_in_spite_of_the_checksum)
{
	set_up();
	r->hdr->size = 4096;
	written_is_refused(EUCLEAN);
	r->hdr->size = r->hdr->max_size = 1ull << 60;
	written_is_refused(EUCLEAN);
	r->hdr->extent_size = 3000;
	written_is_refused(EUCLEAN);
	r->hdr->n_lanes = 0;
	written_is_refused(EUCLEAN);
	r->hdr->n_lanes = PM_LANES_MAX + 1;
	written_is_refused(EUCLEAN);
	r->hdr->lane_size = 1ull << 40;
	written_is_refused(EUCLEAN);
	r->hdr->n_zones = PM_ZONES_MAX + 1;
	written_is_refused(EUCLEAN);
	r->hdr->zone[0].len += 1ull << 30;
	written_is_refused(EUCLEAN);
	r->hdr->zone[0].n_ext *= 2;
	written_is_refused(EUCLEAN);
	r->hdr->zone[0].used_hi = r->hdr->zone[0].n_ext + 1;
	written_is_refused(EUCLEAN);
	r->hdr->root_off = r->hdr->size;
	r->hdr->root_size = 16;
	written_is_refused(EUCLEAN);
	r->hdr->n_peers = PM_PEERS_MAX + 1;
	written_is_refused(EUCLEAN);
	r->hdr->idmap[5] = r->hdr->idmap[9] = 77;
	written_is_refused(EUCLEAN);
	tear_down();
}
END_TEST

START_TEST(a_truncated_file_is_damaged)
{
	set_up();
	r->md.m.size = r->hdr->size - 1;
	refused(EUCLEAN);
	r->md.m.size = PM_HDR_SIZE + 100;
	refused(EUCLEAN);
	tear_down();
}
END_TEST

START_TEST(the_newest_intact_checkpoint_rules)
{
	struct pm_ckpt c = {.gen = 1, .watermark = 10}, got;
	int slot = -1;

	set_up();
	ck_assert(!ckpt_read(r->home, &got, &slot));
	ckpt_write(&r->md, &c, 0);
	c.gen = 2;
	c.watermark = 20;
	ckpt_write(&r->md, &c, 1);
	ck_assert(ckpt_read(r->home, &got, &slot));
	ck_assert_int_eq(slot, 1);
	ck_assert_uint_eq(got.watermark, 20);
	unit_bytes(r)[PM_CKPT_OFF + PM_CKPT_STRIDE + 16] ^= 1;
	ck_assert(ckpt_read(r->home, &got, &slot));
	ck_assert_int_eq(slot, 0);
	ck_assert_uint_eq(got.watermark, 10);
	unit_bytes(r)[PM_CKPT_OFF + 300] ^= 1;
	ck_assert(!ckpt_read(r->home, &got, &slot));
	tear_down();
}
END_TEST

START_TEST(a_forgotten_number_is_unknown_never_committed)
{
	uint64_t i;
	bool unknown;

	set_up();
	/* Two threads' transactions failed; the later number comes first. */
	header_add_lost(r, 70, 70);
	header_add_lost(r, 50, 50);
	for (i = 0; i < PM_LOST_MAX; i++)
		header_add_lost(r, 1000 + 10 * i, 1005 + 10 * i);
	ck_assert_uint_eq(r->hdr->n_lost, PM_LOST_MAX);
	for (i = 50; i <= 70; i += 20) {
		ck_assert(!header_is_lost(r->hdr, i, &unknown));
		ck_assert(unknown);
	}
	ck_assert(header_is_lost(r->hdr, 1000, &unknown));
	ck_assert(!header_is_lost(r->hdr, 1006, &unknown));
	ck_assert(!unknown);
	tear_down();
}
END_TEST

/* Each is refused by one condition alone: the rest of the header allows it. */
#define LIE(name, lie) static void name(struct pm_header *b) { lie; }

#define KIB 1024ull
#define MIB (KIB * KIB)

LIE(no_id, b->id = 0)
LIE(small, b->size = b->max_size = PM_SIZE_MIN - PM_PAGE)
LIE(odd_size, b->size += 8)
LIE(shrinks, b->max_size = b->size - PM_PAGE)
LIE(odd_max_size, b->max_size += 8)
LIE(beyond_the_window, b->max_size = 2ull << b->window_bits)
LIE(extents_small, b->extent_size = PM_EXTENT_MIN / 2)
LIE(extents_large, b->extent_size = 2 * PM_EXTENT_MAX)
LIE(extents_odd, b->extent_size = 3 * PM_PAGE;
    b->size = 96 * 3 * PM_PAGE; b->max_size = 2 * b->size)
LIE(extents_unlike_size, b->extent_size = 65536; b->size += PM_PAGE)
LIE(extents_unlike_max, b->extent_size = 65536; b->max_size += PM_PAGE)
LIE(no_lanes, b->n_lanes = 0)
LIE(many_lanes, b->n_lanes = PM_LANES_MAX + 1; b->lane_size = PM_LANE_MIN)
LIE(lanes_short, b->lane_size = PM_LANE_MIN - PM_PAGE)
LIE(lanes_long, b->n_lanes = 1; b->lane_size = PM_LANE_MAX + PM_PAGE;
    b->size = b->max_size = 256 * MIB)
LIE(lanes_odd, b->lane_size = PM_LANE_MIN + 8)
LIE(lanes_beyond, b->n_lanes = 4; b->lane_size = b->size / 4)
LIE(no_zones, b->n_zones = 0)
LIE(many_zones, b->n_zones = PM_ZONES_MAX + 1)
LIE(zone_before, b->zone[0].off -= PM_PAGE; b->zone[0].len += PM_PAGE)
LIE(zone_beyond, b->zone[0].len += PM_PAGE)
LIE(zone_odd, b->zone[0].off += 8; b->zone[0].len -= 8)
LIE(zone_of_nothing, b->zone[0].n_ext = b->zone[0].used_hi = 0)
LIE(zone_wraps, b->zone[0].n_ext = 1u << 31)
LIE(zone_used_beyond, b->zone[0].used_hi = b->zone[0].n_ext + 1)
LIE(zone_between_extents, b->extent_size = 2 * PM_PAGE;
    b->zone[0].len -= PM_PAGE; b->zone[0].n_ext = 10)
LIE(zone_all_extents, b->zone[0].n_ext = b->zone[0].len / b->extent_size)
LIE(many_lost, b->n_lost = PM_LOST_MAX + 1)
LIE(many_peers, b->n_peers = PM_PEERS_MAX + 1)
LIE(lost_backwards, b->n_lost = 1; b->lost[0].first = 9; b->lost[0].last = 8)
LIE(lost_far, b->n_lost = 1; b->lost[0].last = PM_COUNT_MAX + 1)
LIE(floor_far, b->lost_floor = PM_COUNT_MAX + 1)
LIE(endless_path, b->n_peers = 1;
    memset(b->peer[0].path, 'x', sizeof(b->peer[0].path)))
LIE(number_none, b->idmap[0] = 5)
LIE(number_twice, b->idmap[5] = b->idmap[9] = 77)
LIE(endless_layout, memset(b->layout, 'x', PM_LAYOUT_MAX))
LIE(root_beyond, b->root_off = b->size - 16; b->root_size = 17)
LIE(root_odd, b->root_off = b->size - 24; b->root_size = 16)
LIE(generation_far, b->gen = PM_COUNT_MAX + 1)

static const struct {
	void (*change)(struct pm_header *b);
	const char *message;
} lies[] = {
	{no_id, "impossible size"}, {small, "impossible size"},
	{odd_size, "impossible size"}, {shrinks, "impossible size"},
	{odd_max_size, "impossible size"},
	{beyond_the_window, "impossible size"},
	{extents_small, "extent size"}, {extents_large, "extent size"},
	{extents_odd, "extent size"}, {extents_unlike_size, "extent size"},
	{extents_unlike_max, "extent size"},
	{no_lanes, "impossible lanes"}, {many_lanes, "impossible lanes"},
	{lanes_short, "impossible lanes"}, {lanes_long, "impossible lanes"},
	{lanes_odd, "impossible lanes"}, {lanes_beyond, "impossible lanes"},
	{no_zones, "0 zones"}, {many_zones, "65 zones"},
	{zone_before, "zone 0"}, {zone_beyond, "zone 0"}, {zone_odd, "zone 0"},
	{zone_of_nothing, "zone 0"}, {zone_wraps, "zone 0"},
	{zone_used_beyond, "zone 0"}, {zone_between_extents, "zone 0"},
	{zone_all_extents, "zone 0"},
	{many_lost, "table length"}, {many_peers, "table length"},
	{lost_backwards, "lost sequence"}, {lost_far, "lost sequence"},
	{floor_far, "lost sequence"}, {endless_path, "path of a peer"},
	{number_none, "wrong number (0)"}, {number_twice, "wrong number (9)"},
	{endless_layout, "layout name"}, {root_beyond, "root object"},
	{root_odd, "root object"}, {generation_far, "generation"},
};

START_TEST(each_condition_is_the_only_one_to_refuse_something)
{
	size_t i;

	for (i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		r = unit_region(1 * MIB, 2 * MIB);
		h = aligned_alloc(PM_PAGE, PM_HDR_SIZE);
		ck_assert_ptr_nonnull(h);
		r->md.m.size = 512 * MIB;
		lies[i].change(r->hdr);
		header_write(r, 0);
		header_write(r, 1);
		refused(EUCLEAN);
		ck_assert_msg(strstr(err_get(), lies[i].message) != NULL,
			      "lie %zu: \"%s\" says nothing of \"%s\"", i,
			      err_get(), lies[i].message);
		tear_down();
	}
}
END_TEST

START_TEST(one_copy_is_enough_to_tell_what_it_is)
{
	static const uint32_t order = PM_BYTE_ORDER;
	int newer;

	for (copy = 0; copy < 2; copy++) {
		for (newer = 0; newer < 2; newer++) {
			int told = copy;

			set_up();
			if (newer)
				r->hdr->format = PM_FORMAT + 1;
			else
				r->hdr->byte_order = __builtin_bswap32(order);
			header_write(r, told);
			memset(unit_bytes(r) + (1 - told) * PM_HDR_SIZE, 'x',
			       PM_HDR_SIZE);
			refused(EPROTONOSUPPORT);
			tear_down();
			copy = told;
		}
	}
}
END_TEST

START_TEST(a_file_shorter_than_a_header_is_no_pool)
{
	set_up();
	r->md.m.size = 100;
	refused(EMEDIUMTYPE);
	ck_assert_ptr_nonnull(strstr(err_get(), "only 100 bytes"));
	tear_down();
}
END_TEST

START_TEST(lanes_are_refused_for_what_is_wrong_with_them)
{
	PmWrapperConfig c = {.size = 1 * MIB, .lanes = PM_LANES_MAX + 1};
	struct pm_header made;

	ck_assert_int_eq(header_format(&made, &c), -1);
	ck_assert_ptr_nonnull(strstr(err_get(), "65 is more than 64"));
	c.lanes = 8;
	c.lane_size = 128 * KIB;
	ck_assert_int_eq(header_format(&made, &c), -1);
	ck_assert_ptr_nonnull(strstr(err_get(), "too much for a pool"));
	c.lane_size = 64 * KIB;
	ck_assert_int_eq(header_format(&made, &c), 0);
	ck_assert_uint_eq(made.n_lanes, 8);
	ck_assert_uint_eq(made.lane_size, 64 * KIB);
}
END_TEST

START_TEST(a_long_region_has_numbers_in_a_row)
{
	set_up();
	r->hdr->idmap[5] = r->hdr->idmap[6] = r->hdr->idmap[7] = 77;
	header_write(r, 0);
	header_write(r, 1);
	ck_assert_int_eq(read_it(), 0);
	tear_down();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		two_equal_copies_are_good, the_newer_copy_rules,
		one_damaged_copy_leaves_the_other,
		two_damaged_copies_are_a_damaged_pool,
		other_bytes_are_a_foreign_file,
		what_this_version_cannot_read_is_told_from_damage,
		a_newer_format_with_its_own_checksum_is_newer,
		impossible_numbers_are_damage_in_spite_of_the_checksum,
		a_truncated_file_is_damaged,
		the_newest_intact_checkpoint_rules,
		a_forgotten_number_is_unknown_never_committed,
		each_condition_is_the_only_one_to_refuse_something,
		a_long_region_has_numbers_in_a_row,
		lanes_are_refused_for_what_is_wrong_with_them,
		one_copy_is_enough_to_tell_what_it_is,
		a_file_shorter_than_a_header_is_no_pool, NULL,
	};

	return unit_main("header", tests);
}
