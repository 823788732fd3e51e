/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pmheap/stats.h: looking into regions and checking pools.
 */
#ifndef PMHEAP_STATS_H
#define PMHEAP_STATS_H

#include <pmheap/base.h>

typedef struct PmStats {
	uint64_t region_id;
	char	 backend[16];		/* name of the backend in use          */
	char	 survives[16];		/* "power", "process" or "nothing"     */
	char	 durability[16];	/* "strict", "relaxed", "manual",
					   "readonly" or "scratch"             */
	uint64_t size;			/* bytes of the region now             */
	uint64_t max_size;		/* bytes it may grow to                */
	uint64_t heap_bytes;		/* bytes that objects can use: extents */
	uint64_t used_bytes;		/* bytes of live objects, with rounding*/
	uint64_t held_bytes;		/* bytes of extents in use             */
	uint64_t free_bytes;		/* heap_bytes - used_bytes             */
	uint64_t largest_free;		/* largest object that fits in the free
					   extents without growing, bytes      */
	uint32_t fragmentation;		/* per mille of held_bytes not used    */
	uint32_t lanes;
	uint64_t lane_size;		/* bytes                               */
	uint64_t objects;		/* live objects                        */
	uint64_t commits;		/* since open                          */
	uint64_t aborts;		/* of transactions that touched it     */
	uint64_t fences;		/* all fences since open               */
	uint64_t commit_fences;		/* those that made a commit durable    */
	uint64_t checkpoints;
	uint64_t logged_bytes;		/* appended to lanes and spills        */
	uint64_t recovered;		/* entries replayed at this open       */
	uint64_t work_bytes;		/* DRAM held by changed pages          */
	uint64_t watermark;		/* sequence number of the checkpoint   */
	uint64_t sequence;		/* last sequence number taken          */
	uint32_t extent_size;		/* bytes                               */
	uint32_t poisoned;		/* 1 after a failed sync               */
	uint64_t reserved[8];
} PmStats;

/* pm_check() flags */
#define PM_REPAIR	0x0001u	/* recover, and rewrite a damaged header copy */

/* PmCheckReport.status */
#define PM_CHECK_CLEAN		0	/* no fault, nothing to replay         */
#define PM_CHECK_PENDING	1	/* no fault; recovery will replay log  */
#define PM_CHECK_REPAIRABLE	2	/* closed; one header copy damaged     */
#define PM_CHECK_REPAIRED	3	/* was repairable, with PM_REPAIR      */
#define PM_CHECK_DAMAGED	4	/* faults, see message                 */

typedef struct PmCheckReport {
	int	 status;		/* PM_CHECK_*                          */
	uint32_t faults;		/* number of faults found              */
	uint64_t region_id;
	uint64_t size;
	uint64_t max_size;
	uint64_t objects;		/* live objects after replay           */
	uint64_t used_bytes;
	uint64_t heap_bytes;
	uint64_t pending;		/* log entries that recovery replays   */
	uint32_t extent_size;
	uint32_t zones;
	uint32_t lanes;
	uint32_t format;		/* format version                      */
	char	 layout[64];
	char	 message[512];		/* the first fault, "" if none         */
} PmCheckReport;

PM_BEGIN_DECLS

/* Fills *out for an open region. 0; EINVAL if it is not open. */
PM_API int pm_stats(int region, PmStats *out) PM_NONNULL(2) PM_MUST_CHECK;

/*
 * Checks the closed pool at path; read-only unless PM_REPAIR. 0 if the pool
 * could be judged (look at out->status); -1 with the errors of pm_init() if
 * not. EUCLEAN is returned with out filled as far as it was read.
 */
PM_API int pm_check(const char *path, unsigned flags, PmCheckReport *out)
	PM_NONNULL(1, 3) PM_MUST_CHECK;

PM_END_DECLS

#endif
