/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/cmd_reid.c: pmheap reid, a new id for a copied pool.
 */
#include "tool.h"

#include <errno.h>
#include <inttypes.h>
#include <pmheap.h>

int cmd_reid(const struct tool_args *args)
{
	const char *path = args->operand[0];
	PmCheckReport before, after;

	if (pm_check(path, 0, &before) || pm_reid(path) ||
	    pm_check(path, 0, &after))
		return tool_fail(errno, pm_errormsg(),
				 "cannot give '%s' a new id", path);
	printf("%s: id %016" PRIx64 " became %016" PRIx64 ".\n", path,
	       before.region_id, after.region_id);
	return TOOL_OK;
}
