/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * world.h: what a power cut can leave of a recorded run.
 *
 * A world is the media at one moment of a trace: the bytes that are certain
 * (in the journal's images), and the pieces (stores of at most 8 aligned bytes)
 * that may or may not have reached the medium. Pieces are grouped in units:
 * 64-byte lines, or 512-byte sectors when pages are synced. Stores to a unit
 * arrive in order, units are independent of each other; pieces of non-temporal
 * stores are independent.
 *
 * lines: the pieces before a flush of their line are certain when the thread
 * that flushed fences. pages: pieces are certain when their 4 KiB page was
 * flushed and its medium is synced, by whatever thread.
 */
#ifndef CRASH_WORLD_H
#define CRASH_WORLD_H

#include "crash/journal.h"
#include "crash/trace.h"

enum world_mode { WORLD_LINES, WORLD_PAGES };

struct piece {
	uint64_t off;		/* multiple of 8                     */
	uint64_t data;
	uint64_t flushers;	/* bit: that thread's fence          */
	uint32_t unit;		/* set by world_units()              */
	uint32_t prev;		/* piece of its unit before it, + 1  */
	uint8_t mask;		/* of bytes that are stored          */
	uint8_t medium;
	uint8_t loose;		/* non-temporal                      */
	uint8_t recent;		/* stored since the last fence       */
};

struct world {
	enum world_mode mode;
	struct journal *j;
	struct piece *p;
	size_t n, cap;
	struct unit {
		uint64_t key;
		uint32_t last;		/* piece, + 1; 0: empty slot */
		uint32_t number;	/* + 1                       */
	} *unit;
	size_t unit_n, unit_cap;
	struct synced {			/* pages mode: to be synced  */
		uint64_t lo, hi;
		unsigned medium;
	} *sync;
	size_t sync_n, sync_cap;
	uint32_t units, recent;	/* pending; stored to since a fence  */
	bool numbered;
	size_t at;		/* events that took effect           */
};

/* Starts with the journal's images as they are, nothing pending. */
void world_init(struct world *w, enum world_mode mode, struct journal *j);
void world_free(struct world *w);
/* One event of the trace takes effect. */
void world_step(struct world *w, const struct trace *t,
		const struct trace_event *e);
/* Numbers the pending units, those with recent stores first; how many. */
uint32_t world_units(struct world *w);
/* The pieces with keep[] set reach the images. */
void world_apply(struct world *w, const uint8_t *keep);

#endif
