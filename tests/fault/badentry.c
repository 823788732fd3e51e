/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * badentry.c: lies about entries: their headers, their participants, what they
 * spilled, and what they are to each other.
 */
#include "badlog.h"

#include "persist/persist.h"
#include "support.h"

/* Where nothing lies in the last extents of the first zone. */
static uint64_t nowhere(struct image *im)
{
	const struct pm_zone *z = &header_of(im, 0)->zone[0];

	return z->off + z->len - 4096;
}

static void append_write(struct image *im, unsigned lane, uint64_t off,
			 struct found *f)
{
	uint64_t rec[] = { PM_TAG(PM_REC_WRITE, off), 8, 1 };

	log_append(im, lane, rec, sizeof rec, 1, f);
}

/* The last entry of a lane, which is about to lie. */
#define ENTRY(name, lie)						\
	static void name(struct image *im)				\
	{								\
		struct found f;						\
									\
		append_write(im, 0, nowhere(im), &f);			\
		lie;							\
		log_reseal(&f);						\
	}

ENTRY(seq_of_before, f.e->seq = 0)
ENTRY(seq_huge, f.e->seq = PM_COUNT_MAX + 1)
ENTRY(seq_wraps, f.e->seq = UINT64_MAX)
ENTRY(seq_without_room, f.e->seq = PM_COUNT_MAX - 1)
ENTRY(seq_skipped, f.e->seq += 1000)
ENTRY(len_none, f.e->len = 0)
ENTRY(len_odd, f.e->len += 4)
ENTRY(len_huge, f.e->len = UINT32_MAX & ~7u)
ENTRY(len_cuts_a_record, f.e->len -= 8)
ENTRY(n_rec_less, f.e->n_rec = 0)
ENTRY(n_rec_more, f.e->n_rec = 2)

static void sum_wrong(struct image *im)
{
	struct found f;

	append_write(im, 0, nowhere(im), &f);
	f.e->checksum ^= 1;
}

static void seq_twice(struct image *im)
{
	struct found a, b;

	append_write(im, 0, nowhere(im), &a);
	append_write(im, 1, nowhere(im), &b);
	b.e->seq = a.e->seq;
	log_reseal(&b);
}

/* A chunk with these records at off, and the entry that names it. */
static void spill(struct image *im, uint64_t off, const uint64_t *recs,
		  size_t n)
{
	uint64_t rec[] = { PM_TAG(PM_REC_SPILL, off), n * 8,
			   checksum(recs, n * 8, off) };
	struct found f;

	memcpy(im->bytes + off, recs, n * 8);
	log_append(im, 0, rec, sizeof rec, 1, &f);
}

static void spill_in_the_spill_area(struct image *im)
{
	const struct pm_header *h = header_of(im, 0);
	const struct pm_zone *z = &h->zone[0];
	uint64_t rec[] = { PM_TAG(PM_REC_WRITE, nowhere(im)), 8, 1 };

	spill(im, z->off + z->n_ext * PM_META_BYTES(h->extent_size) - 24, rec,
	      3);
}

static void spill_over_a_zones_start(struct image *im)
{
	const struct pm_header *h = header_of(im, 0);
	uint64_t rec[] = { PM_TAG(PM_REC_WRITE, nowhere(im)), 8, 1 };

	spill(im, h->zone[0].off + h->zone[0].len - 16, rec, 3);
}

static void spill_overwrites_itself(struct image *im)
{
	uint64_t off = nowhere(im);
	uint64_t rec[] = { PM_TAG(PM_REC_WRITE, off + 8), 16, 1, 2,
			   PM_TAG(PM_REC_FILL, off), 8 };

	spill(im, off, rec, 6);
}

static void spill_overwritten_before(struct image *im)
{
	uint64_t rec[] = { PM_TAG(PM_REC_FILL, nowhere(im)), 8 };
	struct found f;

	append_write(im, 0, nowhere(im) + 1024, &f);
	spill(im, nowhere(im) + 1024, rec, 2);
}

static void spill_twice_in_one_place(struct image *im)
{
	uint64_t rec[] = { PM_TAG(PM_REC_FILL, nowhere(im) - 64), 8 };

	spill(im, nowhere(im), rec, 2);
	spill(im, nowhere(im), rec, 2);
}

/* The later chunk lies lower and ends in what the earlier one begins with. */
static void spill_over_the_start_of_another(struct image *im)
{
	uint64_t off = nowhere(im);
	uint64_t above[] = { PM_TAG(PM_REC_FILL, off - 64), 8 };
	uint64_t rec[] = { PM_TAG(PM_REC_WRITE, off - 128), 8, above[0] };

	spill(im, off + 16, above, 2);
	spill(im, off, rec, 3);
}

static void spill_in_a_spill(struct image *im)
{
	uint64_t off = nowhere(im);
	uint64_t rec[] = { PM_TAG(PM_REC_SPILL, off + 1024), 16, 0 };

	rec[2] = checksum(im->bytes + off + 1024, 16, off + 1024);
	spill(im, off, rec, 3);
}

/* More bytes than the medium has, of one place again and again. */
static void spills_longer_than_the_medium(struct image *im)
{
	const struct pm_zone *z = &header_of(im, 0)->zone[0];
	uint64_t len = z->n_ext * header_of(im, 0)->extent_size;
	uint64_t off = z->off + z->len - len, n = im->len / len + 1, i;
	uint64_t rec[64][3];
	struct found f;

	ck_assert_uint_le(n, T_N(rec));
	for (i = 0; i < n; i++) {
		rec[i][0] = PM_TAG(PM_REC_SPILL, off);
		rec[i][1] = len;
		rec[i][2] = checksum(im->bytes + off, len, off);
	}
	log_append(im, 0, rec, n * sizeof rec[0], (unsigned)n, &f);
}

/* Each is possible, but not both. */
static void one_region_has_two_numbers(struct image *im)
{
	uint64_t rec[] = { PM_TAG(PM_REC_IDMAP, 5), 77,
			   PM_TAG(PM_REC_IDMAP, 9), 77 };
	struct found f;

	log_append(im, 0, rec, sizeof rec, 2, &f);
}

static void spill_names_parts(struct image *im)
{
	uint64_t rec[] = { PM_TAG(PM_REC_PART, 0), 16, 5, 5 };

	spill(im, nowhere(im), rec, 4);
}

static void parts(struct image *im, unsigned n, uint64_t id, uint64_t seq)
{
	uint64_t rec[64] = { PM_TAG(PM_REC_PART, 0), n * 16 };
	struct found f;
	unsigned i;

	for (i = 0; i < n; i++) {
		rec[2 + 2 * i] = id;
		rec[3 + 2 * i] = seq;
	}
	log_append(im, 0, rec, 16 + n * 16, 1, &f);
}

static uint64_t second_id(void)
{
	struct pm_header h;
	size_t len;
	unsigned char *bytes = t_slurp(t_path("second"), &len);

	memcpy(&h, bytes, sizeof h);
	free(bytes);
	return h.id;
}

static void part_unknown(struct image *im)
{
	parts(im, 2, 0x1234, 5);
}

static void part_is_itself(struct image *im)
{
	parts(im, 8, header_of(im, 0)->id, 99);
}

static void part_never_took_its_number(struct image *im)
{
	parts(im, 2, second_id(), 1ull << 50);
}

static void parts_many(struct image *im)
{
	parts(im, 9, second_id(), 1);
}

static void parts_twice(struct image *im)
{
	uint64_t rec[] = { PM_TAG(PM_REC_PART, 0), 16, 5, 5,
			   PM_TAG(PM_REC_PART, 0), 16, 5, 5 };
	struct found f;

	log_append(im, 0, rec, sizeof rec, 2, &f);
}

static const struct mutation entries[] = {
#define M(field, name, expect) { field, #name, name, expect, false }
	M("pm_entry.seq", seq_of_before, 0),
	M("pm_entry.seq", seq_huge, EUCLEAN),
	M("pm_entry.seq", seq_wraps, EUCLEAN),
	M("pm_entry.seq", seq_without_room, EUCLEAN),
	M("pm_entry.seq", seq_skipped, 0),
	M("pm_entry.seq", seq_twice, EUCLEAN),
	M("pm_entry.checksum", sum_wrong, 0),
	M("pm_entry.len", len_none, 0),
	M("pm_entry.len", len_odd, 0),
	M("pm_entry.len", len_huge, 0),
	M("pm_entry.len", len_cuts_a_record, EUCLEAN),
	M("pm_entry.n_rec", n_rec_less, EUCLEAN),
	M("pm_entry.n_rec", n_rec_more, EUCLEAN),
	M("spill", spill_in_the_spill_area, 0),
	M("spill", spill_over_a_zones_start, EUCLEAN),
	M("spill", spill_overwrites_itself, EUCLEAN),
	M("spill", spill_overwritten_before, EUCLEAN),
	M("spill", spill_twice_in_one_place, EUCLEAN),
	M("spill", spill_over_the_start_of_another, EUCLEAN),
	M("spill", spill_in_a_spill, EUCLEAN),
	M("spill", spills_longer_than_the_medium, EUCLEAN),
	M("spill", spill_names_parts, EUCLEAN),
	M("pm_header.idmap", one_region_has_two_numbers, EUCLEAN),
	M("pm_part.id", part_unknown, ENODEV),
	M("pm_part.id", part_is_itself, 0),
	M("pm_part.seq", part_never_took_its_number, 0),
	M("parts", parts_many, EUCLEAN),
	M("parts", parts_twice, EUCLEAN),
};

START_TEST(an_entry_that_lies_gets_its_error)
{
	const struct mutation *m = &entries[_i];
	struct image bad;

	t_crash(make_logged_pool, NULL);
	bad.bytes = t_slurp(t_path("good"), &bad.len);
	m->change(&bad);
	try_all(m->name, &bad, m->expect);
	free(bad.bytes);
}
END_TEST

/* Its file and the open region give one answer. */
START_TEST(a_participant_is_asked_open_or_closed_with_one_result)
{
	PmCheckReport closed;
	struct image bad;
	int region;

	t_crash(make_logged_pool, NULL);
	bad.bytes = t_slurp(t_path("good"), &bad.len);
	part_never_took_its_number(&bad);
	t_spill(t_path("bad"), bad.bytes, bad.len);
	t_ok(pm_check(t_path("bad"), 0, &closed));
	t_init("other");
	ck_assert_int_gt(pm_init_sec(t_config_open("second", 0)), 1);
	region = pm_init_sec(t_config_open("bad", 0));
	ck_assert_msg(region > 1, "%s", pm_errormsg());
	ck_assert_uint_gt(closed.pending, 0);
	ck_assert_uint_eq(t_stats(region).recovered, closed.pending);
	t_ok(pm_close());
	free(bad.bytes);
}
END_TEST

void badentry_add(void)
{
	t_add_each(an_entry_that_lies_gets_its_error, T_KEEPS, T_N(entries));
	t_add(a_participant_is_asked_open_or_closed_with_one_result, T_KEEPS);
}

void badentry_list(void)
{
	size_t i;

	for (i = 0; i < T_N(entries); i++)
		printf("%s %s\n", entries[i].field, entries[i].name);
}
