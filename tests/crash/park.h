/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * park.h: a backend that stops one thread before its nth call, so that what
 * another thread does meanwhile is the same in every run, and that knows what
 * its media would hold after a power cut at that moment.
 *
 * Its media are images in memory, named "a" and "b" by the last part of the
 * path. What a thread flushed is certain when the same thread has fenced: on
 * all media, or with park_disk on the one that it fenced.
 */
#ifndef TESTS_PARK_H
#define TESTS_PARK_H

#include <pmheap.h>
#include <pmheap/backend.h>
#include <stdbool.h>

#define PARK_MEDIA 2
#define PARK_ROOM (4u << 20)

/* Copies of the media at one moment. */
struct park_image {
	uint8_t *bytes[PARK_MEDIA];	/* NULL: does not exist */
	uint64_t size[PARK_MEDIA];
};

extern const PmBackend park_backend, park_disk;

/* What was executed, or only what is certain; the current media become it. */
void park_take(struct park_image *im, bool certain);
void park_put(const struct park_image *im);
void park_free(struct park_image *im);

/*
 * The calling thread stops before its nth call (counted from 1) until
 * park_release(). fail: before its nth fence, which fails then.
 */
void park_me(unsigned nth, bool fail);
/* Its calls are not counted any more. True: it was stopped. */
bool park_done(void);
/* Waits until the thread has stopped or is done. True: it has stopped. */
bool park_wait(void);
/* The calling thread ends; what it flushed without a fence stays uncertain. */
void park_end(void);
void park_release(void);

#endif
