/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/cmd_grow.c: pmheap grow, more room in a closed pool.
 */
#include "inside/inside.h"
#include "tool.h"

#include <errno.h>
#include <pmheap.h>

static int size_read(const char *text, uint64_t *bytes)
{
	if (!text || (tool_size_read(text, bytes) && *bytes))
		return TOOL_OK;
	return tool_usage("grow", "'%s' is no size (as 64M or 1G)", text);
}

int cmd_grow(const struct tool_args *args)
{
	const char *path = args->operand[0];
	const char *to = args->operand_n > 1 ? args->operand[1] : NULL;
	char size_text[TOOL_SIZE_LEN], max_text[TOOL_SIZE_LEN];
	uint64_t size = 0, max = 0;
	PmCheckReport report;
	int code = size_read(to, &size);

	if (!code)
		code = size_read(tool_arg(args, "max-size"), &max);
	if (!code && !size && !max)
		code = tool_usage("grow", "neither a size nor --max-size is "
				  "given");
	if (code)
		return code;
	if (pool_grow(path, size, max) || pm_check(path, 0, &report))
		return tool_fail(errno, pm_errormsg(), "cannot grow '%s'",
				 path);
	printf("%s: %s now, and may grow to %s.\n", path,
	       tool_size_text(report.size, size_text),
	       tool_size_text(report.max_size, max_text));
	return TOOL_OK;
}
