/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * badlog.c: redo logs that lie. One record in the log of a crashed pool is
 * changed, under a checksum that is right: recovery must give EUCLEAN, or have
 * reason to find the record harmless, and never crash or hang.
 */
#include "badlog.h"

#include "persist/persist.h"
#include "support.h"

#define OFF 0x00ffffffffffffffull	/* of a tag */

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

LIE(into_descriptors, MOVE(h->zone[0].off + 64))
LIE(by_four_bytes, MOVE(PM_TAG_OFF(rec->tag) + 4))
LIE(length_zero, rec->arg = 0)
LIE(beyond_the_file, rec->arg = h->max_size - PM_TAG_OFF(rec->tag))
LIE(length_odd, rec->arg -= 1)
LIE(fill_by_another, rec->arg ^= 1ull << 56)
LIE(type_number_huge, rec->arg |= 1ull << 31)
LIE(words_from_the_last, rec->arg |= 0xfffull << 52)
LIE(words_none, rec->arg &= ~(0xfffull << 40))
LIE(words_many, rec->arg |= 0xfffull << 40)
LIE(objects_that_a_slab_has_not, memset(rec + 1, 0xff, 8))
LIE(payload_other, memset(rec + 1, 'x', 8))
LIE(pinned_by_all_bits, rec->tag |= OFF & ~0xffffull)
LIE(id_none, rec->arg = 0)

/* The fields inside of a record: these bits of its words, or its payload. */
#define BITS(from, to) (~0ull >> (64 - (to)) & ~0ull << (from))

static const struct field {
	unsigned char type;
	const char *name;
	uint64_t tag, arg;
} fields[] = {
	{ PM_REC_WRITE, "off", OFF, 0 },
	{ PM_REC_WRITE, "bytes", 0, BITS(0, 64) },
	{ PM_REC_FILL, "off", OFF, 0 },
	{ PM_REC_FILL, "bytes", 0, BITS(0, 56) },
	{ PM_REC_FILL, "value", 0, BITS(56, 64) },
	{ PM_REC_ALLOC, "off", OFF, 0 },
	{ PM_REC_ALLOC, "slot", 0, BITS(40, 64) },
	{ PM_REC_ALLOC, "class", 0, BITS(32, 40) },
	{ PM_REC_ALLOC, "type", 0, BITS(0, 32) },
	{ PM_REC_FREE, "off", OFF, 0 },
	{ PM_REC_FREE, "slot", 0, BITS(40, 64) },
	{ PM_REC_FREE, "class", 0, BITS(32, 40) },
	{ PM_REC_FREE, "type", 0, BITS(0, 32) },
	{ PM_REC_FREEMASK, "off", OFF, 0 },
	{ PM_REC_FREEMASK, "first", 0, BITS(52, 64) },
	{ PM_REC_FREEMASK, "words", 0, BITS(40, 52) },
	{ PM_REC_FREEMASK, "class", 0, BITS(32, 40) },
	{ PM_REC_FREEMASK, "type", 0, BITS(0, 32) },
	{ PM_REC_FREEMASK, "payload", 0, 0 },
	{ PM_REC_ALLOCMASK, "off", OFF, 0 },
	{ PM_REC_ALLOCMASK, "first", 0, BITS(52, 64) },
	{ PM_REC_ALLOCMASK, "words", 0, BITS(40, 52) },
	{ PM_REC_ALLOCMASK, "class", 0, BITS(32, 40) },
	{ PM_REC_ALLOCMASK, "type", 0, BITS(0, 32) },
	{ PM_REC_ALLOCMASK, "payload", 0, 0 },
	{ PM_REC_RUN, "off", OFF, 0 },
	{ PM_REC_RUN, "extents", 0, BITS(32, 64) },
	{ PM_REC_RUN, "type", 0, BITS(0, 32) },
	{ PM_REC_RUNFREE, "off", OFF, 0 },
	{ PM_REC_RUNFREE, "extents", 0, BITS(32, 64) },
	{ PM_REC_RUNFREE, "type", 0, BITS(0, 32) },
	{ PM_REC_RELEASE, "off", OFF, 0 },
	{ PM_REC_RELEASE, "slot", 0, BITS(40, 64) },
	{ PM_REC_RELEASE, "class", 0, BITS(32, 40) },
	{ PM_REC_RELEASE, "type", 0, BITS(0, 32) },
	{ PM_REC_ROOT, "off", OFF, 0 },
	{ PM_REC_ROOT, "bytes", 0, BITS(0, 64) },
	{ PM_REC_ZONE, "off", OFF, 0 },
	{ PM_REC_ZONE, "bytes", 0, BITS(0, 64) },
	{ PM_REC_IDMAP, "number", BITS(0, 16), 0 },
	{ PM_REC_IDMAP, "pinned", BITS(16, 56), 0 },
	{ PM_REC_IDMAP, "id", 0, BITS(0, 64) },
	{ PM_REC_PEER, "off", OFF, 0 },
	{ PM_REC_PEER, "bytes", 0, BITS(0, 64) },
	{ PM_REC_PEER, "payload", 0, 0 },
	{ PM_REC_PART, "off", OFF, 0 },
	{ PM_REC_PART, "bytes", 0, BITS(0, 64) },
	{ PM_REC_SPILL, "off", OFF, 0 },
	{ PM_REC_SPILL, "bytes", 0, BITS(0, 64) },
	{ PM_REC_SPILL, "payload", 0, 0 },
};

/*
 * types: the records that it applies to, ended by 0. expect: an errno; if
 * negative, the entry may also pass for one that was never finished, or the
 * value be possible.
 */
static const struct lie {
	const char *name;
	const char *field;
	void (*tell)(struct image *im, struct pm_rec *rec);
	int expect;
	unsigned char types[8];
} lies[] = {
#define L(field, name, ...) { #name, field, name, EUCLEAN, { __VA_ARGS__, 0 } }
#define T(field, name, ...) { #name, field, name, -EUCLEAN, { __VA_ARGS__, 0 } }
#define H(field, name, ...) { #name, field, name, 0, { __VA_ARGS__, 0 } }
	T("tag", type_zero, PM_REC_WRITE, PM_REC_ALLOC, PM_REC_ROOT,
	  PM_REC_FILL),
	T("tag", type_unknown, PM_REC_WRITE, PM_REC_FILL, PM_REC_ZONE),
	L("off", into_the_header, PM_REC_WRITE, PM_REC_FILL, PM_REC_ALLOC,
	  PM_REC_RUN, PM_REC_ZONE, PM_REC_SPILL),
	L("off", into_a_lane, PM_REC_WRITE, PM_REC_FILL, PM_REC_ALLOC,
	  PM_REC_RUN, PM_REC_FREE, PM_REC_SPILL),
	L("off", into_descriptors, PM_REC_WRITE, PM_REC_FILL, PM_REC_ALLOC,
	  PM_REC_RUN, PM_REC_FREE, PM_REC_ROOT, PM_REC_SPILL),
	L("off", at_the_end, PM_REC_WRITE, PM_REC_FILL, PM_REC_ALLOC,
	  PM_REC_RUN, PM_REC_ROOT, PM_REC_SPILL),
	L("off", far_outside, PM_REC_WRITE, PM_REC_FILL, PM_REC_ALLOC,
	  PM_REC_RUN, PM_REC_RUNFREE, PM_REC_FREEMASK, PM_REC_RELEASE),
	L("off", far_outside, PM_REC_ROOT, PM_REC_ZONE, PM_REC_IDMAP,
	  PM_REC_FREE, PM_REC_SPILL, PM_REC_ALLOCMASK),
	L("off", unaligned, PM_REC_ALLOC, PM_REC_RUN, PM_REC_ROOT,
	  PM_REC_RUNFREE, PM_REC_FREEMASK, PM_REC_RELEASE,
	  PM_REC_ALLOCMASK),
	L("off", by_four_bytes, PM_REC_SPILL),
	H("off", far_outside, PM_REC_PEER, PM_REC_PART),
	T("bytes", length_beyond_the_entry, PM_REC_WRITE, PM_REC_PART),
	T("bytes", length_huge, PM_REC_WRITE, PM_REC_PART),
	T("bytes", length_wraps, PM_REC_WRITE, PM_REC_PART),
	L("bytes", length_huge, PM_REC_ZONE, PM_REC_ROOT, PM_REC_SPILL),
	L("bytes", length_wraps, PM_REC_ZONE, PM_REC_SPILL),
	L("bytes", length_zero, PM_REC_SPILL, PM_REC_ZONE),
	L("bytes", length_odd, PM_REC_PART),
	L("bytes", beyond_the_file, PM_REC_ZONE),
	L("bytes", fill_beyond_the_end, PM_REC_FILL),
	H("bytes", length_huge, PM_REC_PEER),
	H("value", fill_by_another, PM_REC_FILL),
	L("slot", slot_beyond_its_slab, PM_REC_ALLOC, PM_REC_FREE),
	H("slot", slot_beyond_its_slab, PM_REC_RELEASE),
	L("class", class_unknown, PM_REC_ALLOC, PM_REC_FREE, PM_REC_FREEMASK,
	  PM_REC_RELEASE, PM_REC_ALLOCMASK),
	L("type", type_number_huge, PM_REC_ALLOC, PM_REC_FREE, PM_REC_FREEMASK,
	  PM_REC_RUN, PM_REC_RUNFREE, PM_REC_RELEASE, PM_REC_ALLOCMASK),
	L("extents", extents_none, PM_REC_RUN, PM_REC_RUNFREE),
	L("extents", extents_huge, PM_REC_RUN, PM_REC_RUNFREE),
	L("first", words_from_the_last, PM_REC_FREEMASK, PM_REC_ALLOCMASK),
	L("words", words_none, PM_REC_FREEMASK, PM_REC_ALLOCMASK),
	T("words", words_many, PM_REC_FREEMASK, PM_REC_ALLOCMASK),
	L("payload", objects_that_a_slab_has_not, PM_REC_FREEMASK,
	  PM_REC_ALLOCMASK),
	T("payload", payload_other, PM_REC_SPILL),
	{ "payload_other", "payload", payload_other, -ENODEV, { PM_REC_PEER } },
	L("number", number_zero, PM_REC_IDMAP),
	L("number", number_beyond, PM_REC_IDMAP),
	{ "pinned_by_all_bits", "pinned", pinned_by_all_bits, -EADDRINUSE,
	  { PM_REC_IDMAP } },
	L("id", id_none, PM_REC_IDMAP),
};

/* A log with a record of nearly every type. */
void make_logged_pool(void *arg)
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
		t_given(pm_alloc(300));
		t_given(pm_alloc(300));
		t_given(pm_fill(pm_root_in(a, 64), 8, 8));
	} TX_END
	ck_assert_msg(pm_tx_errno() == 0, "%s", pm_errormsg());
	t_given(pm_alloc(3 * MIB));
	t_given(PM_SET(*(void **)pm_root(0), pm_root_in(a, 0)));
}

void try_all(const char *name, const struct image *bad, int expect)
{
	enum attempt how;

	for (how = CHECK; how < ATTEMPTS; how++) {
		int got, want = expect;

		t_spill(t_path("bad"), bad->bytes, bad->len);
		got = attempt_apart(name, how);
		if (want < 0)
			want = got == -want ? got : 0;
		ck_assert_msg(got == want, "%s: attempt %d gives %s, not %s",
			      name, (int)how, strerror(got), strerror(want));
	}
}

/* Entries that the library writes only when much is done at once: the last
 * extents of the first zone become a slab that is emptied and released; a
 * chunk lies behind it. */
static void append_rare(struct image *im)
{
	const struct pm_header *h = header_of(im, 0);
	const struct pm_zone *z = &h->zone[0];
	uint64_t slab = z->off + z->len - 32 * h->extent_size;
	uint64_t chunk = z->off + z->len - 8 * h->extent_size;
	uint64_t *spilled = (uint64_t *)(im->bytes + chunk);
	uint64_t class = 5ull << 32;	/* 42 objects of 96 bytes */
	uint64_t alloc[] = { PM_TAG(PM_REC_ALLOC, slab), class };
	uint64_t mask[] = { PM_TAG(PM_REC_FREEMASK, slab), 1ull << 40 | class,
			    1, PM_TAG(PM_REC_RELEASE, slab), class };
	uint64_t spill[] = { PM_TAG(PM_REC_SPILL, chunk), 24, 0 };
	struct found f;

	log_append(im, 0, alloc, sizeof alloc, 1, &f);
	log_append(im, 0, mask, sizeof mask, 2, &f);
	spilled[0] = PM_TAG(PM_REC_WRITE, chunk - 64);
	spilled[1] = 5;
	spilled[2] = 0x6f6c6c6568;
	spill[2] = checksum(spilled, 24, chunk);
	log_append(im, 0, spill, sizeof spill, 1, &f);
}

static struct image load(void)
{
	struct image im;

	im.bytes = t_slurp(t_path("good"), &im.len);
	append_rare(&im);
	return im;
}

static void try_lie(const struct image *good, const struct lie *lie,
		    unsigned type)
{
	struct image bad = { malloc(good->len), good->len };
	struct found f;
	char name[80];

	ck_assert_ptr_nonnull(bad.bytes);
	memcpy(bad.bytes, good->bytes, good->len);
	(void)snprintf(name, sizeof name, "%s of type %u", lie->name, type);
	ck_assert_msg(log_find(&bad, type, &f), "no record of type %u in the "
		      "log", type);
	lie->tell(&bad, f.rec);
	log_reseal(&f);
	try_all(name, &bad, lie->expect);
	free(bad.bytes);
}

START_TEST(a_record_that_lies_is_refused)
{
	const struct lie *lie = &lies[_i];
	struct image good;
	const unsigned char *type;

	t_crash(make_logged_pool, NULL);
	good = load();
	for (type = lie->types; *type != 0; type++)
		try_lie(&good, lie, *type);
	free(good.bytes);
}
END_TEST

START_TEST(the_log_that_was_not_changed_is_replayed)
{
	struct image good;
	struct found f;

	t_crash(make_logged_pool, NULL);
	good = load();
	ck_assert(log_find(&good, PM_REC_WRITE, &f));
	log_reseal(&f);
	try_all("none", &good, 0);
	free(good.bytes);
}
END_TEST

static bool is_told(const struct field *f)
{
	size_t i;

	for (i = 0; i < T_N(lies); i++)
		if (strcmp(lies[i].field, f->name) == 0 &&
		    memchr(lies[i].types, f->type, sizeof lies[i].types))
			return true;
	return false;
}

START_TEST(each_bit_of_each_type_of_record_has_a_lie)
{
	unsigned type;
	size_t i;

	for (type = 1; type < PM_REC_LAST; type++) {
		uint64_t tag = 0, arg = 0;

		for (i = 0; i < T_N(fields); i++) {
			if (fields[i].type != type)
				continue;
			tag |= fields[i].tag;
			arg |= fields[i].arg;
			ck_assert_msg(is_told(&fields[i]), "no lie about %s "
				      "of type %u", fields[i].name, type);
		}
		/* Words without an offset have none that is looked at. */
		ck_assert_msg(tag == OFF, "bits of the tag of type %u", type);
		ck_assert_msg(arg == ~0ull, "bits of the arg of type %u", type);
	}
}
END_TEST

static int list(void)
{
	size_t i;

	for (i = 0; i < T_N(lies); i++)
		printf("pm_rec.%s %s\n", strcmp(lies[i].field, "tag") ? "arg"
		       : "tag", lies[i].name);
	badentry_list();
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--list") == 0)
		return list();
	(void)setenv("PMHEAP_TEST_BACKEND", "shm", 0);
	t_begin("badlog");
	t_add(each_bit_of_each_type_of_record_has_a_lie, T_ANY);
	t_add(the_log_that_was_not_changed_is_replayed, T_KEEPS);
	t_add_each(a_record_that_lies_is_refused, T_KEEPS, T_N(lies));
	badentry_add();
	return t_end();
}
