/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pmheap/write.h: changing persistent bytes without TX_START.
 *
 * Outside a transaction each call is a transaction of its own: atomic at any
 * length and durable on return (with PM_RELAXED or PM_FLUSH_MANUAL: at the next
 * group flush or pm_flush()). Inside one the bytes are logged and become
 * durable with the commit.
 *
 * Errors: EINVAL the bytes are not all inside one open region's objects area;
 * EROFS; EPERM in a forked child; EIO region poisoned; ENOSPC no room for the
 * log of a very large write. Inside a transaction a failure dooms it.
 */
#ifndef PMHEAP_WRITE_H
#define PMHEAP_WRITE_H

#include <pmheap/base.h>

PM_BEGIN_DECLS

/* memmove(3) and memset(3) that survive. Return dst, or NULL. */
PM_API void *pm_write(void *dst, const void *src, size_t n)
	PM_ACCESS(write_only, 1, 3) PM_ACCESS(read_only, 2, 3);
PM_API void *pm_fill(void *dst, int c, size_t n) PM_ACCESS(write_only, 1, 3);

/* Publishes n bytes at ptr that the program has stored itself. 0 or -1. */
PM_API int pm_persist(const void *ptr, size_t n) PM_ACCESS(none, 1, 2);

/* Makes everything committed in all open regions durable. 0, or -1 EIO. */
PM_API int pm_flush(void) PM_MUST_CHECK;

PM_END_DECLS

/*
 * PM_SET(lvalue, value): typed write of one field, converted as by =.
 * Non-NULL on success, NULL as pm_write().
 */
#define PM_SET(lvalue, value)						\
	(__extension__({						\
		__typeof__(lvalue) pm_set_v_ = (value);			\
		pm_write((void *)&(lvalue), &pm_set_v_, sizeof pm_set_v_);\
	}))

#endif
