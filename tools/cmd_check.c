/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/cmd_check.c: pmheap check, the offline checker and its verdict.
 */
#include "repair.h"
#include "tool.h"

#include <errno.h>
#include <inttypes.h>
#include <pmheap.h>
#include <string.h>

static const struct {
	const char *key;	/* in JSON */
	const char *word;
	enum tool_colour colour;
	int code;
} verdicts[] = {
	[PM_CHECK_CLEAN] = { "clean", "clean", TOOL_GREEN, TOOL_OK },
	[PM_CHECK_PENDING] = { "pending", "not closed", TOOL_GREEN, TOOL_OK },
	[PM_CHECK_REPAIRABLE] = { "repairable", "repairable", TOOL_YELLOW,
				  TOOL_DAMAGED },
	[PM_CHECK_REPAIRED] = { "repaired", "repaired", TOOL_YELLOW, TOOL_REPAIRED },
	[PM_CHECK_DAMAGED] = { "damaged", "damaged", TOOL_RED, TOOL_DAMAGED },
};

static void contents_print(const PmCheckReport *report)
{
	char used[TOOL_SIZE_LEN], heap[TOOL_SIZE_LEN];

	printf(" %" PRIu64 " object%s, %s of %s in use; what they hold is not "
	       "checked.\n", report->objects,
	       report->objects == 1 ? "" : "s",
	       tool_size_text(report->used_bytes, used),
	       tool_size_text(report->heap_bytes, heap));
}

static void verdict_print(const char *path, const PmCheckReport *report)
{
	printf("%s: %s%s%s.", path,
	       tool_colour(stdout, verdicts[report->status].colour),
	       verdicts[report->status].word, tool_colour_end(stdout));
	switch (report->status) {
	case PM_CHECK_CLEAN:
	case PM_CHECK_REPAIRED:
		contents_print(report);
		break;
	case PM_CHECK_PENDING:
		printf(" No fault: the next open replays %" PRIu64
		       " log entr%s.\n", report->pending,
		       report->pending == 1 ? "y" : "ies");
		break;
	case PM_CHECK_REPAIRABLE:
		printf(" %s\n", report->message);
		printf("'pmheap check --repair %s' repairs it.\n", path);
		break;
	default:
		printf(" %" PRIu32 " fault%s; the first: %s\n", report->faults,
		       report->faults == 1 ? "" : "s", report->message);
	}
}

static int json_print(const char *path, const char *status,
		      const PmCheckReport *r, const struct repair *repair)
{
	const struct tool_row rows[] = {
		{ "", "file", TOOL_TEXT, 0, path },
		{ "", "status", TOOL_TEXT, 0, status },
		{ "", "message", TOOL_TEXT, 0, r->message },
		{ "", "faults", TOOL_COUNT, r->faults, NULL },
		{ "", "id", TOOL_ID, r->region_id, NULL },
		{ "", "layout", TOOL_TEXT, 0, r->layout },
		{ "", "size", TOOL_SIZE, r->size, NULL },
		{ "", "max_size", TOOL_SIZE, r->max_size, NULL },
		{ "", "objects", TOOL_COUNT, r->objects, NULL },
		{ "", "used", TOOL_SIZE, r->used_bytes, NULL },
		{ "", "heap", TOOL_SIZE, r->heap_bytes, NULL },
		{ "", "pending", TOOL_COUNT, r->pending, NULL },
		{ "", "extent_size", TOOL_SIZE, r->extent_size, NULL },
		{ "", "zones", TOOL_COUNT, r->zones, NULL },
		{ "", "lanes", TOOL_COUNT, r->lanes, NULL },
		{ "", "format", TOOL_COUNT, r->format, NULL },
	};

	json_t *o = tool_rows_json(rows, sizeof rows / sizeof rows[0]);

	if (repair->steps)
		json_object_set(o, "steps", repair->steps);
	if (*repair->kept)
		json_object_set_new(o, "kept", tool_json_string(repair->kept));
	return tool_json_print(o);
}

/* A pool that could not be judged at all. */
static int unreadable(const char *path, int err, bool json)
{
	PmCheckReport empty;

	if (json) {
		memset(&empty, 0, sizeof empty);
		snprintf(empty.message, sizeof empty.message, "%s",
			 pm_errormsg());
		json_print(path, "unreadable", &empty, &(struct repair){ 0 });
	}
	return tool_fail(err, pm_errormsg(), "cannot check '%s'", path);
}

/* Where the library's report has no sentence. */
static void message_set(PmCheckReport *report, const char *text)
{
	if (!*report->message)
		snprintf(report->message, sizeof report->message, "%s", text);
}

static int report_print(const char *path, PmCheckReport *report, bool json,
			const struct repair *repair)
{
	if (report->status == PM_CHECK_REPAIRABLE)
		message_set(report, "One of the two header copies is damaged, "
			    "the other is whole.");
	if (json)
		json_print(path, verdicts[report->status].key, report, repair);
	else
		verdict_print(path, report);
	/* The fault itself stands in the verdict. */
	if (report->status == PM_CHECK_DAMAGED)
		tool_advise("'%s' is damaged.\n%s", path, repair->tried ?
			    "Go back to a copy: 'pmheap restore BACKUP FILE'." :
			    tool_advice(EUCLEAN));
	return verdicts[report->status].code;
}

int cmd_check(const struct tool_args *args)
{
	const char *path = args->operand[0];
	bool json = tool_arg(args, "json");
	struct repair repair = { .quiet = json,
				 .without = tool_arg(args, "without") };
	PmCheckReport report;
	int err, code = TOOL_OK;

	memset(&report, 0, sizeof report);
	if (repair.without && !tool_arg(args, "repair"))
		return tool_usage("check", "--without goes with --repair");
	err = pm_check(path, 0, &report) ? errno : 0;
	if ((!err || err == EUCLEAN || (err == ENODEV && repair.without)) &&
	    tool_arg(args, "repair"))
		code = repair_run(&repair, path, !tool_arg(args, "no-backup"),
				  &err, &report);
	if (!code && err && err != EUCLEAN)
		code = unreadable(path, err, json);
	if (!code && err) {
		report.status = PM_CHECK_DAMAGED;
		message_set(&report, pm_errormsg());
	}
	if (!code)
		code = report_print(path, &report, json, &repair);
	json_decref(repair.steps);
	return code;
}
