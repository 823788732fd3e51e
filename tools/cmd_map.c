/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/cmd_map.c: pmheap map, the extents of a pool and how full they are.
 */
#include "map.h"

#include <errno.h>
#include <inttypes.h>
#include <langinfo.h>
#include <pmheap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_MIN 16
#define WIDTH_MAX 1024
#define LABEL 14	/* what stands left of the cells */

double map_fill(const struct group *g)
{
	return (double)g->used * (double)g->slot / (double)g->len;
}

void map_text(const struct group *g, char *buf, size_t len)
{
	char size[TOOL_SIZE_LEN];

	tool_size_text(g->slot, size);
	if (g->kind == GROUP_FREE)
		snprintf(buf, len, "free");
	else if (g->kind == GROUP_RUN)
		snprintf(buf, len, "object of %s of type %" PRIu32, size,
			 g->type);
	else
		snprintf(buf, len, "slab of %s objects of type %" PRIu32
			 ": %" PRIu32 " of %" PRIu32 " used", size, g->type,
			 g->used, g->slots);
}

static int collect(const struct group *g, void *arg)
{
	struct map *map = arg;

	if (map->n == map->cap) {
		size_t cap = map->cap ? 2 * map->cap : 256;
		struct group *p = realloc(map->groups, cap * sizeof *p);

		if (!p) {
			errno = ENOMEM;
			return -1;
		}
		map->groups = p;
		map->cap = cap;
	}
	map->groups[map->n] = *g;
	map->groups[map->n++].bits = NULL;
	return 0;
}

static json_t *group_json(const struct group *g)
{
	static const char *const kinds[] = { "free", "slab", "run" };
	json_t *o = json_pack("{sI sI sI ss}", "extent", (json_int_t)g->ext,
			      "extents", (json_int_t)g->n_ext, "offset",
			      (json_int_t)g->off, "kind", kinds[g->kind]);

	if (g->kind != GROUP_FREE)
		json_object_update_missing_new(o, json_pack(
			"{sI sI si si}", "type", (json_int_t)g->type, "size",
			(json_int_t)g->slot, "places", (int)g->slots, "used",
			(int)g->used));
	return o;
}

static int map_json(const struct map *map)
{
	json_t *zones = json_array();

	for (uint32_t z = 0; z < map->info.zones; z++) {
		json_t *groups = json_array();

		for (size_t i = 0; i < map->n; i++)
			if (map->groups[i].zone == z)
				json_array_append_new(groups, group_json(
					&map->groups[i]));
		json_array_append_new(zones, json_pack("{si so}", "zone",
						       (int)z, "groups",
						       groups));
	}
	return tool_json_print(json_pack(
		"{so sI sI so}", "file", tool_json_string(map->path), "size",
		(json_int_t)map->info.size, "extent_size",
		(json_int_t)map->info.extent_size, "zones", zones));
}

static unsigned width_here(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
	    size.ws_col >= WIDTH_MIN + LABEL && size.ws_col < WIDTH_MAX)
		return size.ws_col - LABEL;
	return 64;
}

static int map_svg(const struct map *map, const char *name)
{
	FILE *out = strcmp(name, "-") ? fopen(name, "we") : stdout;
	int err, failed;

	if (!out)
		return tool_fail(errno, NULL, "cannot write '%s'", name);
	failed = map_svg_print(map, out);
	err = errno;
	if (out != stdout && fclose(out)) {
		failed = -1;
		err = errno;
	}
	return failed ? tool_fail(err, NULL, "cannot write '%s'", name) :
			TOOL_OK;
}

static int draw(const struct map *map, const struct tool_args *args,
		uint64_t width)
{
	const char *svg = tool_arg(args, "svg");

	if (tool_arg(args, "json"))
		return map_json(map);
	if (svg)
		return map_svg(map, svg);
	return map_term_print(map, (unsigned)width, tool_arg(args, "ascii") ||
			      strcmp(nl_langinfo(CODESET), "UTF-8") != 0);
}

int cmd_map(const struct tool_args *args)
{
	struct map map = { .path = args->operand[0] };
	uint64_t width = width_here();
	struct pool *pool;
	int code = tool_arg_number(args, "width", WIDTH_MIN, WIDTH_MAX, &width);

	if (code)
		return code;
	if (pool_open(map.path, false, &pool))
		return tool_fail(errno, pm_errormsg(), "cannot read '%s'",
				 map.path);
	pool_look(pool, &map.info);
	if (pool_each(pool, collect, &map))
		code = tool_fail(errno, errno == ENOMEM ? NULL : pm_errormsg(),
				 "cannot read '%s'", map.path);
	if (!code)
		code = draw(&map, args, width);
	pool_close(pool);
	free(map.groups);
	return code;
}
