/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * badlog.c: redo logs that lie. One record in the log of a crashed pool is
 * changed, under a checksum that is right: recovery must give EUCLEAN, or have
 * reason to find the record harmless, and never crash or hang.
 */
#include "badpool.h"

#include "support.h"
#include "tx/internal.h"

/* A whole entry of the log, and the record of it to change. */
struct found {
	struct pm_entry *e;
	struct pm_rec *rec;
	unsigned lane;
	uint64_t pos;
	uint64_t nonce;
};

static uint64_t payload_of(const struct pm_rec *rec)
{
	switch (PM_TAG_TYPE(rec->tag)) {
	case PM_REC_WRITE:
	case PM_REC_PART:
		return round_up(rec->arg, 8);
	case PM_REC_FREEMASK:
		return (rec->arg >> 40 & 0xfff) * 8;
	case PM_REC_PEER:
		return sizeof(struct pm_peer);
	case PM_REC_SPILL:
		return 8;
	default:
		return 0;
	}
}

static struct pm_rec *record_of(struct pm_entry *e, unsigned type)
{
	unsigned char *p = (unsigned char *)(e + 1);
	unsigned char *end = (unsigned char *)e + e->len;

	while (p < end) {
		struct pm_rec *rec = (void *)p;

		if (PM_TAG_TYPE(rec->tag) == type)
			return rec;
		p += sizeof *rec + payload_of(rec);
	}
	return NULL;
}

/* The first record of this type in the log: false if there is none. */
static bool find(struct image *im, unsigned type, struct found *f)
{
	const struct pm_header *h = header_of(im, 0);
	struct pm_ckpt c;
	unsigned i;
	int slot;

	ck_assert(ckpt_read(im->bytes, &c, &slot));
	for (i = 0; i < h->n_lanes; i++) {
		unsigned char *lane = im->bytes + PM_LANES_OFF +
				      i * h->lane_size;
		uint64_t pos = c.head[i], at;

		for (;; pos += round_up(f->e->len, PM_LINE)) {
			at = pos % h->lane_size;
			f->e = (void *)(lane + at);
			if (h->lane_size - at < sizeof *f->e ||
			    f->e->len < sizeof *f->e ||
			    f->e->len > h->lane_size - at ||
			    f->e->checksum != entry_sum(f->e, c.nonce, i, pos))
				break;
			f->lane = i;
			f->pos = pos;
			f->nonce = c.nonce;
			f->rec = record_of(f->e, type);
			if (f->rec != NULL)
				return true;
		}
	}
	return false;
}

static void reseal(struct found *f)
{
	f->e->checksum = entry_sum(f->e, f->nonce, f->lane, f->pos);
}

#define LIE(name, lie)							\
	static void name(struct image *im, struct pm_rec *rec)		\
	{								\
		const struct pm_header *h = header_of(im, 0);		\
									\
		(void)h;						\
		lie;							\
	}

#define MOVE(to) (rec->tag = PM_TAG(PM_TAG_TYPE(rec->tag), (to)))

LIE(type_zero, rec->tag = PM_TAG(0, PM_TAG_OFF(rec->tag)))
LIE(type_unknown, rec->tag = PM_TAG(200, PM_TAG_OFF(rec->tag)))
LIE(into_the_header, MOVE(64))
LIE(into_a_lane, MOVE(PM_LANES_OFF + 64))
LIE(at_the_end, MOVE(h->size))
LIE(far_outside, MOVE(0x00fffffffffffff0))
LIE(length_beyond_the_entry, rec->arg += 1 << 20)
LIE(length_huge, rec->arg = UINT64_MAX)
LIE(length_wraps, rec->arg = UINT64_MAX - 7)
LIE(fill_beyond_the_end, rec->arg |= 0x00ffffffffffffff)
LIE(slot_beyond_its_slab, rec->arg |= 0xffffffull << 40)
LIE(class_unknown, rec->arg |= 0xffull << 32)
LIE(unaligned, MOVE(PM_TAG_OFF(rec->tag) + 8))
LIE(extents_none, rec->arg &= 0xffffffff)
LIE(extents_huge, rec->arg |= 0xffffffffull << 32)
LIE(number_zero, MOVE(0))
LIE(number_beyond, MOVE(PM_NUMBERS_MAX))
LIE(root_beyond_its_object, rec->arg = UINT64_MAX)
LIE(part_length_odd, rec->arg -= 1)

/* The record becomes a spill that lies where offset says. */
static void spill_at(struct pm_rec *rec, uint64_t off, uint64_t len)
{
	rec[0].tag = PM_TAG(PM_REC_SPILL, off);
	rec[0].arg = len;
}

LIE(spill_outside, spill_at(rec, h->size - 8, 4096))
LIE(spill_in_the_header, spill_at(rec, 0, 4096))
LIE(spill_huge, spill_at(rec, h->zone[0].off, UINT64_MAX - 7))

/*
 * types: the records that it applies to, ended by 0. torn: the entry may also
 * pass for one that was never finished, as its records do not fill it.
 */
static const struct lie {
	const char *name;
	void (*tell)(struct image *im, struct pm_rec *rec);
	unsigned char types[6];
	bool torn;
} lies[] = {
#define L(name, ...) { #name, name, { __VA_ARGS__, 0 }, false }
#define T(name, ...) { #name, name, { __VA_ARGS__, 0 }, true }
	T(type_zero, PM_REC_WRITE, PM_REC_ALLOC, PM_REC_ROOT, PM_REC_FILL),
	T(type_unknown, PM_REC_WRITE, PM_REC_FILL, PM_REC_ZONE),
	L(into_the_header, PM_REC_WRITE, PM_REC_FILL, PM_REC_ALLOC, PM_REC_RUN,
	  PM_REC_ZONE),
	L(into_a_lane, PM_REC_WRITE, PM_REC_FILL, PM_REC_ALLOC, PM_REC_RUN,
	  PM_REC_FREE),
	L(at_the_end, PM_REC_WRITE, PM_REC_FILL, PM_REC_ALLOC, PM_REC_RUN,
	  PM_REC_ROOT),
	L(far_outside, PM_REC_WRITE, PM_REC_FILL, PM_REC_ALLOC, PM_REC_RUN,
	  PM_REC_RUNFREE),
	L(far_outside, PM_REC_ROOT, PM_REC_ZONE, PM_REC_IDMAP, PM_REC_FREE),
	T(length_beyond_the_entry, PM_REC_WRITE, PM_REC_PART),
	T(length_huge, PM_REC_WRITE, PM_REC_PART),
	T(length_wraps, PM_REC_WRITE, PM_REC_PART),
	L(length_huge, PM_REC_ZONE),
	L(length_wraps, PM_REC_ZONE),
	L(fill_beyond_the_end, PM_REC_FILL),
	L(slot_beyond_its_slab, PM_REC_ALLOC, PM_REC_FREE),
	L(class_unknown, PM_REC_ALLOC, PM_REC_FREE),
	L(unaligned, PM_REC_ALLOC, PM_REC_RUN, PM_REC_ROOT, PM_REC_RUNFREE),
	L(extents_none, PM_REC_RUN, PM_REC_RUNFREE),
	L(extents_huge, PM_REC_RUN, PM_REC_RUNFREE),
	L(number_zero, PM_REC_IDMAP),
	L(number_beyond, PM_REC_IDMAP),
	L(root_beyond_its_object, PM_REC_ROOT),
	L(part_length_odd, PM_REC_PART),
	T(spill_outside, PM_REC_WRITE),
	T(spill_in_the_header, PM_REC_WRITE),
	T(spill_huge, PM_REC_WRITE),
};

/* A log with a record of nearly every type. */
static void make_pool(void *arg)
{
	void *p, *run;
	int a;

	(void)arg;
	t_ok(pm_init(t_config_of("good", 2 * MIB, 8 * MIB)));
	a = pm_init_sec(t_config_of("second", MIB, 0));
	ck_assert_msg(a > 1, "%s", pm_errormsg());
	t_given(pm_root(300));
	t_given(pm_write(pm_root(0), "written, longer than a spill", 29));
	t_given(pm_fill(pm_root(0), 7, 200));
	p = pm_alloc(100);
	run = pm_alloc(100 * KIB);
	t_given(p);
	t_given(run);
	pm_free(p);
	pm_free(run);
	TX_START {
		t_given(pm_fill(pm_root(0), 8, 8));
		t_given(pm_fill(pm_root_in(a, 64), 8, 8));
	} TX_END
	ck_assert_msg(pm_tx_errno() == 0, "%s", pm_errormsg());
	t_given(pm_alloc(3 * MIB));
	t_given(PM_SET(*(void **)pm_root(0), pm_root_in(a, 0)));
}

static void try_lie(const struct image *good, const struct lie *lie,
		    unsigned type, int *told)
{
	struct image bad = { malloc(good->len), good->len };
	struct found f;
	char name[64];
	enum attempt how;

	ck_assert_ptr_nonnull(bad.bytes);
	memcpy(bad.bytes, good->bytes, good->len);
	if (find(&bad, type, &f)) {
		(void)snprintf(name, sizeof name, "%s of type %u", lie->name,
			       type);
		lie->tell(&bad, f.rec);
		reseal(&f);
		for (how = CHECK; how <= OPEN; how++) {
			int got;

			t_spill(t_path("bad"), bad.bytes, bad.len);
			got = attempt_apart(name, how);
			ck_assert_msg(got == EUCLEAN ||
				      (lie->torn && got == 0),
				      "%s: attempt %d gives %s", name,
				      (int)how, strerror(got));
		}
		++*told;
	} else {
		printf("no record of type %u in the log\n", type);
	}
	free(bad.bytes);
}

START_TEST(a_record_that_lies_is_refused)
{
	const struct lie *lie = &lies[_i];
	struct image good;
	const unsigned char *type;
	int told = 0;

	t_crash(make_pool, NULL);
	good.bytes = t_slurp(t_path("good"), &good.len);
	for (type = lie->types; *type != 0; type++)
		try_lie(&good, lie, *type, &told);
	ck_assert_msg(told > 0, "%s: no record to try it on", lie->name);
	free(good.bytes);
}
END_TEST

START_TEST(the_log_that_was_not_changed_is_replayed)
{
	struct image good;
	struct found f;

	t_crash(make_pool, NULL);
	good.bytes = t_slurp(t_path("good"), &good.len);
	ck_assert(find(&good, PM_REC_WRITE, &f));
	reseal(&f);
	t_spill(t_path("bad"), good.bytes, good.len);
	ck_assert_int_eq(attempt_apart("none", CHECK), 0);
	ck_assert_int_eq(attempt_apart("none", OPEN), 0);
	free(good.bytes);
}
END_TEST

int main(void)
{
	(void)setenv("PMHEAP_TEST_BACKEND", "shm", 0);
	t_begin("badlog");
	t_add(the_log_that_was_not_changed_is_replayed, T_KEEPS);
	t_add_each(a_record_that_lies_is_refused, T_KEEPS, T_N(lies));
	return t_end();
}
