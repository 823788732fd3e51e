/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * journal.h: the bytes of media, with a way back. Crash states differ in a few
 * lines, so a state is made by changing these bytes in place and taken back by
 * undoing the changes, recovery's included; nothing is copied.
 */
#ifndef CRASH_JOURNAL_H
#define CRASH_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRASH_MEDIA_MAX 8

/* Bytes at and above size are zero. */
struct crash_image {
	uint8_t *bytes;
	uint64_t size;			/* 0: does not exist */
	uint64_t quiet_lo, quiet_hi;	/* left out of hash.loud */
};

/* Of the contents of all images: equal if they are, and hardly ever else. */
struct crash_hash {
	uint64_t all;
	uint64_t loud;		/* of what is in no quiet range */
};

struct change {
	uint64_t off, n;	/* multiples of 8; n 0: the size was off */
	uint64_t at;		/* of the old bytes                      */
	uint32_t medium;
};

struct journal {
	struct crash_image image[CRASH_MEDIA_MAX];
	struct crash_hash hash;
	bool on;		/* changes can be undone */
	struct change *c;
	size_t n, cap;
	uint8_t *old;
	size_t used, room;
};

struct journal_mark {
	size_t n, used;
	struct crash_hash hash;
};

/* Both change [off, off + n), which is inside the image. */
void journal_put(struct journal *j, unsigned medium, uint64_t off,
		 const void *src, uint64_t n);
void journal_fill(struct journal *j, unsigned medium, uint64_t off, int c,
		  uint64_t n);
void journal_resize(struct journal *j, unsigned medium, uint64_t size);
struct journal_mark journal_mark(const struct journal *j);
void journal_undo(struct journal *j, const struct journal_mark *to);
void journal_free(struct journal *j);

#endif
