/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * be_file.c: an ordinary file on any disk. Stores go to the shared mapping,
 * flush() notes ranges, fence() syncs just those ranges.
 *
 * Group commit: one thread syncs what all have flushed so far, the others wait
 * for its result. The kernel reports a failed write-back once; so the first
 * failure is kept, and every later fence fails (I8).
 *
 * Lock order: struct sync.mu is a leaf.
 */
#include "persist/persist.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <string.h>

/* A span up to this is synced as one range; commits live in the lanes. */
#define SPAN_MAX (32u << 20)

struct range {
	uint64_t lo, hi;
};

struct sync {
	pthread_mutex_t mu;
	pthread_cond_t done_cv;
	uint64_t filling;	/* group that flush() adds to              */
	uint64_t done;		/* last group that is durable              */
	bool busy;
	int failed;		/* errno of the first failure              */
	struct range span;	/* of the filling group, empty: lo == hi   */
};

static int file_map(PmMedium *m)
{
	struct sync *s = calloc(1, sizeof(*s));

	if (!s)
		return -1;
	if (filemap_map(m, 0)) {
		free(s);
		return -1;
	}
	pthread_mutex_init(&s->mu, NULL);
	pthread_cond_init(&s->done_cv, NULL);
	s->filling = 1;
	m->priv = s;
	return 0;
}

static int file_grow(PmMedium *m, uint64_t size)
{
	return filemap_grow(m, size, 0);
}

static void file_unmap(PmMedium *m)
{
	struct sync *s = m->priv;
	bool child = !m->base;	/* whose parent's threads may wait in fence() */

	filemap_unmap(m);
	if (s && !child) {
		pthread_mutex_destroy(&s->mu);
		pthread_cond_destroy(&s->done_cv);
	}
	free(s);
	m->priv = NULL;
}

static void file_flush(PmMedium *m, uint64_t off, size_t n)
{
	struct sync *s = m->priv;
	struct range r = {off / PM_PAGE * PM_PAGE, off + n};

	pthread_mutex_lock(&s->mu);
	if (s->span.lo == s->span.hi) {
		s->span = r;
	} else {
		s->span.lo = min_u64(s->span.lo, r.lo);
		s->span.hi = max_u64(s->span.hi, r.hi);
	}
	pthread_mutex_unlock(&s->mu);
}

static void file_write(PmMedium *m, uint64_t off, const void *src, size_t n,
		       unsigned how)
{
	copy_words(m->base + off, src, n);
	if (how == PM_WRITE_FLUSH)
		file_flush(m, off, n);
}

static void file_fill(PmMedium *m, uint64_t off, int c, size_t n, unsigned how)
{
	memset(m->base + off, c, n);
	if (how == PM_WRITE_FLUSH)
		file_flush(m, off, n);
}

/* Pages beyond the end of a file sync well: they are gone (I8). */
static int sync_span(PmMedium *m, struct range r)
{
	int ret = r.hi - r.lo <= SPAN_MAX
		? msync(m->base + r.lo, r.hi - r.lo, MS_SYNC)
		: fdatasync(m->fd);

	return ret ? ret : filemap_check(m);
}

/* Syncs the filling group; called and returns with s->mu held. */
static void lead(PmMedium *m, struct sync *s)
{
	struct range span = s->span;
	uint64_t group = s->filling++;
	int r;

	s->span = (struct range){0, 0};
	s->busy = true;
	pthread_mutex_unlock(&s->mu);
	r = sync_span(m, span) ? errno : 0;
	pthread_mutex_lock(&s->mu);
	if (r && !s->failed)
		s->failed = r;
	s->done = group;
	s->busy = false;
	pthread_cond_broadcast(&s->done_cv);
}

static int file_fence(PmMedium *m)
{
	struct sync *s = m->priv;
	uint64_t want;
	int failed;

	pthread_mutex_lock(&s->mu);
	want = s->span.lo == s->span.hi ? s->filling - 1 : s->filling;
	while (!s->failed && s->done < want) {
		if (s->busy)
			pthread_cond_wait(&s->done_cv, &s->mu);
		else
			lead(m, s);
	}
	failed = s->failed;
	pthread_mutex_unlock(&s->mu);
	if (failed) {
		errno = EIO;
		return -1;
	}
	return 0;
}

const PmBackend backend_file = {
	.abi = PM_BACKEND_ABI,
	.traits = 0,
	.name = "file",
	.survives = PM_SURVIVES_POWER,
	.map = file_map,
	.grow = file_grow,
	.reserve = filemap_reserve,
	.unmap = file_unmap,
	.write = file_write,
	.fill = file_fill,
	.flush = file_flush,
	.fence = file_fence,
};
