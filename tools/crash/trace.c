/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trace.c: a growing list of events.
 */
#include "crash/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *crash_room(void *p, size_t *cap, size_t need, size_t elem)
{
	size_t n = *cap ? *cap : 1024;

	if (need <= *cap)
		return p;
	while (n < need)
		n *= 2;
	p = realloc(p, n * elem);
	if (!p) {
		perror("crash states");
		abort();
	}
	*cap = n;
	return p;
}

struct trace_event *trace_add(struct trace *t, enum trace_kind kind,
			      unsigned medium, uint64_t off, uint64_t n)
{
	struct trace_event *e;

	t->ev = crash_room(t->ev, &t->cap, t->n + 1, sizeof(*t->ev));
	e = &t->ev[t->n++];
	*e = (struct trace_event){.kind = (uint8_t)kind,
				  .medium = (uint8_t)medium, .off = off,
				  .n = n};
	return e;
}

uint64_t trace_bytes(struct trace *t, const void *src, size_t n)
{
	uint64_t at = t->used;

	t->bytes = crash_room(t->bytes, &t->room, t->used + n, 1);
	memcpy(t->bytes + at, src, n);
	t->used += n;
	return at;
}

void trace_clear(struct trace *t)
{
	t->n = 0;
	t->used = 0;
}

void trace_free(struct trace *t)
{
	free(t->ev);
	free(t->bytes);
	memset(t, 0, sizeof(*t));
}
