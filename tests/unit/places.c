/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * places.c: where regions are, by id: what programs find by themselves, what
 * the library finds for them, and both while other regions come and go.
 */
#include "unit.h"

#define SIZE (1u << 20)
#define TURN ((uint64_t)PM_PLACES_ * sizeof(struct pm_place_))
#define ROUNDS 20000

/* Not what a region is, but all that a place says of it. */
static struct region fake(uint64_t id)
{
	struct region r = {.id = id, .work = (uint8_t *)(id << 20 | 4096),
			   .size = SIZE};

	return r;
}

static void *at_offset(const struct region *r, uint64_t off)
{
	return pm_direct((PmFat){ r->id, off });
}

static void is_there(const struct region *r)
{
	ck_assert_ptr_eq(place_find(r->id)->owner, r);
	ck_assert_ptr_eq(at_offset(r, 0), r->work);
	ck_assert_ptr_eq(at_offset(r, SIZE - 1), r->work + SIZE - 1);
	ck_assert_ptr_eq(pm_direct_search_(r->id, 77), r->work + 77);
	errno = 0;
	ck_assert_ptr_null(at_offset(r, SIZE));
	ck_assert_int_eq(errno, EFAULT);
}

static void is_gone(const struct region *r)
{
	ck_assert_ptr_null(place_find(r->id));
	errno = 0;
	ck_assert_ptr_null(at_offset(r, 0));
	ck_assert_int_eq(errno, ENXIO);
}

static void all_are_empty(void)
{
	unsigned i;

	for (i = 0; i < PM_PLACES_; i++) {
		ck_assert_uint_eq(pm_places_[i].region, 0);
		ck_assert_ptr_null(pm_places_[i].owner);
	}
}

START_TEST(a_region_is_found_from_its_first_byte_to_its_last)
{
	struct region r = fake(4711);

	is_gone(&r);
	place_add(&r);
	is_there(&r);
	place_remove(&r);
	is_gone(&r);
	all_are_empty();
}
END_TEST

START_TEST(what_a_region_grows_by_is_found)
{
	struct region r = fake(4711);

	place_add(&r);
	AO_store(&r.size, 2 * SIZE);
	ck_assert_ptr_null(at_offset(&r, SIZE));
	place_resize(&r);
	ck_assert_ptr_eq(at_offset(&r, SIZE), r.work + SIZE);
	ck_assert_ptr_null(at_offset(&r, 2 * SIZE));
	place_remove(&r);
	place_resize(&r);
	is_gone(&r);
}
END_TEST

START_TEST(a_null_fat_pointer_is_null_whoever_takes_the_first_places)
{
	/* Of these the low bits are those of 0, and of the last place. */
	struct region r[] = { fake(TURN), fake(2 * TURN), fake(1),
			      fake(TURN - 1), fake(2 * TURN - 1) };
	size_t i;

	for (i = 0; i < 5; i++)
		place_add(&r[i]);
	for (i = 0; i < 5; i++)
		is_there(&r[i]);
	errno = 12345;
	ck_assert_ptr_null(pm_direct(PM_FAT_NULL));
	ck_assert_ptr_null(pm_direct((PmFat){ 0, 64 }));
	ck_assert_int_eq(errno, 12345);
	for (i = 0; i < 5; i++)
		place_remove(&r[i]);
	all_are_empty();
}
END_TEST

/* Each of four that want one place, or one behind it, goes first. */
START_TEST(regions_whose_ids_collide_are_found_whichever_is_gone)
{
	struct region r[] = { fake(96), fake(96 + TURN), fake(96 + 2 * TURN),
			      fake(128) };
	int gone, i;

	for (gone = 0; gone < 4; gone++) {
		for (i = 0; i < 4; i++)
			place_add(&r[i]);
		place_remove(&r[gone]);
		for (i = 0; i < 4; i++)
			(i == gone ? is_gone : is_there)(&r[i]);
		place_add(&r[gone]);
		for (i = 0; i < 4; i++)
			is_there(&r[i]);
		for (i = 0; i < 4; i++)
			place_remove(&r[(gone + i) % 4]);
		all_are_empty();
	}
}
END_TEST

START_TEST(as_many_regions_as_there_are_numbers_are_found)
{
	struct region *r = calloc(PM_NUMBERS_MAX, sizeof *r);
	uint64_t state = 5;
	int i, round;

	ck_assert_ptr_nonnull(r);
	for (i = 0; i < PM_NUMBERS_MAX; i++) {
		r[i] = fake(unit_random(&state) >> 30 | 1);
		place_add(&r[i]);
	}
	for (round = 0; round < 5000; round++) {
		struct region *q = &r[unit_random(&state) % PM_NUMBERS_MAX];

		place_remove(q);
		is_gone(q);
		*q = fake(unit_random(&state) >> 30 | 1);
		place_add(q);
	}
	for (i = 0; i < PM_NUMBERS_MAX; i++)
		is_there(&r[i]);
	for (i = 0; i < PM_NUMBERS_MAX; i++)
		place_remove(&r[i]);
	all_are_empty();
	free(r);
}
END_TEST

static struct region stays, other[3];
static AO_t done;

/* The ids around the one that stays open change all the time. */
static void *come_and_go(void *arg)
{
	int i, round;

	(void)arg;
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < 3; i++)
			place_add(&other[i]);
		for (i = 0; i < 3; i++)
			place_remove(&other[(i + round) % 3]);
	}
	AO_store_release(&done, 1);
	return NULL;
}

START_TEST(an_open_region_is_found_while_others_come_and_go)
{
	pthread_t thread;
	int i;

	/* It stands behind two that are then gone. */
	for (i = 0; i < 3; i++)
		other[i] = fake(640 + (uint64_t)i * TURN);
	stays = fake(640 + 3 * TURN);
	place_add(&other[0]);
	place_add(&other[1]);
	place_add(&stays);
	place_remove(&other[0]);
	place_remove(&other[1]);
	ck_assert_int_eq(pthread_create(&thread, NULL, come_and_go, NULL), 0);
	while (!AO_load_acquire(&done)) {
		ck_assert_ptr_eq(at_offset(&stays, 64), stays.work + 64);
		ck_assert_ptr_null(pm_direct(PM_FAT_NULL));
		ck_assert_ptr_null(at_offset(&other[1], SIZE));
	}
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	is_there(&stays);
	place_remove(&stays);
	all_are_empty();
}
END_TEST

#define ROW 500

static struct region row[ROW];

static void *open_row(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < ROW; i++)
		place_add(&row[i]);
	return NULL;
}

START_TEST(a_region_that_is_found_while_it_is_opened_is_where_it_will_be)
{
	pthread_t thread;
	char *p;
	int i, round;

	for (i = 0; i < ROW; i++)
		row[i] = fake(64 * ((uint64_t)i + 1));
	for (round = 0; round < 20; round++) {
		ck_assert_int_eq(pthread_create(&thread, NULL, open_row, NULL),
				 0);
		for (i = 0; i < ROW; i++) {
			while (!(p = at_offset(&row[i], 64)))
				;
			ck_assert_ptr_eq(p, row[i].work + 64);
		}
		ck_assert_int_eq(pthread_join(thread, NULL), 0);
		for (i = 0; i < ROW; i++)
			place_remove(&row[i]);
		/* What the next round finds has not been left by this one. */
		for (i = 0; i < PM_PLACES_; i++)
			pm_places_[i].base = NULL;
	}
	all_are_empty();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_region_is_found_from_its_first_byte_to_its_last,
		what_a_region_grows_by_is_found,
		a_null_fat_pointer_is_null_whoever_takes_the_first_places,
		regions_whose_ids_collide_are_found_whichever_is_gone,
		as_many_regions_as_there_are_numbers_are_found,
		an_open_region_is_found_while_others_come_and_go,
		a_region_that_is_found_while_it_is_opened_is_where_it_will_be,
		NULL
	};

	return unit_main("places", tests);
}
