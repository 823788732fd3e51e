/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/cmd_relayout.c: pmheap relayout, another layout name for a pool whose
 * objects were converted.
 */
#include "inside/inside.h"
#include "tool.h"

#include <errno.h>
#include <pmheap.h>

int cmd_relayout(const struct tool_args *args)
{
	const char *path = args->operand[0], *name = args->operand[1];

	if (pool_relayout(path, tool_arg(args, "from"), name))
		return tool_fail(errno, pm_errormsg(),
				 "cannot change the layout name of '%s'", path);
	/* The old name may hold anything; 'pmheap info' shows the new one. */
	printf("%s: it has the new layout name.\n", path);
	return TOOL_OK;
}
