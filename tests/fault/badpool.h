/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * badpool.h: images of pools and the mutations that make them lie.
 */
#ifndef TESTS_BADPOOL_H
#define TESTS_BADPOOL_H

#include "layout.h"

#include <stdbool.h>

struct image {
	unsigned char *bytes;
	size_t len;
};

/* Besides errno values: what is expected. */
#define AT_CHECK (-1)	/* EUCLEAN at pm_check(); pm_init() may not see it */
#define AT_WRITE (-2)	/* EPROTONOSUPPORT, but readable                   */
#define AT_OPEN (-3)	/* EADDRINUSE as a primary; well by itself         */

struct mutation {
	const char *field;	/* struct and member as in lib/layout.h    */
	const char *name;
	void (*change)(struct image *im);
	int expect;
	bool closed_only;	/* a log may make a difference             */
};

extern const struct mutation mutations[], zone_mutations[];
extern const size_t mutations_n, zone_mutations_n;

/* What is done with the file "bad"; BESIDE: opened as a secondary of the good
 * region "other", which must not suffer. */
enum attempt { CHECK, READ, OPEN, REPAIR, BESIDE, ATTEMPTS };

/* Does it in a child, which must not die: 0 or its errno. */
int attempt_apart(const char *name, enum attempt how);

void change_nothing(struct image *im);

struct pm_header *header_of(struct image *im, int copy);
struct pm_ckpt *ckpt_of(struct image *im, int slot);
/* Makes the checksums of headers and checkpoint records right again. */
void seal(struct image *im);
/* Overwrites some random bytes of the metadata; may seal it. */
void scramble(struct image *im, uint64_t seed, bool log_too);

#endif
