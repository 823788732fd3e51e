/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pmheap/crash.h: for programs that `pmheap crash-test` tests.
 *
 * The command runs the program, and then calls verify() with a pool as each of
 * many crashes would have left it. Without the command this does nothing.
 */
#ifndef PMHEAP_CRASH_H
#define PMHEAP_CRASH_H

#include <pmheap/base.h>

PM_BEGIN_DECLS

/*
 * Call it at the start of main(), before any region is open or thread started.
 * Under the command it then does not return: verify() is called in a child
 * process for each crashed pool, opens it as the program would, and returns 0
 * if everything is as it must be. What it prints is shown if it finds a fault.
 * Otherwise returns at once. Never fails.
 */
PM_API void pm_crash_verify(int (*verify)(const char *pool, void *arg),
			    void *arg) PM_NONNULL(1);

PM_END_DECLS

#endif
