/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sim.c: the recording backend. Only the public interface of backends is used.
 */
#include "sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct sim_image sim_image[SIM_MEDIA];
static struct sim_trace *trace;
static unsigned fail_in;

static void *grown(void *p, size_t *cap, size_t need, size_t elem)
{
	size_t n = *cap ? *cap : 1024;

	if (need <= *cap)
		return p;
	while (n < need)
		n *= 2;
	p = realloc(p, n * elem);
	if (!p)
		abort();
	*cap = n;
	return p;
}

static struct sim_event *record(const PmMedium *m, enum sim_kind kind,
				uint64_t off, uint64_t n)
{
	struct sim_event *e;

	trace->ev = grown(trace->ev, &trace->cap, trace->n + 1,
			  sizeof(*trace->ev));
	e = &trace->ev[trace->n++];
	*e = (struct sim_event){.kind = (uint8_t)kind, .off = off, .n = n};
	if (m)
		e->medium = (uint8_t)((struct sim_image *)m->priv - sim_image);
	return e;
}

static struct sim_image *find(const char *path)
{
	const char *name = path ? strrchr(path, '/') : NULL;

	if (!name || name[1] < 'a' || name[1] >= 'a' + SIM_MEDIA || name[2])
		return NULL;
	return &sim_image[name[1] - 'a'];
}

static int sim_map(PmMedium *m)
{
	struct sim_image *im = find(m->path);

	if (!im || (!im->size && !m->created)) {
		errno = ENOENT;
		return -1;
	}
	if (m->max_size > SIM_ROOM || m->size > SIM_ROOM) {
		errno = ENOSPC;
		return -1;
	}
	if (!im->bytes) {
		im->bytes = mmap(NULL, SIM_ROOM, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (im->bytes == MAP_FAILED)
			abort();
	}
	if (im->size) {
		m->created = 0;
		m->size = im->size;
		m->base = im->bytes;
		m->priv = im;
		return 0;
	}
	m->base = im->bytes;
	m->priv = im;
	memset(im->bytes, 0, m->size);
	im->size = m->size;
	if (trace)
		record(m, SIM_GROW, 0, m->size);
	return 0;
}

static int sim_grow(PmMedium *m, uint64_t size)
{
	struct sim_image *im = m->priv;

	if (size > SIM_ROOM) {
		errno = ENOSPC;
		return -1;
	}
	memset(im->bytes + m->size, 0, size - m->size);
	im->size = size;
	if (trace)
		record(m, SIM_GROW, m->size, size);
	return 0;
}

static void sim_unmap(PmMedium *m)
{
	(void)m;
}

static void sim_write(PmMedium *m, uint64_t off, const void *src, size_t n,
		      unsigned how)
{
	memcpy(m->base + off, src, n);
	if (trace) {
		struct sim_event *e = record(m, SIM_WRITE, off, n);

		trace->bytes = grown(trace->bytes, &trace->room,
				     trace->used + n, 1);
		memcpy(trace->bytes + trace->used, src, n);
		e->arg = trace->used;
		e->how = (uint8_t)how;
		trace->used += n;
	}
}

static void sim_fill(PmMedium *m, uint64_t off, int c, size_t n, unsigned how)
{
	memset(m->base + off, c, n);
	if (trace) {
		struct sim_event *e = record(m, SIM_FILL, off, n);

		e->arg = (uint8_t)c;
		e->how = (uint8_t)how;
	}
}

static void sim_flush(PmMedium *m, uint64_t off, size_t n)
{
	if (trace && n)
		record(m, SIM_FLUSH, off, n);
}

static int sim_fence(PmMedium *m)
{
	if (fail_in && --fail_in == 0) {
		errno = EIO;
		return -1;
	}
	if (trace)
		record(m, SIM_FENCE, 0, 0);
	return 0;
}

#define SIM_OPS							\
	.abi = PM_BACKEND_ABI,					\
	.survives = PM_SURVIVES_POWER,				\
	.map = sim_map,						\
	.grow = sim_grow,					\
	.unmap = sim_unmap,					\
	.write = sim_write,					\
	.fill = sim_fill,					\
	.flush = sim_flush,					\
	.fence = sim_fence

const PmBackend sim_lines = {
	.traits = PM_BACKEND_NO_FILE | PM_BACKEND_CPU_FENCE,
	.name = "sim",
	SIM_OPS,
};

const PmBackend sim_pages = {
	.traits = PM_BACKEND_NO_FILE,
	.name = "sim-pages",
	SIM_OPS,
};

void sim_reset(void)
{
	int i;

	for (i = 0; i < SIM_MEDIA; i++)
		sim_image[i].size = 0;
}

void sim_record(struct sim_trace *t)
{
	trace = t;
}

void sim_mark(uint64_t lo, uint64_t hi)
{
	if (trace)
		record(NULL, SIM_MARK, lo, hi);
}

void sim_trace_free(struct sim_trace *t)
{
	free(t->ev);
	free(t->bytes);
	memset(t, 0, sizeof(*t));
}

void sim_fail_fence(unsigned nth)
{
	fail_in = nth;
}
