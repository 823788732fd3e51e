/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/inside/image.h: making images: what image.c, target.c and make.c share.
 */
#ifndef PMHEAP_INSIDE_IMAGE_H
#define PMHEAP_INSIDE_IMAGE_H

#include "inside/live.h"

/* The file that an image is made in. */
struct target {
	int	 fd;
	bool	 memory;	/* it need not be durable                    */
	bool	 reflink;	/* the file system may share blocks          */
	uint64_t shared;	/* bytes that it shares                      */
	int	 err;		/* errno of the first write that failed      */
	struct region *r;	/* what is replayed into                     */
	void	(*show)(void *arg, uint64_t done, uint64_t total);
	void	*arg;
};

/* target.c: 0, -1; target_copy() also LIVE_LOST. */
int target_copy(struct target *t, struct live *l, unsigned what);
/* A region over the copy, with the header that the original had; or NULL. */
struct region *target_region(struct target *t, const struct region *live);
/* All is written: makes it durable, and frees the region. */
int target_done(struct target *t);
void target_forget(struct target *t);

/* image.c: one attempt. 0, LIVE_LOST, -1. */
int image_try(struct live *l, struct target *t, unsigned what);

/* pause.c: stops the process; it goes on by writer_resume(), and also if this
 * process dies. */
struct paused;
int writer_pause(long pid, struct paused **out);
void writer_resume(struct paused *p);

#endif
