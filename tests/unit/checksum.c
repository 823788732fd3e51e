/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * checksum.c: what checksums depend on, and what they do not.
 */
#include "unit.h"

static void make(uint8_t *b, size_t n)
{
	uint64_t state = 5;
	size_t i;

	for (i = 0; i < n; i++)
		b[i] = (uint8_t)unit_random(&state);
}

START_TEST(every_bit_changes_the_sum)
{
	static const size_t len[] = {1, 8, 24, 64, 200, 576};
	uint8_t b[576];
	size_t k, i;

	make(b, sizeof(b));
	for (k = 0; k < sizeof(len) / sizeof(*len); k++) {
		uint64_t sum = checksum(b, len[k], 9);

		for (i = 0; i < len[k] * 8; i++) {
			b[i / 8] ^= (uint8_t)(1u << i % 8);
			ck_assert_uint_ne(checksum(b, len[k], 9), sum);
			b[i / 8] ^= (uint8_t)(1u << i % 8);
		}
		ck_assert_uint_eq(checksum(b, len[k], 9), sum);
	}
}
END_TEST

START_TEST(seed_and_length_change_the_sum)
{
	uint8_t b[64] = {0};

	ck_assert_uint_ne(checksum(b, 64, 1), checksum(b, 64, 2));
	ck_assert_uint_ne(checksum(b, 64, 1), checksum(b, 63, 1));
	ck_assert_uint_ne(checksum(b, 8, 1), checksum(b, 0, 1));
}
END_TEST

START_TEST(skipped_bytes_alone_do_not_count)
{
	uint8_t b[256];
	uint64_t sum;
	size_t i;

	make(b, sizeof(b));
	sum = checksum_skip(b, sizeof(b), 16, 3);
	for (i = 0; i < sizeof(b); i++) {
		b[i] ^= 0x40;
		if (i >= 16 && i < 24)
			ck_assert_uint_eq(checksum_skip(b, sizeof(b), 16, 3),
					  sum);
		else
			ck_assert_uint_ne(checksum_skip(b, sizeof(b), 16, 3),
					  sum);
		b[i] ^= 0x40;
	}
}
END_TEST

START_TEST(an_entry_is_bound_to_its_place)
{
	uint64_t buf[16] = {0};
	struct pm_entry *e = (struct pm_entry *)buf;
	uint64_t sum;

	e->len = 64;
	e->seq = 7;
	e->n_rec = 2;
	sum = entry_sum(e, 11, 1, 640);
	ck_assert_uint_eq(entry_sum(e, 11, 1, 640), sum);
	ck_assert_uint_ne(entry_sum(e, 12, 1, 640), sum);
	ck_assert_uint_ne(entry_sum(e, 11, 2, 640), sum);
	ck_assert_uint_ne(entry_sum(e, 11, 1, 704), sum);
	e->seq = 8;
	ck_assert_uint_ne(entry_sum(e, 11, 1, 640), sum);
	e->seq = 7;
	e->n_rec = 3;
	ck_assert_uint_ne(entry_sum(e, 11, 1, 640), sum);
	e->n_rec = 2;
	buf[5] = 1;
	ck_assert_uint_ne(entry_sum(e, 11, 1, 640), sum);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		every_bit_changes_the_sum, seed_and_length_change_the_sum,
		skipped_bytes_alone_do_not_count,
		an_entry_is_bound_to_its_place, NULL,
	};

	return unit_main("checksum", tests);
}
