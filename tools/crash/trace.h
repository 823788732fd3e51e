/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trace.h: everything that reached the media of a run, in the order it did.
 */
#ifndef CRASH_TRACE_H
#define CRASH_TRACE_H

#include <stddef.h>
#include <stdint.h>

enum trace_kind {
	TRACE_WRITE,	/* off, n; arg: position in bytes[]; how        */
	TRACE_FILL,	/* off, n; arg: byte value; how                 */
	TRACE_FLUSH,	/* off, n                                       */
	TRACE_FENCE,
	TRACE_GROW,	/* off: old size, n: new; zeros, durable        */
	TRACE_MARK	/* off, n, arg: of whoever records              */
};

struct trace_event {
	uint8_t kind, medium;
	uint8_t how;		/* PM_WRITE_*                            */
	uint8_t thread;		/* a number for each, modulo 64          */
	uint64_t off, n, arg;
};

struct trace {
	struct trace_event *ev;
	size_t n, cap;
	uint8_t *bytes;
	size_t used, room;
};

struct trace_event *trace_add(struct trace *t, enum trace_kind kind,
			      unsigned medium, uint64_t off, uint64_t n);
/* Adds n bytes to bytes[]; their position. */
uint64_t trace_bytes(struct trace *t, const void *src, size_t n);
/* Forgets all events, keeps the memory. */
void trace_clear(struct trace *t);
void trace_free(struct trace *t);

/* Makes room for need elements of p; aborts without memory. */
void *crash_room(void *p, size_t *cap, size_t need, size_t elem);

#endif
