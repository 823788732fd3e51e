/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/table.c: tables, by libsmartcols.
 */
#include "tool.h"

#include <errno.h>
#include <inttypes.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 24
#define WIDTH 9		/* of a column in a table that goes on and on */

struct tool_table {
	struct libscols_table *t;
	struct libscols_line *line;
	const struct tool_column *columns;
	int	 place[COLUMNS_MAX];	/* -1: not shown                     */
	int	 shown;
	bool	 bytes;			/* sizes as plain numbers            */
	bool	 json;
	bool	 failed;		/* no memory                         */
};

static int column_find(const struct tool_column *columns, const char *name,
		       size_t len)
{
	for (int i = 0; columns[i].name; i++)
		if (strncmp(columns[i].name, name, len) == 0 &&
		    columns[i].name[len] == '\0')
			return i;
	return -1;
}

static int column_add(struct tool_table *table, int i)
{
	const struct tool_column *c = &table->columns[i];
	struct libscols_column *column;

	if (table->place[i] >= 0)
		return TOOL_OK;
	column = scols_table_new_column(table->t, table->json ? c->name :
					c->heading, 0, c->kind == TOOL_TEXT ||
					c->kind == TOOL_ID ? 0 :
					SCOLS_FL_RIGHT);
	if (!column)
		return tool_fail(ENOMEM, NULL, "cannot make a table");
	scols_column_set_json_type(column, c->kind == TOOL_TEXT ||
				   c->kind == TOOL_ID ? SCOLS_JSON_STRING :
				   SCOLS_JSON_NUMBER);
	table->place[i] = table->shown++;
	return TOOL_OK;
}

static int columns_add(struct tool_table *table, const char *verb,
		       const char *list)
{
	int code = TOOL_OK;

	while (*list && !code) {
		size_t len = strcspn(list, ",");
		int i = column_find(table->columns, list, len);

		if (i < 0)
			return tool_usage(verb, "it has no column '%.*s'",
					  (int)len, list);
		code = column_add(table, i);
		list += len + (list[len] == ',');
	}
	return code;
}

/* -o a,b: these; +a: these besides the usual ones. */
static int columns_choose(struct tool_table *table, const char *verb,
			  const char *usual, const char *list)
{
	bool more = list && *list == '+';
	int code = TOOL_OK;

	for (int i = 0; table->columns[i].name && !code; i++)
		if ((!list || more) && !usual && !table->columns[i].extra)
			code = column_add(table, i);
	if ((!list || more) && usual)
		code = columns_add(table, verb, usual);
	if (list && !code)
		code = columns_add(table, verb, list + more);
	if (!code && !table->shown)
		return tool_usage(verb, "--output names no column");
	return code;
}

void tool_table_free(struct tool_table *table)
{
	scols_unref_table(table->t);
	free(table);
}

struct tool_table *tool_table_new(const struct tool_args *args,
				  const char *name, const char *usual)
{
	struct tool_table *table = calloc(1, sizeof *table);

	if (table)
		table->t = scols_new_table();
	if (!table || !table->t) {
		free(table);
		tool_fail(ENOMEM, NULL, "cannot make a table");
		return NULL;
	}
	table->columns = args->verb->columns;
	table->json = tool_arg(args, "json") != NULL;
	table->bytes = table->json || tool_arg(args, "bytes");
	memset(table->place, -1, sizeof table->place);
	scols_table_set_name(table->t, name);
	scols_table_enable_json(table->t, table->json);
	scols_table_enable_raw(table->t, !table->json && tool_arg(args, "raw"));
	scols_table_enable_noheadings(table->t,
				      tool_arg(args, "noheadings") != NULL);
	scols_table_enable_colors(table->t,
				  *tool_colour(stdout, TOOL_BOLD) != '\0');
	if (columns_choose(table, args->verb->name, usual,
			   tool_arg(args, "output"))) {
		tool_table_free(table);
		return NULL;
	}
	return table;
}

void tool_table_continue(struct tool_table *table, bool first)
{
	struct libscols_iter *i = scols_new_iter(SCOLS_ITER_FORWARD);
	struct libscols_column *column;

	while (i && scols_table_next_column(table->t, i, &column) == 0)
		scols_column_set_whint(column, WIDTH);
	scols_free_iter(i);
	scols_table_set_termwidth(table->t, COLUMNS_MAX * 4 * WIDTH);
	if (!first)
		scols_table_enable_noheadings(table->t, 1);
}

void tool_table_row(struct tool_table *table)
{
	table->line = scols_table_new_line(table->t, NULL);
	table->failed |= !table->line;
}

static int place_of(const struct tool_table *table, const char *column,
		    enum tool_kind *kind)
{
	int i = column_find(table->columns, column, strlen(column));

	if (i < 0 || !table->line)
		return -1;
	*kind = table->columns[i].kind;
	return table->place[i];
}

void tool_cell_text(struct tool_table *table, const char *column,
		    const char *text)
{
	enum tool_kind kind;
	int place = place_of(table, column, &kind);

	if (place >= 0 && scols_line_set_data(table->line, (size_t)place, text))
		table->failed = true;
}

void tool_cell(struct tool_table *table, const char *column, uint64_t number)
{
	char text[TOOL_SIZE_LEN];
	enum tool_kind kind;

	if (place_of(table, column, &kind) < 0)
		return;
	if (kind == TOOL_SIZE && !table->bytes)
		tool_size_text(number, text);
	else if (kind == TOOL_ID)
		snprintf(text, sizeof text, "%016" PRIx64, number);
	else if (kind == TOOL_OFFSET && !table->json)
		snprintf(text, sizeof text, "%#" PRIx64, number);
	else
		snprintf(text, sizeof text, "%" PRIu64, number);
	tool_cell_text(table, column, text);
}

void tool_cell_real(struct tool_table *table, const char *column, double number)
{
	char text[64];

	snprintf(text, sizeof text, "%.1f", number);
	tool_cell_text(table, column, text);
}

void tool_cell_colour(struct tool_table *table, const char *column,
		      enum tool_colour colour)
{
	enum tool_kind kind;
	int place = place_of(table, column, &kind);
	struct libscols_cell *cell = place < 0 ? NULL :
		scols_line_get_cell(table->line, (size_t)place);

	if (cell)
		scols_cell_set_color(cell, tool_colour(stdout, colour));
}

int tool_table_print(struct tool_table *table)
{
	bool failed = table->failed || scols_print_table(table->t);
	bool empty = scols_table_get_nlines(table->t) == 0;

	/* The library prints nothing of a table without lines. */
	if (!failed && empty && table->json)
		printf("{\"%s\": []}\n", scols_table_get_name(table->t));
	tool_table_free(table);
	return failed ? tool_fail(ENOMEM, NULL, "cannot print the table") :
			TOOL_OK;
}

static void row_text(const struct tool_row *row, char *buf, size_t len)
{
	char size[TOOL_SIZE_LEN];

	if (row->kind == TOOL_TEXT)
		snprintf(buf, len, "%s", *row->text ? row->text : "-");
	else if (row->kind == TOOL_ID)
		snprintf(buf, len, "%016" PRIx64, row->number);
	else if (row->kind == TOOL_OFFSET)
		snprintf(buf, len, "%#" PRIx64, row->number);
	else if (row->kind == TOOL_SIZE && row->number >= 1024)
		snprintf(buf, len, "%s (%" PRIu64 " bytes)",
			 tool_size_text(row->number, size), row->number);
	else
		snprintf(buf, len, "%" PRIu64 "%s", row->number,
			 row->kind == TOOL_SIZE ? " bytes" : "");
}

json_t *tool_rows_json(const struct tool_row *rows, size_t row_n)
{
	json_t *o = json_object();

	for (size_t i = 0; i < row_n; i++)
		json_object_set_new(o, rows[i].key,
				    tool_json_value(rows[i].kind,
						    rows[i].number,
						    rows[i].text));
	return o;
}

int tool_rows_print(const struct tool_row *rows, size_t row_n, bool json)
{
	struct libscols_table *t = json ? NULL : scols_new_table();
	bool failed = !t;

	if (json)
		return tool_json_print(tool_rows_json(rows, row_n));
	scols_table_enable_noheadings(t, 1);
	scols_table_set_column_separator(t, "  ");
	scols_table_enable_colors(t, *tool_colour(stdout, TOOL_BOLD) != '\0');
	failed |= !scols_table_new_column(t, "", 0, 0);
	failed |= !scols_table_new_column(t, "", 0, 0);
	for (size_t i = 0; i < row_n && !failed; i++) {
		struct libscols_line *line = scols_table_new_line(t, NULL);
		char text[8192];

		row_text(&rows[i], text, sizeof text);
		failed = !line || scols_line_set_data(line, 0, rows[i].label) ||
			 scols_line_set_data(line, 1, text);
		if (!failed)
			scols_cell_set_color(scols_line_get_cell(line, 0),
					     tool_colour(stdout, TOOL_BOLD));
	}
	failed = failed || scols_print_table(t);
	scols_unref_table(t);
	return failed ? tool_fail(ENOMEM, NULL, "cannot print the table") :
			TOOL_OK;
}
