/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sim.h: a backend that records everything that reaches its media, so that a
 * test can work out what a power cut at any moment would have left.
 *
 * Its media are images in memory, named by the last part of the path: "a" and
 * "b". Replaying a recorded trace over what an image held before (crash/
 * world.c) gives the states; putting one of them back into the image and
 * opening it is the crash.
 */
#ifndef TESTS_SIM_H
#define TESTS_SIM_H

#include <pmheap.h>
#include <pmheap/backend.h>

#define SIM_MEDIA 2
#define SIM_ROOM (8u << 20)	/* bytes that an image may grow to */

enum sim_kind {
	SIM_WRITE,	/* off, n, arg: position in bytes[]; how        */
	SIM_FILL,	/* off, n, arg: byte value; how                 */
	SIM_FLUSH,	/* off, n                                       */
	SIM_FENCE,
	SIM_GROW,	/* n: new size; the new bytes are zero, durable */
	SIM_MARK	/* off, n: the test's own                       */
};

struct sim_event {
	uint8_t kind, medium, how;
	uint64_t off, n, arg;
};

struct sim_trace {
	struct sim_event *ev;
	size_t n, cap;
	uint8_t *bytes;
	size_t used, room;
};

struct sim_image {
	uint8_t *bytes;		/* SIM_ROOM of them */
	uint64_t size;		/* 0: does not exist */
};

extern struct sim_image sim_image[SIM_MEDIA];

/* Flushes lines and fences by an instruction, as on persistent memory. */
extern const PmBackend sim_lines;
/* Syncs pages of one medium, as a file. */
extern const PmBackend sim_pages;

/* All media vanish. */
void sim_reset(void);
/* Appends to this trace from here on; NULL: records nothing. */
void sim_record(struct sim_trace *t);
/* An event of the test's own, if a trace is being recorded. */
void sim_mark(uint64_t lo, uint64_t hi);
void sim_trace_free(struct sim_trace *t);
/* The nth fence from now on fails with EIO; 0: none does. */
void sim_fail_fence(unsigned nth);

#endif
