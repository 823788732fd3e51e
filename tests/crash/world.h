/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * world.h: what a power cut can leave of a recorded run.
 *
 * A world is the media at one moment of a trace: the bytes that are certain,
 * and the pieces (stores of at most 8 aligned bytes) that may or may not have
 * reached the medium. Pieces are grouped in units: 64-byte lines, or 512-byte
 * sectors when pages are synced. Stores to a unit arrive in order, units are
 * independent of each other; pieces of non-temporal stores are independent.
 */
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include "../support/sim.h"

/* lines: certain when flushed and fenced. pages: 512-byte sectors are certain
 * when their page was flushed and fenced. */
enum world_mode { WORLD_LINES, WORLD_PAGES };

/* The order (lib/tx/log.c) that a fence makes, told by what preceded it. */
enum world_order { ORDER_T1 = 1, ORDER_T2, ORDER_T3, ORDER_T4,
		   FLUSH_HOME, FLUSH_LANE };	/* flushes, not fences */

struct piece {
	uint64_t off;		/* multiple of 8                     */
	uint64_t data;
	uint32_t unit;		/* set by world_units()              */
	uint8_t mask;		/* of bytes that are stored          */
	uint8_t medium;
	uint8_t loose;		/* non-temporal                      */
	uint8_t flushed;	/* certain at the next fence         */
	uint8_t recent;		/* stored since the last fence       */
};

struct world {
	enum world_mode mode;
	unsigned drop;		/* what of this order does nothing   */
	unsigned dropped;	/* how many did                      */
	bool armed;		/* past the set-up: fences may drop  */
	struct sim_image image[SIM_MEDIA];
	struct piece *p;
	size_t n, cap;
	/* Scratch, by unit of a medium; all zero between calls. */
	uint32_t *tag[SIM_MEDIA];
	uint8_t *page[SIM_MEDIA];	/* page mode: to be synced */
	bool saw_record, saw_lane, saw_direct;
	uint64_t lo, hi;	/* last mark                         */
	size_t at;		/* events that took effect           */
};

/* Starts at these images (copied), NULL: at nothing. */
void world_init(struct world *w, enum world_mode mode, unsigned drop,
		const struct sim_image *images);
void world_free(struct world *w);
/* One event of the trace takes effect. */
void world_step(struct world *w, const struct sim_trace *t,
		const struct sim_event *e);
/* Numbers the pending units from 0; *recent: those stored to since the last
 * fence come first. Returns how many there are. */
uint32_t world_units(struct world *w, uint32_t *recent);
/* Makes sim_image[] what is certain and the pieces with keep[] set. */
void world_build(const struct world *w, const uint8_t *keep);

#endif
