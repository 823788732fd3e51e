/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * interleave.h: what two threads do (play.c), and how it is cut (interleave.c).
 */
#ifndef TESTS_INTERLEAVE_H
#define TESTS_INTERLEAVE_H

#include "park.h"

#include <stdatomic.h>

#define SIDES 2
#define OBJECTS 3

/* GROUPED: strict, on a medium whose fence is expensive. */
enum mode { STRICT, MANUAL, RELAXED, GROUPED, MODES };

enum op_kind { DO_SET, DO_PUT, DO_DEL, DO_BIG, DO_SPILL, DO_MULTI, DO_NESTED,
	       DO_GROW, DO_WRITE, DO_MANY, DO_FLUSH, DO_REOPEN,
	       DO_RETIRE, DO_REUSE, OP_KINDS };

/* What a side has done so far. */
struct play {
	enum mode mode;
	atomic_int second;		/* number of the region "b"       */
	struct {
		_Atomic uint64_t begun, done, durable;
	} side[SIDES];
};

const char *play_name(int what);
const char *play_mode_name(int mode);
/* Makes the media that every run starts with. */
void play_setup(struct park_image *out);
void play_start(struct play *p, enum mode mode);
void play_end(struct play *p);
/* Fills most of the thread's lane. */
void play_prefill(struct play *p, int side);
void play_op(struct play *p, int side, enum op_kind what);
/* The versions that must and may be there after a crash. */
void play_bounds(struct play *p, uint64_t *lo, uint64_t *hi);
/* Opens the media, and judges what is there. 0, or -1 with text. */
int play_check(const struct play *p, const uint64_t *lo, const uint64_t *hi,
	       char *text, size_t room);

#endif
