/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pmheap/alloc.h: allocating and freeing persistent objects.
 *
 * Outside a transaction every call is atomic and durable on return; inside one
 * it takes effect with the commit and is undone by an abort. Sizes are bytes.
 * Objects are aligned to 16 bytes. Functions without a region work in the
 * primary; pm_realloc() stays in its object's region.
 *
 * Errors of the allocating calls: ENOMEM no room (after growing to max_size);
 * EINVAL region not open, bad alignment; EROFS; EPERM in a forked child; EIO
 * region poisoned. Inside a transaction a failure dooms it.
 *
 * A pointer that is not the start of a live object is refused by pm_free(),
 * pm_realloc() and pm_usable_size() with EINVAL, and the heap is unchanged
 * (with PMHEAP_DEBUG=abort in the environment the process aborts). So is the
 * root object, which pm_root() made, by pm_free() and pm_realloc().
 */
#ifndef PMHEAP_ALLOC_H
#define PMHEAP_ALLOC_H

#include <pmheap/base.h>

/*
 * Never __attribute__((malloc)): a compiler may then take a store to an object
 * for dead, or move it past TX_END, because nobody else can reach the object.
 */
#define PM_ALLOC_SIZE(...) __attribute__((alloc_size(__VA_ARGS__)))

/* Or into the type argument of pm_alloc_type(): the object starts zeroed. */
#define PM_ZERO		0x80000000u
/* Largest type number. */
#define PM_TYPE_MAX	0x7fffffffu

PM_BEGIN_DECLS

/* size 0 is treated as 1: a unique object. Contents are undefined. */
PM_API void *pm_alloc(size_t size) PM_ALLOC_SIZE(1) PM_MUST_CHECK;
PM_API void *pm_alloc_in(int region, size_t size) PM_ALLOC_SIZE(2) PM_MUST_CHECK;

/* n * size bytes, zeroed; ENOMEM if the product overflows. */
PM_API void *pm_calloc(size_t n, size_t size) PM_ALLOC_SIZE(1, 2) PM_MUST_CHECK;
PM_API void *pm_calloc_in(int region, size_t n, size_t size)
	PM_ALLOC_SIZE(2, 3) PM_MUST_CHECK;

/*
 * Resizes; contents up to the smaller size are kept, the rest is undefined.
 * NULL ptr: as pm_alloc(). size 0: as pm_free(), returns NULL, errno 0.
 * On failure the object is unchanged. Keeps the type number.
 */
PM_API void *pm_realloc(void *ptr, size_t size) PM_ALLOC_SIZE(2) PM_MUST_CHECK;

/* A persistent copy of s. */
PM_API char *pm_strdup(const char *s) PM_NONNULL(1) PM_MUST_CHECK;

/* align: a power of two (else EINVAL), at most the window slot (16 GiB). */
PM_API void *pm_memalign(size_t align, size_t size)
	PM_ALLOC_SIZE(2) PM_MUST_CHECK;

/* An object with a type number (0..PM_TYPE_MAX), for pm_first()/pm_next(). */
PM_API void *pm_alloc_type(int region, size_t size, uint32_t type)
	PM_ALLOC_SIZE(2) PM_MUST_CHECK;

/* NULL is fine. Never fails on a live object, needs no space. */
PM_API void pm_free(void *ptr);

/* Bytes that may be used, at least the size asked for; 0 with EINVAL. */
PM_API size_t pm_usable_size(const void *ptr);

/*
 * Allocates in the region of where, calls init(obj, arg) (may be NULL; nonzero
 * means give up, and becomes errno if positive), and stores the pointer in
 * *(void **)where: all or nothing. 0 or -1.
 */
PM_API int pm_alloc_to(void *where, size_t size,
		       int (*init)(void *obj, void *arg), void *arg);

/*
 * Iterates the live objects of one type in one region, in no order that means
 * anything. NULL at the end. An object that is freed must not be passed to
 * pm_next(); objects allocated or freed meanwhile may or may not be seen.
 */
PM_API void *pm_first(int region, uint32_t type);
PM_API void *pm_next(const void *obj);

/* The object's type number; 0 with EINVAL if ptr is no live object. */
PM_API uint32_t pm_type_of(const void *obj);

PM_END_DECLS

/* One object of a C type in the primary: undefined contents, or zeroed. */
#define PM_NEW(type) ((type *)pm_alloc(sizeof(type)))
#define PM_ZNEW(type) ((type *)pm_calloc(1, sizeof(type)))

#endif
