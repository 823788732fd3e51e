/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * addrmap.c: the map of addresses of a transaction against a plain array.
 */
#include "unit.h"

#define KEYS 3000u

START_TEST(an_empty_map_finds_nothing)
{
	struct addrmap m = {0};
	uint32_t val;

	ck_assert(!map_find(&m, 0, &val));
	ck_assert(!map_find(&m, 64, &val));
	map_clear(&m);
	ck_assert(!map_find(&m, 64, &val));
	free(m.e);
}
END_TEST

START_TEST(it_holds_what_was_put_last)
{
	static uint32_t want[KEYS];
	struct addrmap m = {0};
	uint64_t state = 1;
	uint32_t val, i;
	int round;

	for (round = 0; round < 5; round++) {
		memset(want, 0, sizeof(want));
		for (i = 1; i < 4 * KEYS; i++) {
			uint32_t k = (uint32_t)(unit_random(&state) % KEYS);

			/* Keys that differ in high or in low bits only. */
			ck_assert_int_eq(map_put(&m, k % 2 ? (uint64_t)k << 40
						 : k * 16ull, i), 0);
			want[k] = i;
		}
		for (i = 0; i < KEYS; i++) {
			bool found = map_find(&m, i % 2 ? (uint64_t)i << 40
					      : i * 16ull, &val);

			ck_assert_int_eq(found, want[i] != 0);
			if (found)
				ck_assert_uint_eq(val, want[i]);
		}
		map_clear(&m);
		for (i = 0; i < KEYS; i++)
			ck_assert(!map_find(&m, i * 16ull, &val));
	}
	free(m.e);
}
END_TEST

START_TEST(generations_that_wrap_forget_old_keys)
{
	struct addrmap m = {0};
	uint32_t val;

	ck_assert_int_eq(map_put(&m, 16, 1), 0);
	m.gen = UINT32_MAX;
	ck_assert_int_eq(map_put(&m, 32, 2), 0);
	map_clear(&m);
	ck_assert(!map_find(&m, 16, &val));
	ck_assert_int_eq(map_put(&m, 48, 3), 0);
	ck_assert(!map_find(&m, 16, &val));
	ck_assert(!map_find(&m, 32, &val));
	ck_assert(map_find(&m, 48, &val) && val == 3);
	free(m.e);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		an_empty_map_finds_nothing, it_holds_what_was_put_last,
		generations_that_wrap_forget_old_keys, NULL,
	};

	return unit_main("addrmap", tests);
}
