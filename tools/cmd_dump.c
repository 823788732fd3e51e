/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/cmd_dump.c: pmheap dump, the bytes of objects.
 */
#include "inside/inside.h"
#include "tool.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <pmheap.h>
#include <stdlib.h>
#include <string.h>

#define LINE 16

struct dump {
	const struct pool *pool;
	struct pool_info info;
	bool	 json;
	bool	 by_type;
	uint64_t type;
	uint64_t want;		/* offset that is looked for; 0: all         */
	uint64_t n;		/* objects so far                            */
};

static void hex_line(const uint8_t *p, uint64_t at, uint64_t n)
{
	printf("  %08" PRIx64 " ", at);
	for (uint64_t i = 0; i < LINE; i++)
		if (i < n)
			printf("%s%02x", i % 8 ? " " : "  ", p[i]);
		else
			fputs(i % 8 ? "   " : "    ", stdout);
	fputs("  |", stdout);
	for (uint64_t i = 0; i < n; i++)
		putchar(isprint(p[i]) && p[i] < 0x80 ? p[i] : '.');
	puts("|");
}

/* Lines like the one before are left out, and shown by a star. */
static void hex_print(const uint8_t *p, uint64_t len)
{
	bool starred = false;

	for (uint64_t at = 0; at < len; at += LINE) {
		uint64_t n = len - at < LINE ? len - at : LINE;

		if (at && n == LINE && at + LINE < len &&
		    memcmp(p + at, p + at - LINE, LINE) == 0) {
			if (!starred)
				puts("  *");
			starred = true;
			continue;
		}
		starred = false;
		hex_line(p + at, at, n);
	}
}

static void text_print(const struct dump *d, const struct group *g,
		       uint64_t off, const uint8_t *bytes)
{
	char size[TOOL_SIZE_LEN];

	printf("%s%sobject %#" PRIx64 "%s: %s, type %" PRIu32 "%s\n",
	       d->n ? "\n" : "", tool_colour(stdout, TOOL_BOLD), off,
	       tool_colour_end(stdout), tool_size_text(g->slot, size), g->type,
	       off == d->info.root_off ? ", the root" : "");
	hex_print(bytes, g->slot);
}

/* Words that are pointers into the pool. */
static json_t *pointers_json(const struct dump *d, const uint8_t *bytes,
			     uint64_t len)
{
	json_t *all = json_array();

	for (uint64_t at = 0; at + 8 <= len; at += 8) {
		uint64_t word, to;

		memcpy(&word, bytes + at, 8);
		to = pool_pointer(d->pool, word);
		if (to)
			json_array_append_new(all, json_pack(
				"{sI sI}", "at", (json_int_t)at, "to",
				(json_int_t)to));
	}
	return all;
}

static int json_print(const struct dump *d, const struct group *g,
		      uint64_t off, const uint8_t *bytes)
{
	json_t *o = json_pack("{sI sI sI sb so so}", "offset", (json_int_t)off,
			      "size", (json_int_t)g->slot, "type",
			      (json_int_t)g->type, "root",
			      off == d->info.root_off, "pointers",
			      pointers_json(d, bytes, g->slot), "data",
			      tool_json_hex(bytes, g->slot));

	fputs(d->n ? ",\n  " : "\n  ", stdout);
	if (!o || json_dumpf(o, stdout, 0)) {
		json_decref(o);
		errno = ENOMEM;
		return -1;
	}
	json_decref(o);
	return 0;
}

static bool is_wanted(const struct dump *d, const struct group *g, uint64_t off)
{
	if (d->by_type && g->type != d->type)
		return false;
	return !d->want || (d->want >= off && d->want - off < g->slot);
}

static int group_dump(const struct group *g, void *arg)
{
	struct dump *d = arg;

	if (d->want && (d->want < g->off || d->want - g->off >= g->len))
		return 0;
	for (uint32_t i = 0; g->kind != GROUP_FREE && i < g->slots; i++) {
		uint64_t off = group_place(g, i);
		const uint8_t *bytes = pool_bytes(d->pool, off);

		if (!group_has(g, i) || !is_wanted(d, g, off))
			continue;
		if (d->json && json_print(d, g, off, bytes))
			return -1;
		if (!d->json)
			text_print(d, g, off, bytes);
		d->n++;
	}
	return 0;
}

/* "root", an offset, or an address as the program has it. */
static int object_read(struct dump *d, const char *text, const char *path)
{
	uint64_t to;
	char *end;

	if (strcmp(text, "root") == 0) {
		d->want = d->info.root_off;
		if (d->want)
			return TOOL_OK;
		return tool_fail(ENOENT, "no program has made one",
				 "'%s' has no root object", path);
	}
	errno = 0;
	d->want = strtoull(text, &end, 0);
	if (errno || *end || !isdigit((unsigned char)*text) || d->want == 0)
		return tool_usage("dump", "'%s' is neither an offset nor a "
				  "pointer nor root", text);
	to = pool_pointer(d->pool, d->want);
	if (to)
		d->want = to;
	return TOOL_OK;
}

static int run(struct dump *d, const char *path)
{
	if (pool_each(d->pool, group_dump, d) == 0)
		return TOOL_OK;
	return tool_fail(errno, errno == ENOMEM ? NULL : pm_errormsg(),
			 "cannot read '%s'", path);
}

static int objects_run(struct dump *d, const struct tool_args *args)
{
	int n = args->operand_n > 1 ? args->operand_n : 2, code = TOOL_OK;
	const char *path = args->operand[0];

	for (int i = 1; i < n && !code; i++) {
		const char *text = i < args->operand_n ? args->operand[i] :
							  "root";
		uint64_t before = d->n;

		code = object_read(d, text, path);
		if (!code)
			code = run(d, path);
		if (!code && d->n == before)
			code = tool_fail(ENOENT, "no live object is there",
					 "cannot show '%s'", text);
	}
	return code;
}

int cmd_dump(const struct tool_args *args)
{
	const char *path = args->operand[0];
	struct dump d = { .json = tool_arg(args, "json"),
			  .by_type = tool_arg(args, "type") };
	bool all = tool_arg(args, "all") || d.by_type;
	struct pool *pool;
	int code = tool_arg_number(args, "type", 0, PM_TYPE_MAX, &d.type);

	if (!code && all && args->operand_n > 1)
		code = tool_usage("dump", "'%s' and all are too much",
				  args->operand[1]);
	if (code)
		return code;
	if (pool_open(path, true, &pool))
		return tool_fail(errno, pm_errormsg(), "cannot read '%s'",
				 path);
	d.pool = pool;
	pool_look(pool, &d.info);
	if (d.json)
		fputs("{\"objects\": [", stdout);
	code = all ? run(&d, path) : objects_run(&d, args);
	if (all && !code && !d.n && !d.json)
		tool_advise(d.by_type ? "No live object has this type." :
					"No object is live.");
	if (d.json)
		puts("\n]}");
	pool_close(pool);
	return code;
}
