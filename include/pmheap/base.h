/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pmheap/base.h: version, errors, and the attributes the other headers use.
 */
#ifndef PMHEAP_BASE_H
#define PMHEAP_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
#define PM_BEGIN_DECLS extern "C" {
#define PM_END_DECLS }
#else
#define PM_BEGIN_DECLS
#define PM_END_DECLS
#endif

#define PM_API __attribute__((visibility("default")))
#define PM_MUST_CHECK __attribute__((warn_unused_result))

/*
 * PM_NONNULL(arguments): NULL there is a fault of the program. PM_ACCESS(mode,
 * pointer, size): the function uses so many bytes. Compilers warn of what they
 * see of both, and the library refuses it all the same, with EINVAL: it and its
 * tests are compiled with PM_REFUSES_MISUSE, for a compiler that believes the
 * attribute removes the check. Not among them is what a doomed transaction may
 * be given, because its allocation failed: pm_tx_add(), pm_write() and so on.
 */
#ifdef PM_REFUSES_MISUSE
#define PM_NONNULL(...)
#define PM_ACCESS(...)
#else
#define PM_NONNULL(...) __attribute__((nonnull(__VA_ARGS__)))
#if defined(__has_attribute)
#if __has_attribute(access)
#define PM_ACCESS(...) __attribute__((access(__VA_ARGS__)))
#endif
#endif
#ifndef PM_ACCESS
#define PM_ACCESS(...)
#endif
#endif

/* Version of this header: major * 10000 + minor * 100 + patch. */
#define PM_VERSION 100

PM_BEGIN_DECLS

/* Version of the library that is linked, in the form of PM_VERSION. */
PM_API int pm_version(void);

/*
 * The calling thread's last error as a sentence that names the file, the
 * region and the cause; "" when nothing has failed yet. Valid until this
 * thread's next failing call. Not cleared by success.
 */
PM_API const char *pm_errormsg(void);

PM_END_DECLS

#endif
