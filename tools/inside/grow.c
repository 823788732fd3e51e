/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/inside/grow.c: growing a pool that no program has open.
 */
#include "inside/live.h"

#include "heap.h"

/* Whole extents of what is asked for. */
static uint64_t max_of(const struct region *r, const void *arg)
{
	uint64_t ext = r->hdr->extent_size;

	return *(const uint64_t *)arg / ext * ext;
}

static int check_max(const struct region *r, const void *arg)
{
	const struct pm_header *h = r->hdr;
	uint64_t max = max_of(r, arg);

	if (max < h->size)
		return err_set(ERANGE, "%s: it has %llu bytes already",
			       region_name(r), (unsigned long long)h->size);
	/* Where its pointers lead to must stay its own. */
	if (window_slots(max) != window_slots(h->max_size))
		return err_set(ERANGE, "%s: pointers into it have room for "
			       "%llu bytes", region_name(r),
			       (unsigned long long)window_slots(h->max_size) <<
			       window.slot_bits);
	return 0;
}

/* The header alone says how far it may grow. */
static void set_max(struct region *r, const void *arg)
{
	r->hdr->max_size = max_of(r, arg);
}

static int grow_to(struct region *r, uint64_t size)
{
	const struct pm_header *h = r->hdr;
	int ret;

	size = size / h->extent_size * h->extent_size;
	if (size <= h->size)
		return err_set(ERANGE, "%s: it has %llu bytes already",
			       region_name(r), (unsigned long long)h->size);
	if (size > h->max_size)
		return err_set(ERANGE, "%s: it may grow to %llu bytes",
			       region_name(r),
			       (unsigned long long)h->max_size);
	ret = log_grow_by(r, size - h->size);
	if (ret == ALLOC_FULL)
		return err_set(ERANGE, "%s: %llu bytes more are too few, or it "
			       "has grown too often", region_name(r),
			       (unsigned long long)(size - h->size));
	return ret;
}

int pool_grow(const char *path, uint64_t size, uint64_t max)
{
	PmWrapperConfig c = {.path = path};
	int ret, err;

	if (max && heap_change_header(path, check_max, set_max, &max))
		return -1;
	if (!size)
		return 0;
	if (pm_init(c))
		return -1;
	ret = grow_to(table_get(PM_PRIMARY), size);
	err = errno;
	if (pm_close() && ret == 0)
		return -1;
	errno = err;
	return ret;
}
