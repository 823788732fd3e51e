/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * api_crash.c: the place of pm_crash_verify. `pmheap crash-test` puts its own
 * in front of it; by itself it does nothing.
 */
#include <pmheap/crash.h>

PM_API void pm_crash_verify(int (*verify)(const char *pool, void *arg),
			    void *arg)
{
	(void)verify;
	(void)arg;
}
