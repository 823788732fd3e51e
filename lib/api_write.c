/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * api_write.c: stores that survive, inside and outside transactions.
 */
#include "heap.h"

#include <string.h>

static struct region *target(const void *p, size_t n)
{
	struct region *r = alloc_owner_of(p, n);

	return r && region_writable(r) == 0 ? r : NULL;
}

PM_API void *pm_write(void *dst, const void *src, size_t n)
{
	struct region *r;
	int ret = -1;

	if (UNLIKELY(op_begin()))
		return NULL;
	r = target(dst, n);
	if (LIKELY(r && tx_add_range(r, dst, n) == 0)) {
		memmove(dst, src, n);
		ret = 0;
	}
	return op_end(ret) ? NULL : dst;
}

PM_API void *pm_fill(void *dst, int c, size_t n)
{
	/* Who looks for stores that were not logged must not find the bytes set
	 * at home only. */
	bool single = !tx_active() && !debug_unlogged();
	struct region *r;
	int ret = -1;

	if (op_begin())
		return NULL;
	r = target(dst, n);
	if (r)
		ret = single ? tx_add_fill(r, dst, c, n)
			     : tx_add_range(r, dst, n);
	if (ret == 0 && !single)
		memset(dst, c, n);
	ret = op_end(ret);
	/* A record of a few bytes has set them at home. */
	if (ret == 0 && single)
		memset(dst, c, n);
	return ret ? NULL : dst;
}

PM_API int pm_persist(const void *ptr, size_t n)
{
	struct region *r;
	int ret = -1;

	if (op_begin())
		return -1;
	r = target(ptr, n);
	if (r)
		ret = tx_add_range(r, ptr, n);
	return op_end(ret);
}

PM_API int pm_flush(void)
{
	struct region *r;
	int ret = 0, err = errno;

	if (table_in_child())
		return err_set(EPERM, "a forked child cannot change its "
			       "parent's regions");
	pthread_mutex_lock(&heap_mu);
	for (r = table_next(0); r; r = table_next(r->number)) {
		if (r->readonly)
			continue;
		if (log_flush_all(r) || log_settle(r)) {
			ret = -1;
			err = errno;
		}
	}
	pthread_mutex_unlock(&heap_mu);
	errno = err;
	return ret;
}
