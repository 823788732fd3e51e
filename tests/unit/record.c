/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * record.c: walking records. Bytes that no writer made are refused or walked
 * to their end, and nothing outside them is read: behind them, and around the
 * region that spilled records point into, no page is mapped.
 */
#include "unit.h"

#include <sys/mman.h>

#define ROOM (64u << 10)
#define ROUNDS 60000

struct seen {
	const uint8_t *from, *to;	/* where records may be        */
	const uint8_t *home, *home_to;	/* or, if spilled, here        */
	unsigned n;
	uint64_t sum;
};

/* Pages without access on both sides; the bytes end where the page does. */
static uint8_t *guarded(size_t n)
{
	uint8_t *p = mmap(NULL, n + 2 * PM_PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert(p != MAP_FAILED && n % PM_PAGE == 0);
	ck_assert_int_eq(mprotect(p, PM_PAGE, PROT_NONE), 0);
	ck_assert_int_eq(mprotect(p + PM_PAGE + n, PM_PAGE, PROT_NONE), 0);
	return p + PM_PAGE;
}

static uint64_t payload_of(const struct pm_rec *rec)
{
	switch (PM_TAG_TYPE(rec->tag)) {
	case PM_REC_WRITE:
	case PM_REC_PART:
		return rec->arg;
	case PM_REC_FREEMASK:
	case PM_REC_ALLOCMASK:
		return (rec->arg >> 40 & 0xfff) * 8;
	case PM_REC_PEER:
		return sizeof(struct pm_peer);
	case PM_REC_SPILL:
		return 8;
	}
	return 0;
}

static int look(struct region *r, const struct pm_rec *rec,
		const void *payload, void *arg)
{
	struct seen *s = arg;
	const uint8_t *p = (const void *)rec, *data = payload;
	uint64_t n = payload_of(rec), i;
	bool here = p >= s->from && p < s->to;
	const uint8_t *end = here ? s->to : s->home_to;

	(void)r;
	s->n++;
	ck_assert(here || (p >= s->home && p < s->home_to));
	ck_assert(data == p + sizeof(*rec));
	ck_assert_msg(n <= (uint64_t)(end - data), "payload of %llu bytes "
		      "beyond the end", (unsigned long long)n);
	for (i = 0; i < n; i++)
		s->sum += data[i];
	return 0;
}

static void make_random(uint8_t *p, size_t n, uint64_t *state)
{
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = (uint8_t)unit_random(state);
}

/* A record of a random kind whose length is about right. */
static size_t put_likely(uint8_t *p, size_t room, uint64_t *state)
{
	uint64_t h = unit_random(state);
	struct pm_rec rec = {PM_TAG(h % (PM_REC_LAST + 1), (h >> 8) % ROOM),
			     (h >> 32) % 120};

	if (h >> 40 & 1)
		rec.arg <<= 40;
	if (h % 31 == 0)
		rec.arg = UINT64_MAX - (h >> 60);
	if (room < sizeof(rec))
		return 0;
	memcpy(p, &rec, sizeof(rec));
	return sizeof(rec);
}

START_TEST(malformed_bytes_are_never_read_beyond)
{
	struct region r = {.zone_off = PM_PAGE, .md = {.m = {.size = ROOM}}};
	uint8_t *page = guarded(PM_PAGE), *home = guarded(ROOM);
	uint64_t state = 12;
	unsigned round, whole = 0, refused = 0;

	r.home = home;
	make_random(home, ROOM, &state);
	for (round = 0; round < ROUNDS; round++) {
		size_t n = unit_random(&state) % 600 / 8 * 8, at = 0, k;
		uint8_t *p = page + PM_PAGE - n;
		struct seen s = {p, p + n, home, home + ROOM, 0, 0};

		make_random(p, n, &state);
		while (at < n && (k = put_likely(p + at, n - at, &state)))
			at += k + unit_random(&state) % 3 * 8;
		if (rec_each(&r, p, n, look, &s))
			refused++;
		else
			whole++;
		s.n = 0;
		(void)rec_each_here(&r, p, n, look, &s);
	}
	ck_assert_uint_gt(refused, ROUNDS / 10);
	ck_assert_uint_gt(whole, 100);
	munmap(page - PM_PAGE, 3 * PM_PAGE);
	munmap(home - PM_PAGE, ROOM + 2 * PM_PAGE);
}
END_TEST

START_TEST(whole_records_are_all_seen_in_order)
{
	struct region r = {.zone_off = PM_PAGE, .md = {.m = {.size = ROOM}}};
	uint64_t buf[64] = {0};
	struct pm_rec *rec = (struct pm_rec *)buf;
	struct seen s = {(void *)buf, (void *)(buf + 64), NULL, NULL, 0, 0};

	rec[0] = (struct pm_rec){PM_TAG(PM_REC_WRITE, 5000), 13};
	memset(rec + 1, 1, 13);
	rec[2] = (struct pm_rec){PM_TAG(PM_REC_FILL, 6000), 100};
	rec[3] = (struct pm_rec){PM_TAG(PM_REC_FREEMASK, 0), 1ull << 40};
	memset(rec + 4, 2, 8);
	ck_assert_int_eq(rec_each(&r, buf, 16 + 16 + 16 + 16 + 8, look, &s), 0);
	ck_assert_uint_eq(s.n, 3);
	ck_assert_uint_eq(s.sum, 13 + 16);
	ck_assert_int_eq(rec_each(&r, buf, 16 + 16 + 16 + 16 + 7, look, &s),
			 -1);
	ck_assert_int_eq(rec_each(&r, buf, 16 + 8, look, &s), -1);
	ck_assert_int_eq(rec_each(&r, buf, 15, look, &s), -1);
	ck_assert_int_eq(rec_each(&r, buf, 0, look, &s), 0);
}
END_TEST

START_TEST(spills_are_entered_once_and_stay_in_the_zones)
{
	struct region r = {.zone_off = PM_PAGE, .md = {.m = {.size = ROOM}}};
	uint8_t *home = guarded(ROOM);
	struct pm_rec *in = (struct pm_rec *)(home + 2 * PM_PAGE);
	const struct pm_rec fill = {PM_TAG(PM_REC_FILL, 9000), 5};
	uint64_t buf[3] = {PM_TAG(PM_REC_SPILL, 2 * PM_PAGE), 16, 0};
	struct seen s = {(void *)buf, (void *)(buf + 3), home, home + ROOM,
			 0, 0};

	r.home = home;
	in[0] = (struct pm_rec){PM_TAG(PM_REC_FILL, 9000), 5};
	ck_assert_int_eq(rec_each(&r, buf, 24, look, &s), 0);
	ck_assert_uint_eq(s.n, 1);
	/* A spill in a spill might never end; this one would. */
	in[0] = (struct pm_rec){PM_TAG(PM_REC_SPILL, 3 * PM_PAGE), 16};
	in[1] = (struct pm_rec){0, 0};
	*(struct pm_rec *)(home + 3 * PM_PAGE) = fill;
	buf[1] = 24;
	ck_assert_int_eq(rec_each(&r, buf, 24, look, &s), -1);
	buf[1] = 16;
	in[0] = (struct pm_rec){PM_TAG(PM_REC_FILL, 9000), 5};
	buf[0] = PM_TAG(PM_REC_SPILL, 8);
	ck_assert_int_eq(rec_each(&r, buf, 24, look, &s), -1);
	buf[0] = PM_TAG(PM_REC_SPILL, ROOM - 8);
	ck_assert_int_eq(rec_each(&r, buf, 24, look, &s), -1);
	memcpy(home + 2 * PM_PAGE + 4, &fill, sizeof(fill));
	buf[0] = PM_TAG(PM_REC_SPILL, 2 * PM_PAGE + 4);
	ck_assert_int_eq(rec_each(&r, buf, 24, look, &s), -1);
	munmap(home - PM_PAGE, ROOM + 2 * PM_PAGE);
}
END_TEST

START_TEST(records_that_change_what_is_not_there_are_invalid)
{
	struct region *r = unit_region(1 << 20, 0);
	uint64_t size = r->hdr->size, mask[64], n_slots;
	struct pm_rec rec = {PM_TAG(PM_REC_WRITE, size - 8), 8};
	struct span spilled[] = {{size - 8192, 64}, {size - 4096, 128}};
	static struct log log;

	r->log = &log;
	memset(mask, 0xff, sizeof(mask));
	ck_assert_int_eq(rec_validate(r, &rec, mask, NULL), 0);
	/* Descriptors and bitmaps have records of their own. */
	rec.tag = PM_TAG(PM_REC_WRITE, r->zone_off);
	ck_assert_int_eq(rec_validate(r, &rec, mask, NULL), -1);
	rec.tag = PM_TAG(PM_REC_WRITE, r->zone_off - 8);
	ck_assert_int_eq(rec_validate(r, &rec, mask, NULL), -1);
	rec.tag = PM_TAG(PM_REC_WRITE, size - 4);
	ck_assert_int_eq(rec_validate(r, &rec, mask, NULL), -1);
	rec = (struct pm_rec){PM_TAG(PM_REC_FILL, size), 1};
	ck_assert_int_eq(rec_validate(r, &rec, mask, NULL), -1);
	rec = (struct pm_rec){PM_TAG(PM_REC_RUN, size - 4096), 2ull << 32};
	ck_assert_int_eq(rec_validate(r, &rec, mask, NULL), -1);
	rec.arg = 1ull << 32;
	ck_assert_int_eq(rec_validate(r, &rec, mask, NULL), 0);
	rec = (struct pm_rec){PM_TAG(PM_REC_ALLOC, size - 4096), 200ull << 32};
	ck_assert_int_eq(rec_validate(r, &rec, mask, NULL), -1);
	rec.arg = 1ull << 40;
	ck_assert_int_eq(rec_validate(r, &rec, mask, NULL), -1);
	rec = (struct pm_rec){PM_TAG(PM_REC_FREEMASK, size - 4096),
			      64ull << 40 | 3ull << 32};
	ck_assert_int_eq(rec_validate(r, &rec, mask, NULL), -1);
	n_slots = class_get(r->hdr->extent_size, 0).n_slots;
	rec = (struct pm_rec){PM_TAG(PM_REC_ALLOC, size - 4096 + 16), 1ull << 40};
	ck_assert_int_eq(rec_validate(r, &rec, mask, NULL), 0);
	rec = (struct pm_rec){PM_TAG(PM_REC_ALLOC, size - 8192 + 16 * n_slots),
			      n_slots << 40};
	ck_assert_int_eq(rec_validate(r, &rec, mask, NULL), -1);
	rec = (struct pm_rec){PM_TAG(PM_REC_ALLOC, 8), 1ull << 40};
	ck_assert_int_eq(rec_validate(r, &rec, mask, NULL), -1);
	rec = (struct pm_rec){PM_TAG(PM_REC_FREEMASK, size - 4096), 1ull << 40};
	ck_assert_int_eq(rec_validate(r, &rec, mask, NULL), 0);
	rec.arg = 0;
	ck_assert_int_eq(rec_validate(r, &rec, mask, NULL), -1);
	rec.arg = (n_slots / 64 + 1) << 40;
	mask[n_slots / 64] = 0;
	ck_assert_int_eq(rec_validate(r, &rec, mask, NULL), -1);
	rec = (struct pm_rec){PM_TAG(PM_REC_ALLOCMASK, size - 4096), 1ull << 40};
	ck_assert_int_eq(rec_validate(r, &rec, mask, NULL), 0);
	rec.arg = 1ull << 40 | 7ull << 32;	/* 128 bytes */
	ck_assert_int_eq(rec_validate(r, &rec, mask, NULL), -1);
	rec = (struct pm_rec){PM_TAG(PM_REC_FREEMASK, size - 4096 - 16),
			      1ull << 40};
	ck_assert_int_eq(rec_validate(r, &rec, mask, NULL), -1);
	/* Records of kinds that the log keeps to itself, and of none. */
	rec.tag = PM_TAG(PM_REC_SPILL, size - 4096);
	ck_assert_int_eq(rec_validate(r, &rec, mask, NULL), -1);
	rec.tag = PM_TAG(PM_REC_LAST, size - 4096);
	ck_assert_int_eq(rec_validate(r, &rec, mask, NULL), -1);
	/* Nor may a record change others that are yet to be applied. */
	log.kept.spill = spilled;
	log.kept.spill_n = 2;
	rec = (struct pm_rec){PM_TAG(PM_REC_WRITE, size - 8192 + 64),
			      4096 - 64};
	ck_assert_int_eq(rec_validate(r, &rec, mask, NULL), 0);
	rec.arg++;
	ck_assert_int_eq(rec_validate(r, &rec, mask, NULL), -1);
	rec.tag--;
	rec.arg = 1;
	ck_assert_int_eq(rec_validate(r, &rec, mask, NULL), -1);
	rec = (struct pm_rec){PM_TAG(PM_REC_FILL, size - 4096 + 127), 1};
	ck_assert_int_eq(rec_validate(r, &rec, mask, NULL), -1);
	rec.tag++;
	ck_assert_int_eq(rec_validate(r, &rec, mask, NULL), 0);
	r->log = NULL;
	unit_region_free(r);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		malformed_bytes_are_never_read_beyond,
		whole_records_are_all_seen_in_order,
		spills_are_entered_once_and_stay_in_the_zones,
		records_that_change_what_is_not_there_are_invalid, NULL,
	};

	return unit_main("record", tests);
}
