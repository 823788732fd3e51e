/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reader.c: header, checkpoint record and lanes, as pmheap_format(5) describes
 * them. The numbers are those of the page's tables.
 */
#include "reader.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define HEADER_SIZE 16384u
#define LANES 36864u

uint64_t get(const uint8_t *p, unsigned bytes)
{
	uint64_t value = 0;

	while (bytes-- > 0)
		value = value << 8 | p[bytes];
	return value;
}

void put(uint8_t *p, uint64_t value, unsigned bytes)
{
	for (; bytes-- > 0; value >>= 8)
		*p++ = (uint8_t)value;
}

static bool header_is_valid(const uint8_t *h)
{
	uint64_t seed = 0x5045524d48445221u;

	if (memcmp(h, "PMHEAP\r\n", 8) != 0)
		return false;
	seed = XXH3_64bits_withSeed(h, 16, seed) ^ 16;
	return get(h + 16, 8) ==
	       XXH3_64bits_withSeed(h + 24, HEADER_SIZE - 24, seed);
}

static bool record_is_valid(const uint8_t *c)
{
	return get(c, 8) == 0x54504b434d50u &&
	       get(c + 568, 8) ==
		       XXH3_64bits_withSeed(c, 568, 0x5045524d434b5054u);
}

/* Of two copies the valid one with the higher number rules. */
static uint8_t *ruling(uint8_t *first, uint8_t *second, unsigned gen,
		       bool (*is_valid)(const uint8_t *))
{
	bool a = is_valid(first), b = is_valid(second);

	if (a && b)
		return get(second + gen, 8) > get(first + gen, 8) ? second
								  : first;
	return a ? first : b ? second : NULL;
}

static const char *load(struct image *im, const char *path)
{
	int fd = open(path, O_RDONLY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return "cannot open";
	im->file_len = (uint64_t)st.st_size;
	im->room = im->file_len + (16u << 20);
	im->bytes = calloc(1, im->room);
	if (!im->bytes ||
	    pread(fd, im->bytes, im->file_len, 0) != (ssize_t)im->file_len)
		return "cannot read";
	close(fd);
	return NULL;
}

/* n bytes of a lane from a position on. */
static void ring_read(const struct image *im, unsigned lane, uint64_t pos,
		      uint8_t *to, uint64_t n)
{
	uint64_t size = get(im->header + 104, 8);

	for (; n-- > 0; pos++)
		*to++ = im->bytes[LANES + lane * size + pos % size];
}

/* The entry at pos, if it is valid; its records are copied. */
static bool entry_read(const struct image *im, unsigned lane, uint64_t pos,
		       uint64_t nonce, struct entry *e)
{
	uint64_t lane_size = get(im->header + 104, 8), len, seed;
	uint8_t head[24], *records;

	ring_read(im, lane, pos, head, sizeof(head));
	e->seq = get(head, 8);
	len = get(head + 16, 4);
	e->n_rec = (uint32_t)get(head + 20, 4);
	if (len < sizeof(head) || len % 8 || len > lane_size)
		return false;
	e->len = len - sizeof(head);
	records = malloc(e->len + 1);
	if (!records)
		abort();
	ring_read(im, lane, pos + sizeof(head), records, e->len);
	e->records = records;
	seed = nonce ^ (uint64_t)lane << 56 ^ pos ^
	       e->seq * 0x9e3779b97f4a7c15u ^
	       ((uint64_t)e->n_rec << 32 | len) * 0xc2b2ae3d27d4eb4fu;
	if (get(head + 8, 8) == XXH3_64bits_withSeed(records, e->len, seed))
		return true;
	free(records);
	return false;
}

uint64_t record_payload(uint64_t tag, uint64_t arg)
{
	switch (tag >> 56) {
	case WRITE:
	case PEER:
	case PART:
		return arg;
	case FREEMASK:
	case ALLOCMASK:
		return ((arg >> 40) & 0xfff) * 8;
	case SPILL:
		return 8;
	default:
		return 0;
	}
}

bool record_next(const uint8_t **p, uint64_t *n, uint64_t *tag, uint64_t *arg)
{
	uint64_t len;

	if (*n < 16)
		return false;
	*tag = get(*p, 8);
	*arg = get(*p + 8, 8);
	len = 16 + (record_payload(*tag, *arg) + 7) / 8 * 8;
	if (len > *n)
		return false;
	*p += len;
	*n -= len;
	return true;
}

/* Is what this entry spilled what it was? */
static bool spill_is_whole(const struct image *im, const struct entry *e)
{
	const uint8_t *p = e->records;
	uint64_t n = e->len, tag, arg;

	while (record_next(&p, &n, &tag, &arg)) {
		uint64_t off = tag & OFF_MASK;

		if (tag >> 56 == SPILL &&
		    get(p - 8, 8) != XXH3_64bits_withSeed(im->bytes + off,
							  arg, off))
			return false;
	}
	return true;
}

static int by_seq(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void entry_drop(struct image *im, unsigned i)
{
	free((void *)(uintptr_t)im->entry[i].records);
	im->n_entry--;
	memmove(&im->entry[i], &im->entry[i + 1],
		(im->n_entry - i) * sizeof(im->entry[0]));
}

static const char *read_lanes(struct image *im, const uint8_t *ckpt)
{
	uint64_t nonce = get(ckpt + 32, 8), expected = im->watermark;
	unsigned lane, i = 0;

	for (lane = 0; lane < im->n_lanes; lane++) {
		uint64_t pos = get(ckpt + 56 + lane * 8, 8), last = 0;
		struct entry e;

		while (entry_read(im, lane, pos, nonce, &e) && e.seq > last) {
			last = e.seq;
			pos += (24 + e.len + 63) / 64 * 64;
			if (im->n_entry == ENTRIES_MAX)
				return "too many entries";
			if (!spill_is_whole(im, &e)) {
				free((void *)(uintptr_t)e.records);
				break;
			}
			im->entry[im->n_entry++] = e;
		}
	}
	qsort(im->entry, im->n_entry, sizeof(im->entry[0]), by_seq);
	while (im->n_entry > 0 && im->entry[0].seq <= im->watermark)
		entry_drop(im, 0);
	/* Groups: up to the first gap. */
	for (; im->flags & 2 && i < im->n_entry; )
		if (im->entry[i].seq == ++expected)
			i++;
		else
			while (im->n_entry > i)
				entry_drop(im, im->n_entry - 1);
	return NULL;
}

const char *image_read(struct image *im, const char *path)
{
	const char *bad = load(im, path);
	const uint8_t *c;

	if (bad)
		return bad;
	im->header = ruling(im->bytes, im->bytes + HEADER_SIZE, 24,
			    header_is_valid);
	c = ruling(im->bytes + 32768, im->bytes + 34816, 8, record_is_valid);
	if (!im->header || !c)
		return "no valid header, or no valid checkpoint record";
	if (get(im->header + 8, 4) != 0x01020304 || get(im->header + 12, 4) != 1)
		return "another format";
	if (get(im->header + 24, 8) < get(c + 40, 8))
		return "a stale header";
	im->id = get(im->header + 56, 8);
	im->size = get(im->header + 80, 8);
	im->max_size = get(im->header + 88, 8);
	im->extent_size = get(im->header + 96, 4);
	im->n_lanes = (uint32_t)get(im->header + 100, 4);
	im->watermark = get(c + 16, 8);
	im->next_seq = get(c + 24, 8);
	im->flags = (uint32_t)get(c + 48, 4);
	if (im->size > im->file_len || im->watermark + 1 < im->next_seq)
		return "impossible sizes or numbers";
	return im->flags & 1 ? NULL : read_lanes(im, c);
}

/* Does this region have the entry, or had it and needs it no more? */
static bool has_part(const struct image *im, uint64_t seq)
{
	unsigned i, n = (unsigned)get(im->header + 140, 4);

	for (i = 0; i < im->n_entry; i++)
		if (im->entry[i].seq == seq)
			return true;
	for (i = 0; i < n; i++) {
		const uint8_t *lost = im->header + 2304 + i * 16;

		if (seq >= get(lost, 8) && seq <= get(lost + 8, 8))
			return false;
	}
	return seq <= im->watermark;
}

static bool is_committed(const struct entry *e, struct image *const *all,
			 unsigned n_all)
{
	const uint8_t *p = e->records;
	uint64_t n = e->len, tag, arg, i;
	unsigned j;

	while (record_next(&p, &n, &tag, &arg)) {
		for (i = 0; tag >> 56 == PART && i < arg; i += 16) {
			const uint8_t *part = p - arg + i;

			for (j = 0; j < n_all; j++)
				if (all[j]->id == get(part, 8))
					break;
			if (j == n_all || !has_part(all[j], get(part + 8, 8)))
				return false;
		}
	}
	return true;
}

void image_judge(struct image *im, struct image *const *all, unsigned n)
{
	unsigned i = im->n_entry;

	/* From the end: what others ask for is still there. */
	while (i-- > 0)
		if (!is_committed(&im->entry[i], all, n))
			entry_drop(im, i);
}

void image_free(struct image *im)
{
	while (im->n_entry > 0)
		entry_drop(im, im->n_entry - 1);
	free(im->bytes);
	im->bytes = NULL;
}
