/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pointer.c: fat pointers to VM pointers and back.
 */
#include "region/region.h"

PM_API void *pm_direct_search_(uint64_t region, uint64_t offset)
{
	const struct pm_place_ *at;

	if (region == 0)
		return NULL;
	at = place_find(region);
	if (!at) {
		err_set(ENXIO, "region %016llx is not open",
			(unsigned long long)region);
		return NULL;
	}
	if (offset >= __atomic_load_n(&at->size, __ATOMIC_RELAXED)) {
		err_set(EFAULT, "region %016llx: offset %llu is outside the "
			"region", (unsigned long long)region,
			(unsigned long long)offset);
		return NULL;
	}
	return at->base + offset;
}

/* For who does not inline it: other languages, and unoptimized code. */
PM_API void *pm_direct(PmFat fat)
{
	return pm_direct_search_(fat.region, fat.offset);
}

PM_API PmFat pm_fat(const void *ptr)
{
	PmFat fat = {0, 0};
	struct region *r;

	if (!ptr)
		return fat;
	r = table_of(ptr);
	if (!r) {
		err_set(EINVAL, "%p is not a pointer into an open region", ptr);
		return fat;
	}
	fat.region = r->id;
	fat.offset = region_off(r, ptr);
	return fat;
}

PM_API int pm_region_of(const void *ptr)
{
	struct region *r = table_of(ptr);

	return r ? r->number : 0;
}

PM_API bool pm_is_pm(const void *ptr)
{
	return table_of(ptr) != NULL;
}

PM_API uint64_t pm_region_id(int number)
{
	struct region *r = table_get(number);

	if (r)
		return r->id;
	err_set(EINVAL, "region %d is not open", number);
	return 0;
}
