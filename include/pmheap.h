/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pmheap.h: the whole public interface of libpmheap, a heap that survives.
 *
 * Objects are allocated in regions (files, persistent memory or plain memory),
 * linked with ordinary pointers, changed between TX_START and TX_END, and found
 * again through pm_root() after a crash, a kill or a power cut.
 *
 * Unless a comment says otherwise: functions return 0 (or a value) on success
 * and -1 or NULL on failure with errno set, and pm_errormsg() gives the calling
 * thread's last error as a sentence. All functions are thread-safe. The library
 * never prints (pm_set_logger()), never exits and installs no signal handler unless it is asked
 * to (PM_CATCH_SIGBUS).
 *
 * The topics are in pmheap/ and can be included one by one.
 */
#ifndef PMHEAP_H
#define PMHEAP_H

#include <pmheap/base.h>
#include <pmheap/region.h>
#include <pmheap/pointer.h>
#include <pmheap/alloc.h>
#include <pmheap/write.h>
#include <pmheap/tx.h>
#include <pmheap/lock.h>
#include <pmheap/log.h>
#include <pmheap/stats.h>

#endif
