/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * badlog.h: entries in the log of an image.
 */
#ifndef TESTS_BADLOG_H
#define TESTS_BADLOG_H

#include "badpool.h"

/* A whole entry of the log, and the record of it to change. */
struct found {
	struct pm_entry *e;
	struct pm_rec *rec;
	unsigned lane;
	uint64_t pos;
	uint64_t nonce;
};

/* The first record of this type in the log (0: of any): false if there is
 * none. */
bool log_find(struct image *im, unsigned type, struct found *f);
/* Its checksum is right again. */
void log_reseal(struct found *f);
/* One more entry, with the next sequence number. */
void log_append(struct image *im, unsigned lane, const void *recs, size_t len,
		unsigned n_rec, struct found *f);

/* A log with a record of nearly every type, in "good"; its twin in "second". */
void make_logged_pool(void *arg);
/* Tells the lie, and tries all that a pool is opened for. expect: an errno;
 * negative: that or none. */
void try_all(const char *name, const struct image *bad, int expect);

/* badentry.c: entries, parts and records that were appended. */
void badentry_add(void);
void badentry_list(void);

#endif
