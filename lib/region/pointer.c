/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pointer.c: fat pointers to VM pointers and back.
 */
#include "region/region.h"

PM_API void *pm_direct(PmFat fat)
{
	struct region *r;

	if (fat.region == 0)
		return NULL;
	r = table_find_id(fat.region);
	if (UNLIKELY(!r)) {
		err_set(ENXIO, "region %016llx is not open",
			(unsigned long long)fat.region);
		return NULL;
	}
	if (UNLIKELY(fat.offset >= AO_load(&r->size))) {
		err_set(EFAULT, "%s: offset %llu is outside the region",
			region_name(r), (unsigned long long)fat.offset);
		return NULL;
	}
	return r->work + fat.offset;
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
