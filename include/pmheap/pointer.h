/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pmheap/pointer.h: normal pointers, fat pointers, and PM_R().
 *
 * A normal pointer is an ordinary T * into the address window: number of the
 * region in the upper bits, offset in the lower. Dereferencing it costs
 * nothing. It means the same object in every run under the same primary.
 * A fat pointer names a region by its permanent id and is valid under any.
 */
#ifndef PMHEAP_POINTER_H
#define PMHEAP_POINTER_H

#include <pmheap/base.h>

/* 16 bytes, little-endian on media. region 0 is the null fat pointer. */
typedef struct PmFat {
	uint64_t region;	/* region id                  */
	uint64_t offset;	/* bytes from region start    */
} PmFat;

#ifdef __cplusplus
#define PM_FAT_NULL (PmFat())
#else
#define PM_FAT_NULL ((PmFat){0, 0})
#endif

PM_BEGIN_DECLS

/*
 * Fat pointer to VM pointer. NULL for the null fat pointer (errno untouched);
 * NULL with ENXIO if the region is not open, EFAULT if the offset is outside.
 * Inline where the compiler optimizes; see below.
 */
PM_API void *pm_direct(PmFat fat);

/*
 * VM pointer to fat pointer. NULL gives PM_FAT_NULL; a pointer that is in no
 * open region gives PM_FAT_NULL with EINVAL.
 */
PM_API PmFat pm_fat(const void *ptr);

/*
 * Where the open regions are, by the low bits of their ids: part of the binary
 * interface, as pm_direct() below is compiled into programs; they only read it.
 * An entry names one region from when that is opened until it is closed:
 * `region` is stored last then, and cleared first; only `size` changes between,
 * and only grows. So who finds an id finds where its region is, and to find it
 * before the region is open or when it has been closed is for the caller to
 * rule out. Entry 0 stays empty: a null fat pointer is found nowhere.
 */
#define PM_PLACES_ 2048
#define PM_PLACE_OF_(id) ((id) / sizeof(struct pm_place_) % PM_PLACES_)

struct pm_place_ {
	uint64_t region;	/* id; 0: none                */
	uint64_t size;		/* bytes of the region        */
	char	*base;
	void	*owner;		/* the library's              */
};

PM_API extern struct pm_place_ pm_places_[PM_PLACES_];

/* As pm_direct(), by a search. */
PM_API void *pm_direct_search_(uint64_t region, uint64_t offset);

extern inline __attribute__((gnu_inline)) void *pm_direct(PmFat fat)
{
	const struct pm_place_ *at = &pm_places_[PM_PLACE_OF_(fat.region)];

	if (__builtin_expect(__atomic_load_n(&at->region, __ATOMIC_ACQUIRE) ==
			     fat.region, 1) &&
	    __builtin_expect(fat.offset <
			     __atomic_load_n(&at->size, __ATOMIC_RELAXED), 1))
		return at->base + fat.offset;
	return pm_direct_search_(fat.region, fat.offset);
}

PM_END_DECLS

/*
 * PM_R(p): any PM pointer to a VM pointer. A PmFat becomes a void * as by
 * pm_direct(); a normal pointer T * stays the same T *, at no cost.
 */
#ifdef __cplusplus
inline void *PM_R(PmFat fat) { return pm_direct(fat); }
template <class T> inline T *PM_R(T *ptr) { return ptr; }
#else
#define PM_R(p)								\
	__builtin_choose_expr(						\
		__builtin_types_compatible_p(__typeof__(p), PmFat),	\
		pm_direct(*(const PmFat *)(const void *)		\
				(__typeof__(p)[]){(p)}),		\
		(p))
#endif

#endif
