/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reader.h: pools read as pmheap_format(5) describes them, by code that knows
 * nothing else of the library. Sizes are bytes, offsets those of the page.
 */
#ifndef TESTS_FORMAT_READER_H
#define TESTS_FORMAT_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENTRIES_MAX 4096
#define TYPES 16		/* of records, from 1 on */

/* How many records of each type were replayed. */
extern unsigned image_seen[TYPES];

/* Types of records; a tag is type << 56 | offset. */
enum { WRITE = 1, FILL, ALLOC, FREE, FREEMASK, RUN, RUNFREE, RELEASE, ROOT,
       ZONE, IDMAP, PEER, PART, SPILL, ALLOCMASK };
#define OFF_MASK ((1ull << 56) - 1)

struct entry {
	uint64_t seq;
	const uint8_t *records;		/* copied out of the lane     */
	uint64_t len;			/* of the records             */
	uint32_t n_rec;
};

struct image {
	uint8_t *bytes;			/* the file, and room to grow */
	uint64_t file_len, room;
	uint8_t *header;		/* the copy that rules        */
	uint64_t id, size, max_size, extent_size, watermark, next_seq;
	uint32_t n_lanes, flags;
	struct entry entry[ENTRIES_MAX];
	unsigned n_entry;		/* to be replayed, in order   */
};

uint64_t get(const uint8_t *p, unsigned bytes);
void put(uint8_t *p, uint64_t value, unsigned bytes);

/* Reads header, checkpoint record and log. NULL, or what contradicts the page. */
const char *image_read(struct image *im, const char *path);
/* Takes out what did not commit; others are all images that there are. */
void image_judge(struct image *im, struct image *const *all, unsigned n);
/* replay.c: applies the log to the bytes. NULL, or a contradiction. */
const char *image_replay(struct image *im);
void image_free(struct image *im);

/* The next of n bytes of records at *p, which then is behind it, padding
 * included; false at the end. */
bool record_next(const uint8_t **p, uint64_t *n, uint64_t *tag, uint64_t *arg);
/* The payload that follows a record's 16 bytes, without padding. */
uint64_t record_payload(uint64_t tag, uint64_t arg);

/* alloc.c: zones, slabs and runs. */
struct zone {
	uint64_t off, len, n_ext, used_hi;
	uint64_t extents;		/* offset of the first        */
};
struct zone image_zone(const struct image *im, unsigned i);
uint64_t class_size(unsigned c);
unsigned slab_extents(unsigned c, uint64_t extent_size);
/* The descriptor and the bitmap of the extent at off; NULL: there is none. */
uint8_t *image_desc(struct image *im, uint64_t off, uint8_t **bitmap);
/* The extents of a zone of len bytes. */
uint64_t zone_capacity(uint64_t len, uint64_t extent_size);

/* n extents from off on were used. */
void image_used(struct image *im, uint64_t off, uint64_t n);

/* Calls f for each live object. */
typedef void image_visit(void *arg, uint64_t off, uint64_t size,
			 uint32_t type);
void image_objects(struct image *im, image_visit *f, void *arg);

#endif
