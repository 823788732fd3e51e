/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/repair.h: repairing a pool step by step, for pmheap check.
 */
#ifndef PMHEAP_TOOL_REPAIR_H
#define PMHEAP_TOOL_REPAIR_H

#include "tool.h"

#include <pmheap.h>

struct repair {
	const char *without;	/* id of a region that is lost, or NULL      */
	bool	 tried;
	bool	 quiet;		/* steps are not printed, only collected     */
	json_t	*steps;
	unsigned n;
	char	 kept[4096];	/* copy of the pool as it was; "": none      */
};

/*
 * Repairs the pool, whose judgement is in *report, with err as pm_check() gave
 * it, 0: none. keep: make a copy first. *report is what it is then. An exit
 * code other than 0 after saying why it could not be tried.
 */
int repair_run(struct repair *r, const char *path, bool keep, int *err,
	       PmCheckReport *report);

#endif
