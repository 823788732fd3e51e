/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/cmd_clone.c: pmheap clone, a copy that has an id of its own.
 */
#include "tool.h"

#include <errno.h>
#include <inttypes.h>
#include <pmheap.h>

int cmd_clone(const struct tool_args *args)
{
	const char *src = args->operand[0], *dst = args->operand[1];
	PmCheckReport report;

	if (pm_clone(src, dst) || pm_check(dst, 0, &report))
		return tool_fail(errno, pm_errormsg(),
				 "cannot clone '%s' to '%s'", src, dst);
	printf("Cloned %s to %s, id %016" PRIx64 ".\n", src, dst,
	       report.region_id);
	return TOOL_OK;
}
