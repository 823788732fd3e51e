/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pmheap/log.h: messages of the library, for a program that wants to keep them.
 */
#ifndef PMHEAP_LOG_H
#define PMHEAP_LOG_H

#include <pmheap/base.h>

/* Levels; each includes those before it. */
#define PM_LOG_NONE	0	/* the default                               */
#define PM_LOG_ERROR	1	/* each failure, as pm_errormsg() gives it;
				   stores that PM_DEBUG_UNLOGGED finds       */
#define PM_LOG_WARN	2	/* a region is poisoned                      */
#define PM_LOG_INFO	3	/* regions are opened, recovered, grown, closed */
#define PM_LOG_DEBUG	4	/* checkpoints                               */

PM_BEGIN_DECLS

/*
 * From now on f(level, message, arg) is called with each message of at most
 * this level, in the thread that causes it; NULL or PM_LOG_NONE: no more. The
 * message is one line without a newline and valid during the call. f may be
 * called by several threads at once, must not call the library, and may be
 * called a last time while it is being replaced. It finds and may change errno.
 * 0; or -1: ENOMEM, EINVAL no such level. Allowed at any time.
 */
PM_API int pm_set_logger(int level,
			 void (*f)(int level, const char *message, void *arg),
			 void *arg);

PM_END_DECLS

#endif
