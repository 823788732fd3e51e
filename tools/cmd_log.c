/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/cmd_log.c: pmheap log, the entries that a pool's next opening would
 * look at, decoded.
 */
#include "inside/inside.h"
#include "tool.h"

#include <errno.h>
#include <pmheap.h>
#include <string.h>

const struct tool_column log_columns[] = {
	{ "sequence", "SEQUENCE", TOOL_COUNT, false, "number of the entry" },
	{ "lane", "LANE", TOOL_COUNT, false, "that it is in" },
	{ "position", "POSITION", TOOL_COUNT, true, "in the lane" },
	{ "bytes", "BYTES", TOOL_SIZE, false, "in the lane" },
	{ "spilled", "SPILLED", TOOL_SIZE, false, "bytes outside the lane" },
	{ "records", "RECORDS", TOOL_COUNT, false, "how many" },
	{ "record", "RECORD", TOOL_TEXT, true, "with --records: its kind" },
	{ "offset", "OFFSET", TOOL_OFFSET, true, "of what it changes" },
	{ "length", "LENGTH", TOOL_SIZE, true, "of what it changes, in bytes" },
	{ "detail", "DETAIL", TOOL_TEXT, true, "what else it says" },
	{ NULL, NULL, TOOL_TEXT, false, NULL },
};

struct log_show {
	struct tool_table *table;
	bool	 each;		/* a line for each record */
	bool	 some;
	struct log_entry entry;
	json_t	*entries, *records;
};

static void entry_cells(struct log_show *s)
{
	const struct log_entry *e = &s->entry;

	tool_table_row(s->table);
	tool_cell(s->table, "sequence", e->sequence);
	tool_cell(s->table, "lane", e->lane);
	tool_cell(s->table, "position", e->position);
	tool_cell(s->table, "bytes", e->bytes);
	tool_cell(s->table, "spilled", e->spilled);
	tool_cell(s->table, "records", e->records);
}

static int entry_show(const struct log_entry *e, void *arg)
{
	struct log_show *s = arg;

	s->entry = *e;
	s->some = true;
	if (!s->each)
		entry_cells(s);
	return 0;
}

static int record_show(const struct log_record *r, void *arg)
{
	struct log_show *s = arg;

	if (!s->each)
		return 0;
	entry_cells(s);
	tool_cell_text(s->table, "record", r->name);
	if (r->off) {
		tool_cell(s->table, "offset", r->off);
		tool_cell(s->table, "length", r->len);
	}
	tool_cell_text(s->table, "detail", r->detail);
	return 0;
}

static int entry_json(const struct log_entry *e, void *arg)
{
	struct log_show *s = arg;

	s->records = json_array();
	return json_array_append_new(s->entries, json_pack(
		"{sI si sI sI sI so}", "sequence", (json_int_t)e->sequence,
		"lane", (int)e->lane, "position", (json_int_t)e->position,
		"bytes", (json_int_t)e->bytes, "spilled",
		(json_int_t)e->spilled, "records", s->records));
}

static int record_json(const struct log_record *r, void *arg)
{
	struct log_show *s = arg;
	json_t *o = json_pack("{ss}", "record", r->name);

	if (r->off)
		json_object_update_missing_new(o, json_pack(
			"{sI sI}", "offset", (json_int_t)r->off, "length",
			(json_int_t)r->len));
	if (*r->detail)
		json_object_set_new(o, "detail", tool_json_string(r->detail));
	if (r->data)
		json_object_set_new(o, "data", tool_json_hex(r->data, r->len));
	return json_array_append_new(s->records, o);
}

static int json_show(struct live *l, const char *path)
{
	struct log_show s = { .entries = json_array() };

	if (live_log(l, entry_json, record_json, &s)) {
		json_decref(s.entries);
		return tool_fail(errno, pm_errormsg(), "cannot read '%s'",
				 path);
	}
	return tool_json_print(json_pack("{so so}", "file",
					 tool_json_string(path), "entries",
					 s.entries));
}

static int table_show(struct live *l, const struct tool_args *args)
{
	struct log_show s = { .each = tool_arg(args, "records") };

	s.table = tool_table_new(args, "entries", s.each ?
				 "sequence,record,offset,length,detail" : NULL);
	if (!s.table)
		return TOOL_USAGE;
	if (live_log(l, entry_show, record_show, &s)) {
		tool_table_free(s.table);
		return tool_fail(errno, pm_errormsg(), "cannot read '%s'",
				 args->operand[0]);
	}
	if (!s.some)
		tool_advise("No log entry stands above the watermark.");
	return tool_table_print(s.table);
}

int cmd_log(const struct tool_args *args)
{
	const char *path = args->operand[0];
	struct live *l;
	int code;

	if (live_open(path, &l))
		return tool_fail(errno, pm_errormsg(), "cannot read '%s'",
				 path);
	code = tool_arg(args, "json") ? json_show(l, path) :
					table_show(l, args);
	live_close(l);
	return code;
}
