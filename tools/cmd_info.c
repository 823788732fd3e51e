/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/cmd_info.c: pmheap info, what is in a pool and what holds it.
 */
#include "tool.h"

#include <errno.h>
#include <pmheap.h>
#include <pmheap/backend.h>

/*
 * What a program that opens the pool for writing gets: the statistics of a
 * read-only opening say that nothing of it survives.
 */
static const char *survives(const PmStats *stats)
{
	static const char *const words[] = {
		[PM_SURVIVES_NOTHING] = "nothing",
		[PM_SURVIVES_PROCESS] = "process",
		[PM_SURVIVES_POWER] = "power",
	};
	const PmBackend *backend = pm_backend(stats->backend);

	return backend ? words[backend->survives] : stats->survives;
}

static void info_print(const char *path, const PmCheckReport *report,
		       const PmStats *stats, bool json)
{
	const struct tool_row rows[] = {
		{ "file", "file", TOOL_TEXT, 0, path },
		{ "id", "id", TOOL_ID, stats->region_id, NULL },
		{ "layout", "layout", TOOL_TEXT, 0, report->layout },
		{ "size", "size", TOOL_SIZE, stats->size, NULL },
		{ "max size", "max_size", TOOL_SIZE, stats->max_size, NULL },
		{ "objects", "objects", TOOL_COUNT, stats->objects, NULL },
		{ "used", "used", TOOL_SIZE, stats->used_bytes, NULL },
		{ "free", "free", TOOL_SIZE, stats->free_bytes, NULL },
		{ "largest free", "largest_free", TOOL_SIZE,
		  stats->largest_free, NULL },
		{ "backend", "backend", TOOL_TEXT, 0, stats->backend },
		{ "durability", "survives", TOOL_TEXT, 0,
		  json ? survives(stats) :
			 tool_survives_text(survives(stats)) },
		{ "format version", "format", TOOL_COUNT, report->format, NULL },
		{ "lanes", "lanes", TOOL_COUNT, stats->lanes, NULL },
		{ "lane size", "lane_size", TOOL_SIZE, stats->lane_size, NULL },
		{ "pending log entries", "pending", TOOL_COUNT,
		  report->pending, NULL },
	};

	tool_rows_print(rows, sizeof rows / sizeof rows[0], json);
}

int cmd_info(const struct tool_args *args)
{
	const char *path = args->operand[0];
	PmWrapperConfig config = { .path = path, .flags = PM_RDONLY };
	PmCheckReport report;
	PmStats stats;

	if (pm_check(path, 0, &report) || pm_init(config) ||
	    pm_stats(PM_PRIMARY, &stats))
		return tool_fail(errno, pm_errormsg(), "cannot read '%s'", path);
	info_print(path, &report, &stats, tool_arg(args, "json"));
	if (pm_close())
		return tool_fail(errno, pm_errormsg(), "cannot close '%s'", path);
	return TOOL_OK;
}
