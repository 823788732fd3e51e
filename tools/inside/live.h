/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/inside/live.h: what the files of this folder know of a pool whose file
 * they read while another process writes it.
 */
#ifndef PMHEAP_INSIDE_LIVE_H
#define PMHEAP_INSIDE_LIVE_H

#include "inside/inside.h"
#include "tx/internal.h"

/* Bytes that an entry speaks of and that were saved when it was found. */
struct piece {
	uint64_t off, len;
	uint8_t *bytes;
};

struct found {
	uint64_t seq, pos;
	unsigned lane;
	struct pm_entry *e;
	struct piece *spill;	/* its records outside the lane              */
	unsigned spill_n;
	struct piece *direct;	/* contents that were written before it      */
	unsigned direct_n;
	bool	 shared;	/* other regions take part                   */
};

struct live {
	struct region r;	/* header, name and medium; reads only       */
	struct pm_ckpt c;
	const uint8_t *lanes;	/* of the file, shared with who writes it    */
	uint64_t lanes_len;
	uint64_t file_size;
	AO_t	 cut;		/* somebody has truncated the file           */
	uint64_t pos[PM_LANES_MAX];	/* after the last entry found        */
	uint64_t last[PM_LANES_MAX];	/* its number                        */
	struct found *found;
	size_t	 n, cap;
	bool	 captured;	/* contents were saved since it was cleared  */
};

/* The log was written over before it was read, or the pool opened anew. */
#define LIVE_LOST 1

/* Reads header and checkpoint record, and forgets what was found. */
int live_begin(struct live *l);
/*
 * Takes what was appended to the lanes since the last call. 0: everything that
 * was whole when it began was found, now or before. LIVE_LOST, or -1.
 */
int live_poll(struct live *l);
/* look.c: both, until nothing was lost. */
int live_scan(struct live *l);
/* Bytes of the file. -1: EIO, EUCLEAN beyond its end. */
int live_read(const struct live *l, uint64_t off, void *buf, uint64_t n);

/* entries.c */
/* Saves what an entry needs besides its own bytes. 0, LIVE_LOST, -1. */
int found_capture(struct live *l, struct found *f);
/* Calls f for each record, also of spills; what f returned, -1: malformed. */
int found_each(struct live *l, const struct found *f, rec_fn fn, void *arg);
void found_free(struct found *f);

/* walk.c: meta holds the metadata of the zones at their offsets. */
typedef int (*group_fn)(const struct group *g, void *arg);
/* Calls fn for each group of extents, in order; what it returned, or -1. */
int groups_each(const struct pm_header *h, const uint8_t *meta,
		const char *name, group_fn fn, void *arg);

#endif
