/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fork.c: a child reads its parent's data as they were, and changes nothing.
 *
 * A page of the working copy that nobody wrote yet is the file's page, and
 * would show the child what the parent commits later. So before the fork every
 * page in use is made private; the child gets them copy-on-write. With
 * PM_DONTFORK the child gets no working copy, and nothing is copied. home is
 * never mapped in a child (filemap.c).
 */
#include "heap.h"

#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static int privatize(struct region *r, uint64_t off, uint64_t len)
{
	uint8_t *p = r->work + off;
	uint64_t i;

	if (madvise(p, len, MADV_POPULATE_WRITE) == 0)
		return 0;
	/* An older kernel: an atomic change of nothing copies the page. */
	for (i = 0; i < len; i += PM_PAGE)
		__atomic_fetch_or(p + i, 0, __ATOMIC_RELAXED);
	return 0;
}

static bool shares_pages(const struct region *r)
{
	return !r->private && !r->md.anonymous &&
	       !(r->flags & (PM_RESIDENT | PM_DONTFORK));
}

static void prepare(void)
{
	struct region *r;

	pthread_mutex_lock(&heap_mu);
	tx_fork_lock();
	alloc_life_lock();
	for (r = table_next(0); r; r = table_next(r->number)) {
		alloc_freeze(r);
		pthread_mutex_lock(&r->hdr_mu);
		if (shares_pages(r))
			(void)alloc_each_used(r, privatize);
	}
}

static void done(bool child)
{
	struct region *r;

	for (r = table_next(0); r; r = table_next(r->number)) {
		pthread_mutex_unlock(&r->hdr_mu);
		alloc_thaw(r);
		if (!child)
			continue;
		/* The lock on the file must not outlive the parent. */
		if (r->md.lock_fd >= 0)
			close(r->md.lock_fd);
		if (r->md.m.fd >= 0)
			close(r->md.m.fd);
		/* Something else of the child's may come to lie there. */
		guard_remove(r->md.m.base);
		r->md.m.fd = r->md.lock_fd = -1;
		r->md.m.base = NULL;
		r->home = NULL;
	}
	if (child)
		heap_root_fork_child();
	alloc_life_unlock();
	tx_fork_unlock(child);
	pthread_mutex_unlock(&heap_mu);
}

int heap_fork_init(void)
{
	return table_fork_hooks(prepare, done);
}
