/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/cmd_stat.c: pmheap stat, what a pool holds at this moment, also while a
 * process works in it: nothing is locked, and nothing written.
 */
#include "inside/inside.h"
#include "tool.h"

#include <errno.h>
#include <pmheap.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#define SECONDS_MAX 86400

const struct tool_column stat_columns[] = {
	{ "time", "TIME", TOOL_TEXT, false, "of day" },
	{ "commits", "COMMITS/S", TOOL_COUNT, false,
	  "transactions committed, in a second" },
	{ "logged", "LOGGED/S", TOOL_SIZE, false,
	  "bytes appended to the log, in a second" },
	{ "checkpoints", "CHECKPOINTS/S", TOOL_COUNT, false,
	  "checkpoints, in a second" },
	{ "pending", "PENDING", TOOL_COUNT, false,
	  "log entries above the watermark" },
	{ "log", "LOG", TOOL_SIZE, false, "bytes that they take" },
	{ "objects", "OBJECTS", TOOL_COUNT, false, "live objects" },
	{ "used", "USED", TOOL_SIZE, false, "bytes of live objects" },
	{ "held", "HELD", TOOL_SIZE, false, "bytes of extents in use" },
	{ "size", "SIZE", TOOL_SIZE, false, "bytes of the pool" },
	{ "sequence", "SEQUENCE", TOOL_COUNT, true,
	  "number of the last transaction" },
	{ NULL, NULL, TOOL_TEXT, false, NULL },
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

static void state_text(const struct live *l, const struct live_info *info,
		       char *buf, size_t len)
{
	bool writes;
	long pid = live_holder(l, &writes);

	if (pid > 0)
		snprintf(buf, len, "%s by process %ld",
			 writes ? "written" : "read", pid);
	else if (info->closed)
		snprintf(buf, len, "closed");
	else
		snprintf(buf, len, "not closed, and in use by no process "
			 "that is known");
}

static int once_print(const struct live *l, const char *path,
		      const struct live_info *s, bool json)
{
	char state[80];
	const struct tool_row rows[] = {
		{ "file", "file", TOOL_TEXT, 0, path },
		{ "state", "state", TOOL_TEXT, 0, state },
		{ "id", "id", TOOL_ID, s->id, NULL },
		{ "layout", "layout", TOOL_TEXT, 0, s->layout },
		{ "size", "size", TOOL_SIZE, s->size, NULL },
		{ "max size", "max_size", TOOL_SIZE, s->max_size, NULL },
		{ "heap", "heap", TOOL_SIZE, s->heap_bytes, NULL },
		{ "held by extents", "held", TOOL_SIZE, s->held_bytes, NULL },
		{ "used by objects", "used", TOOL_SIZE, s->used_bytes, NULL },
		{ "objects", "objects", TOOL_COUNT, s->objects, NULL },
		{ "zones", "zones", TOOL_COUNT, s->zones, NULL },
		{ "number of the last", "sequence", TOOL_COUNT, s->sequence,
		  NULL },
		{ "watermark", "watermark", TOOL_COUNT, s->watermark, NULL },
		{ "log entries above it", "pending", TOOL_COUNT, s->pending,
		  NULL },
		{ "log in use", "log", TOOL_SIZE, s->log_bytes, NULL },
		{ "log", "log_size", TOOL_SIZE, s->lanes * s->lane_size, NULL },
		{ "logged so far", "logged", TOOL_SIZE, s->logged, NULL },
		{ "checkpoints so far", "checkpoints", TOOL_COUNT,
		  s->checkpoints, NULL },
	};

	state_text(l, s, state, sizeof state);
	return tool_rows_print(rows, sizeof rows / sizeof rows[0], json);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t per_second(uint64_t before, uint64_t now, double s)
{
	return now > before ? (uint64_t)((double)(now - before) / s + 0.5) : 0;
}

/* One sample: a number for each column but the first. */
static void sample_fill(const struct live_info *before,
			const struct live_info *now, double s, uint64_t *out)
{
	uint64_t commits = now->sequence - before->sequence;

	/* Numbers jump where a pool was recovered. */
	out[1] = commits >> 32 ? 0 : per_second(0, commits, s);
	out[2] = per_second(before->logged, now->logged, s);
	out[3] = per_second(before->checkpoints, now->checkpoints, s);
	out[4] = now->pending;
	out[5] = now->log_bytes;
	out[6] = now->objects;
	out[7] = now->used_bytes;
	out[8] = now->held_bytes;
	out[9] = now->size;
	out[10] = now->sequence;
}

/* One object a line: a reader need not wait for the end. */
static int sample_json(const char *time, const uint64_t *numbers)
{
	json_t *o = json_pack("{ss}", "time", time);

	for (int i = 1; stat_columns[i].name; i++)
		json_object_set_new(o, stat_columns[i].name,
				    json_integer((json_int_t)numbers[i]));
	json_dumpf(o, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(o);
	return TOOL_OK;
}

static int sample_print(const struct tool_args *args, bool first,
			const char *time, const uint64_t *numbers)
{
	struct tool_table *t = tool_table_new(args, "samples", NULL);

	if (!t)
		return TOOL_USAGE;
	tool_table_continue(t, first);
	tool_table_row(t);
	tool_cell_text(t, "time", time);
	for (int i = 1; stat_columns[i].name; i++)
		tool_cell(t, stat_columns[i].name, numbers[i]);
	return tool_table_print(t);
}

static int look(struct live *l, const char *path, struct live_info *out)
{
	if (live_look(l, out) == 0)
		return TOOL_OK;
	return tool_fail(errno, pm_errormsg(), "cannot read '%s'", path);
}

static int watch(const struct tool_args *args, struct live *l, uint64_t every,
		 uint64_t count)
{
	struct sigaction act = { .sa_handler = on_interrupt };
	const char *path = args->operand[0];
	struct live_info before, now;
	double from = seconds(), to;
	uint64_t numbers[11];
	int code = look(l, path, &before);
	char text[16];
	time_t at;

	sigaction(SIGINT, &act, NULL);
	for (uint64_t i = 0; !code && i < count; i++) {
		struct timespec wait = { (time_t)every, 0 };

		if (nanosleep(&wait, NULL) && interrupted)
			break;
		code = look(l, path, &now);
		if (code)
			break;
		to = seconds();
		at = time(NULL);
		strftime(text, sizeof text, "%H:%M:%S", localtime(&at));
		sample_fill(&before, &now, to - from, numbers);
		code = tool_arg(args, "json") ? sample_json(text, numbers) :
		       sample_print(args, i == 0, text, numbers);
		if (fflush(stdout))
			break;
		before = now;
		from = to;
	}
	return code;
}

/* What only lines of samples have. */
static int without_watch(const struct tool_args *args)
{
	static const char *const names[] = { "interval", "count", "output",
					     "raw", "noheadings" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (tool_arg(args, names[i]))
			return tool_usage("stat", "--%s goes with --watch",
					  names[i]);
	return TOOL_OK;
}

int cmd_stat(const struct tool_args *args)
{
	const char *path = args->operand[0];
	uint64_t every = 1, count = UINT64_MAX;
	struct live_info info;
	struct live *l;
	int code;

	code = tool_arg_number(args, "interval", 1, SECONDS_MAX, &every);
	if (!code)
		code = tool_arg_number(args, "count", 1, UINT64_MAX, &count);
	if (!code && !tool_arg(args, "watch"))
		code = without_watch(args);
	if (code)
		return code;
	if (live_open(path, &l))
		return tool_fail(errno, pm_errormsg(), "cannot read '%s'",
				 path);
	if (tool_arg(args, "watch")) {
		code = watch(args, l, every, count);
	} else {
		code = look(l, path, &info);
		if (!code)
			code = once_print(l, path, &info,
					  tool_arg(args, "json"));
	}
	live_close(l);
	return code;
}
