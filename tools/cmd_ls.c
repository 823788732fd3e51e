/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/cmd_ls.c: pmheap ls, the objects of a pool by type and size, or each.
 */
#include "inside/inside.h"
#include "tool.h"

#include <errno.h>
#include <pmheap.h>
#include <stdlib.h>
#include <string.h>

const struct tool_column ls_columns[] = {
	{ "type", "TYPE", TOOL_COUNT, false, "type number" },
	{ "kind", "KIND", TOOL_TEXT, false,
	  "slab: many of one size; run: whole extents" },
	{ "size", "SIZE", TOOL_SIZE, false, "bytes of an object's place" },
	{ "objects", "OBJECTS", TOOL_COUNT, false, "how many live" },
	{ "used", "USED", TOOL_SIZE, false, "bytes that they take" },
	{ "held", "HELD", TOOL_SIZE, false, "bytes of their extents" },
	{ "fill", "FILL%", TOOL_REAL, false, "used of held" },
	{ "slabs", "SLABS", TOOL_COUNT, true, "or runs" },
	{ "offset", "OFFSET", TOOL_OFFSET, true,
	  "of an object, with --objects" },
	{ "pointer", "POINTER", TOOL_OFFSET, true,
	  "its address where the pool is the primary" },
	{ "root", "ROOT", TOOL_TEXT, true, "is it the root?" },
	{ NULL, NULL, TOOL_TEXT, false, NULL },
};

struct row {
	uint32_t type;
	enum group_kind kind;
	uint64_t size, objects, held, slabs;
};

struct ls {
	struct tool_table *table;
	struct pool_info info;
	bool	 one_type;
	uint64_t type;
	struct row *rows;
	size_t	 n, cap;
};

static const char *kind_text(enum group_kind kind)
{
	return kind == GROUP_RUN ? "run" : "slab";
}

static struct row *row_find(struct ls *ls, const struct group *g)
{
	struct row *row;

	for (size_t i = ls->n; i-- > 0; ) {
		row = &ls->rows[i];
		if (row->type == g->type && row->kind == g->kind &&
		    row->size == g->slot)
			return row;
	}
	if (ls->n == ls->cap) {
		ls->cap = ls->cap ? 2 * ls->cap : 64;
		row = realloc(ls->rows, ls->cap * sizeof *row);
		if (!row)
			return NULL;
		ls->rows = row;
	}
	row = &ls->rows[ls->n++];
	*row = (struct row){ .type = g->type, .kind = g->kind,
			     .size = g->slot };
	return row;
}

static bool wanted(const struct ls *ls, const struct group *g)
{
	return g->kind != GROUP_FREE && (!ls->one_type || g->type == ls->type);
}

static int group_add(const struct group *g, void *arg)
{
	struct ls *ls = arg;
	struct row *row;

	if (!wanted(ls, g))
		return 0;
	row = row_find(ls, g);
	if (!row) {
		errno = ENOMEM;
		return -1;
	}
	row->objects += g->used;
	row->held += g->len;
	row->slabs++;
	return 0;
}

static int row_compare(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	return x->size < y->size ? -1 : x->size > y->size;
}

static void rows_show(struct ls *ls)
{
	if (ls->n)
		qsort(ls->rows, ls->n, sizeof *ls->rows, row_compare);
	for (size_t i = 0; i < ls->n; i++) {
		const struct row *row = &ls->rows[i];
		uint64_t used = row->objects * row->size;

		tool_table_row(ls->table);
		tool_cell(ls->table, "type", row->type);
		tool_cell_text(ls->table, "kind", kind_text(row->kind));
		tool_cell(ls->table, "size", row->size);
		tool_cell(ls->table, "objects", row->objects);
		tool_cell(ls->table, "used", used);
		tool_cell(ls->table, "held", row->held);
		tool_cell_real(ls->table, "fill",
			       (double)used * 100 / (double)row->held);
		tool_cell(ls->table, "slabs", row->slabs);
	}
}

static int objects_show(const struct group *g, void *arg)
{
	struct ls *ls = arg;

	for (uint32_t i = 0; wanted(ls, g) && i < g->slots; i++) {
		uint64_t off = group_place(g, i);

		if (!group_has(g, i))
			continue;
		tool_table_row(ls->table);
		tool_cell(ls->table, "type", g->type);
		tool_cell_text(ls->table, "kind", kind_text(g->kind));
		tool_cell(ls->table, "size", g->slot);
		tool_cell(ls->table, "offset", off);
		tool_cell(ls->table, "pointer", ls->info.address + off);
		tool_cell_text(ls->table, "root",
			       off == ls->info.root_off ? "root" : "");
	}
	return 0;
}

static int show(struct ls *ls, const struct tool_args *args,
		struct pool *pool)
{
	bool objects = tool_arg(args, "objects");
	const char *path = args->operand[0];

	pool_look(pool, &ls->info);
	ls->table = tool_table_new(args, objects ? "objects" : "classes",
				   objects ? "offset,pointer,size,type,root" :
					     NULL);
	if (!ls->table)
		return TOOL_USAGE;
	if (pool_each(pool, objects ? objects_show : group_add, ls)) {
		tool_table_free(ls->table);
		return tool_fail(errno, errno == ENOMEM ? NULL : pm_errormsg(),
				 "cannot read '%s'", path);
	}
	rows_show(ls);
	return tool_table_print(ls->table);
}

int cmd_ls(const struct tool_args *args)
{
	const char *path = args->operand[0];
	struct ls ls = { .one_type = tool_arg(args, "type") };
	struct pool *pool;
	int code = tool_arg_number(args, "type", 0, PM_TYPE_MAX, &ls.type);

	if (code)
		return code;
	if (pool_open(path, false, &pool))
		return tool_fail(errno, pm_errormsg(), "cannot read '%s'",
				 path);
	code = show(&ls, args, pool);
	free(ls.rows);
	pool_close(pool);
	return code;
}
