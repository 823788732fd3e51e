/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * extent.c: searching free extents, against an array of bytes.
 */
#include "unit.h"

#include "alloc/internal.h"

#include <time.h>

static struct region *r;
static struct alloc *a;
static struct zone *z;
static uint8_t *used;		/* one byte for each extent */

static void set_up(void)
{
	r = unit_region(2 << 20, 0);
	ck_assert_int_eq(alloc_open(r), 0);
	a = r->alloc;
	z = &a->zone[0];
	used = calloc(z->n_ext, 1);
	ck_assert_ptr_nonnull(used);
}

static void tear_down(void)
{
	free(used);
	unit_region_free(r);
}

/* First fit by hand; n_ext: none. */
static uint64_t first_fit(uint64_t n, uint64_t align)
{
	uint64_t i, k;

	for (i = 0; i + n <= z->n_ext; i++) {
		if ((z->data_off + i * a->ext_size) % align)
			continue;
		for (k = 0; k < n && !used[i + k]; k++)
			;
		if (k == n)
			return i;
	}
	return z->n_ext;
}

static bool take(uint64_t n, uint64_t align)
{
	uint64_t want = first_fit(n, align), off;
	int ret = extents_take(r, n, align, &off);

	ck_assert_int_eq(ret, want == z->n_ext ? ALLOC_FULL : 0);
	if (ret)
		return false;
	ck_assert_uint_eq(off, z->data_off + want * a->ext_size);
	ck_assert_uint_eq(off % align, 0);
	memset(used + want, 1, n);
	return true;
}

static void give(uint64_t i, uint64_t n)
{
	extents_give(a, z->data_off + i * a->ext_size, n);
	memset(used + i, 0, n);
}

START_TEST(extents_are_the_whole_zone_and_no_more)
{
	uint64_t i;

	set_up();
	for (i = 0; i < z->n_ext; i++)
		ck_assert(take(1, a->ext_size));
	ck_assert(!take(1, a->ext_size));
	ck_assert_uint_eq(z->n_free, 0);
	ck_assert_uint_le(z->data_off + z->n_ext * a->ext_size, r->hdr->size);
	tear_down();
}
END_TEST

START_TEST(the_first_fit_is_found)
{
	uint64_t state = 3;
	unsigned i;

	set_up();
	for (i = 0; i < 4000; i++) {
		uint64_t h = unit_random(&state), free_n = 0, k;

		if (h % 3)
			take(1 + (h >> 8) % 9, (uint64_t)a->ext_size <<
			     ((h >> 16) % 8 == 0 ? (h >> 20) % 4 : 0));
		k = (h >> 24) % z->n_ext;
		if (h % 3 != 1 && used[k])
			give(k, 1);
		for (k = 0; k < z->n_ext; k++)
			free_n += !used[k];
		ck_assert_uint_eq(z->n_free, free_n);
	}
	tear_down();
}
END_TEST

START_TEST(the_longest_run_is_the_longest)
{
	uint64_t state = 8;
	unsigned i;

	set_up();
	while (take(1, a->ext_size))
		;
	for (i = 0; i < 300; i++) {
		uint64_t k = unit_random(&state) % z->n_ext, best = 0, run = 0;
		uint64_t off = 0, found;

		if (used[k])
			give(k, 1);
		for (k = 0; k < z->n_ext; k++) {
			run = used[k] ? 0 : run + 1;
			best = max_u64(best, run);
		}
		found = extents_longest(a, z->n_ext, &off);
		ck_assert_uint_eq(found, best);
		ck_assert_uint_eq(extents_longest(a, 2, &off),
				  min_u64(best, 2));
		k = (off - z->data_off) / a->ext_size;
		ck_assert(!used[k]);
	}
	tear_down();
}
END_TEST

START_TEST(places_are_in_one_zone_only)
{
	struct place p;
	uint64_t end;

	set_up();
	end = z->data_off + z->n_ext * a->ext_size;
	ck_assert(!place_of(r, 0, &p));
	ck_assert(!place_of(r, r->zone_off, &p));
	ck_assert(!place_of(r, z->data_off - 1, &p));
	ck_assert(place_of(r, z->data_off, &p));
	ck_assert_uint_eq(p.ext, 0);
	ck_assert_uint_eq(p.in_ext, 0);
	ck_assert(place_of(r, end - 1, &p));
	ck_assert_uint_eq(p.ext, z->n_ext - 1);
	ck_assert_uint_eq(p.in_ext, a->ext_size - 1);
	ck_assert_uint_le(p.bitmap_off + PM_BITMAP_BYTES(a->ext_size),
			  z->spill_off);
	ck_assert(!place_of(r, end, &p));
	ck_assert(!place_of(r, UINT64_MAX, &p));
	tear_down();
}
END_TEST

/* While a chunk is reserved on the medium a zone is added whose start it holds:
 * it was reserved without that, and must not count as reserved. */
static pthread_t grower;

static void *add_zone(void *arg)
{
	(void)arg;
	alloc_add_zone(r);
	return NULL;
}

static int reserve_and_grow(PmMedium *m, uint64_t off, uint64_t n)
{
	struct timespec t = {0, 100000000};

	(void)m, (void)off, (void)n;
	ck_assert_int_eq(pthread_create(&grower, NULL, add_zone, NULL), 0);
	/* Time enough for it if nothing keeps it out. */
	nanosleep(&t, NULL);
	return 0;
}

static void grow_meanwhile(bool for_spills)
{
	PmBackend reserving;
	uint64_t off, len;

	set_up();
	reserving = *r->md.m.backend;
	reserving.reserve = reserve_and_grow;
	r->md.m.backend = &reserving;
	a->chunk = UNIT_ROOM;
	a->backed[0] = 0;
	ck_assert_int_eq(alloc_prepare_zone(r, r->size, 1 << 20), 0);
	if (for_spills)
		ck_assert_int_eq(alloc_spill_area(r, 0, &off, &len), 0);
	else
		ck_assert_int_eq(alloc_back(r, z->data_off, 100), 0);
	ck_assert_int_eq(pthread_join(grower, NULL), 0);
	ck_assert_uint_eq(a->n_zones, 2);
	ck_assert_uint_eq(a->backed[0] & 1, 0);
	tear_down();
}

START_TEST(a_chunk_that_grows_while_it_is_reserved_is_not_reserved)
{
	grow_meanwhile(false);
	grow_meanwhile(true);
}
END_TEST

START_TEST(a_zone_ends_where_an_extent_does)
{
	uint64_t ext = 65536, n;

	ck_assert_uint_eq(zone_extents(4096, 15 * ext, ext), 0);
	ck_assert_uint_eq(zone_extents(ext, ext, ext), 0);
	n = zone_extents(4096, 16 * ext - 4096, ext);
	ck_assert_uint_gt(n, 0);
	ck_assert_uint_le(n * (ext + PM_META_BYTES(ext)), 16 * ext - 4096);
	ck_assert_uint_gt((n + 1) * (ext + PM_META_BYTES(ext)),
			  16 * ext - 4096);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		extents_are_the_whole_zone_and_no_more, the_first_fit_is_found,
		the_longest_run_is_the_longest, places_are_in_one_zone_only,
		a_chunk_that_grows_while_it_is_reserved_is_not_reserved,
		a_zone_ends_where_an_extent_does, NULL,
	};

	return unit_main("extent", tests);
}
