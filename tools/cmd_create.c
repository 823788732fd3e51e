/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/cmd_create.c: pmheap create, a new and empty pool.
 */
#include "tool.h"

#include <errno.h>
#include <inttypes.h>
#include <pmheap.h>
#include <stdlib.h>

#define SIZE_DEFAULT ((uint64_t)64 << 20)

static int size_option(const struct tool_args *args, const char *name,
		       size_t *bytes)
{
	const char *text = tool_arg(args, name);
	uint64_t n;

	if (!text)
		return TOOL_OK;
	if (!tool_size_read(text, &n) || n == 0)
		return tool_usage("create", "--%s '%s' is no size (as 64M or 1G)",
				  name, text);
	*bytes = (size_t)n;
	return TOOL_OK;
}

static int mode_option(const struct tool_args *args, mode_t *mode)
{
	const char *text = tool_arg(args, "mode");
	unsigned long n;
	char *end;

	if (!text)
		return TOOL_OK;
	errno = 0;
	n = strtoul(text, &end, 8);
	if (errno || end == text || *end || n == 0 || n > 0777)
		return tool_usage("create", "--mode '%s' is no octal mode in "
				  "0001..0777 (as 0600)", text);
	*mode = (mode_t)n;
	return TOOL_OK;
}

static int config_read(const struct tool_args *args, PmWrapperConfig *config)
{
	int code;

	*config = (PmWrapperConfig){
		.path = args->operand[0],
		.layout = tool_arg(args, "layout"),
		.size = SIZE_DEFAULT,
		.flags = PM_CREATE | PM_EXCL,
		.backend_name = tool_arg(args, "backend"),
	};
	code = size_option(args, "size", &config->size);
	if (!code)
		code = size_option(args, "max-size", &config->max_size);
	if (!code)
		code = mode_option(args, &config->mode);
	if (!code && config->max_size && config->max_size < config->size)
		return tool_usage("create", "--max-size is less than the size");
	return code;
}

int cmd_create(const struct tool_args *args)
{
	PmWrapperConfig config;
	char size[TOOL_SIZE_LEN];
	PmStats stats;
	int code;

	code = config_read(args, &config);
	if (code)
		return code;
	if (pm_init(config) || pm_stats(PM_PRIMARY, &stats) || pm_close())
		return tool_fail(errno, pm_errormsg(), "cannot create '%s'",
				 config.path);
	printf("Created %s: %s, id %016" PRIx64 ", backend %s (%s).\n",
	       config.path, tool_size_text(stats.size, size), stats.region_id,
	       stats.backend, tool_survives_text(stats.survives));
	return TOOL_OK;
}
