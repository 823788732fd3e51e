/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz.h: pools that lie under checksums that are right, and what is done with
 * them. A pool is made from a string of bytes, each of which is a choice; a
 * string that has ended chooses 0, the plainest. So a fuzzer that changes,
 * cuts and joins strings makes all kinds of pools, nearly all of which get past
 * the checksums.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include "tx/internal.h"

#include <pmheap.h>

/* choices.c */
struct choices {
	const uint8_t *p;
	size_t n;
};

/* A number below n. */
unsigned pick(struct choices *in, unsigned n);
uint64_t pick_u64(struct choices *in);
/* One time in n; never when the choices have ended. */
bool rarely(struct choices *in, unsigned n);
/* A value that may be too much, or just right, where old stood. */
uint64_t pick_value(struct choices *in, const struct pm_header *h,
		    uint64_t old);

/* media.c: media in memory under the names "a" and "b". */
#define MEDIUM_ROOM (4u << 20)

struct image {
	uint8_t *bytes;		/* MEDIUM_ROOM of them                    */
	size_t len;
};

extern struct image image_a, image_b;
/* Are "a" and "b" files in memory instead of the test's own backend? */
void media_use_files(bool files);
/* The path of "a" or "b", with what is in its image. */
const char *media_load(struct image *im);
/* Is the medium as media_load() left it? */
bool media_same(const struct image *im);
/* Makes the good pool "b". */
void media_begin(void);
#define GOOD_ID 0x600d600d600d600dull

/* build.c, extents.c, entries.c, lies.c */
#define GROUPS 64

struct group {			/* a slab or a run */
	uint64_t off;
	uint32_t zone, ext, n_ext, type;
	unsigned kind, class_idx;
};

struct build {
	struct choices *in;
	struct image *im;
	struct pm_header *h;
	struct pm_ckpt *c;
	struct group group[GROUPS];
	unsigned groups;
	uint64_t next_free[PM_ZONES_MAX];	/* extent of each zone    */
	uint64_t spill_off, spill_end;	/* where chunks are put           */
	uint64_t seq;
	uint64_t pos[PM_LANES_MAX];
};

/* A pool made of these choices. */
void build_pool(struct image *im, struct choices *in);
void build_extents(struct build *b);
uint64_t group_size(const struct build *b, const struct group *g);
struct pm_desc *group_desc(const struct build *b, const struct group *g);
/* A slab or run in extents that are still free; NULL: none are. */
struct group *group_new(struct build *b, unsigned kind);
struct group *group_pick(struct build *b);
void build_log(struct build *b);
/* Some wrong values, in any field. */
void build_lies(struct build *b);
/* Bytes of an image changed at random places. */
void build_noise(struct image *im, struct choices *in);
void build_seal(struct image *im);

/* use.c: does what `plan` says with the pool; aborts if it finds a fault. */
#define PLANS 4
void use_pool(const struct image *im, unsigned plan, struct choices *in);

/* target.c */
void fuzz_begin(void);
void fuzz_built(const uint8_t *data, size_t n);
void fuzz_noise(const uint8_t *data, size_t n);

#endif
