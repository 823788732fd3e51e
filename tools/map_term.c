/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/map_term.c: the map of a pool in characters. A cell is one extent, or
 * as many as make a zone fit a screen; then it shows their mean.
 */
#include "map.h"

#include <inttypes.h>

#define LINES_MAX 32	/* of a zone */
#define LEVELS 5

/* Free, and four levels of fill; large objects; half of a cell and more. */
static const char *const shades[2][LEVELS] = {
	{ ".", "-", "+", "*", "#" },
	{ "·", "░", "▒", "▓", "█" },
};
static const char *const runs[2] = { "@", "■" };

struct cell {
	double	 fill;		/* sum over its extents                      */
	uint64_t n, used_n, run_n;
};

struct zone_map {
	const struct map *map;
	uint32_t zone;
	uint64_t n_ext, first, free_n;
	uint64_t per_cell;
};

static void zone_measure(struct zone_map *z, unsigned width)
{
	bool seen = false;

	for (size_t i = 0; i < z->map->n; i++) {
		const struct group *g = &z->map->groups[i];

		if (g->zone != z->zone)
			continue;
		if (!seen)
			z->first = g->off;
		seen = true;
		z->n_ext += g->n_ext;
		if (g->kind == GROUP_FREE)
			z->free_n += g->n_ext;
	}
	z->per_cell = (z->n_ext + (uint64_t)width * LINES_MAX - 1) /
		      ((uint64_t)width * LINES_MAX);
	if (z->per_cell == 0)
		z->per_cell = 1;
}

/* The groups come in order, so the next cell begins where the last ended. */
static struct cell cell_next(const struct zone_map *z, size_t *group,
			     uint64_t ext)
{
	uint64_t end = ext + z->per_cell;
	struct cell c = { 0 };

	if (end > z->n_ext)
		end = z->n_ext;
	c.n = end - ext;
	while (ext < end) {
		const struct group *g = &z->map->groups[*group];
		uint64_t to = g->ext + g->n_ext;
		uint64_t n = (to < end ? to : end) - ext;

		if (g->zone == z->zone) {
			c.fill += map_fill(g) * (double)n;
			c.used_n += g->kind == GROUP_FREE ? 0 : n;
			c.run_n += g->kind == GROUP_RUN ? n : 0;
			ext += n;
		}
		if (g->zone != z->zone || ext == to)
			++*group;
	}
	return c;
}

static int level_of(const struct cell *c)
{
	double mean = c->fill / (double)c->n;
	int level = 1 + (int)(mean * 4);

	if (c->used_n == 0)
		return 0;
	return level < LEVELS ? level : LEVELS - 1;
}

static void cell_print(const struct cell *c, bool ascii)
{
	static const enum tool_colour colours[LEVELS] = {
		TOOL_DIM, TOOL_GREEN, TOOL_GREEN, TOOL_YELLOW, TOOL_RED,
	};
	bool run = 2 * c->run_n > c->n;
	int level = level_of(c);

	printf("%s%s%s", tool_colour(stdout, run ? TOOL_BOLD : colours[level]),
	       run ? runs[!ascii] : shades[!ascii][level],
	       tool_colour_end(stdout));
}

static void zone_print(struct zone_map *z, unsigned width, bool ascii)
{
	char size[TOOL_SIZE_LEN];
	uint64_t ext, extent_size = z->map->info.extent_size;
	size_t group = 0;
	unsigned at = 0;

	zone_measure(z, width);
	tool_size_text(extent_size, size);
	printf("zone %" PRIu32 ": %" PRIu64 " extents of %s, %" PRIu64
	       " free", z->zone, z->n_ext, size, z->free_n);
	if (z->per_cell > 1)
		printf("; a character is %" PRIu64 " extents", z->per_cell);
	putchar('\n');
	for (ext = 0; ext < z->n_ext; ext += z->per_cell) {
		struct cell c = cell_next(z, &group, ext);

		if (at == 0)
			printf("%12" PRIx64 "  ", z->first + ext * extent_size);
		cell_print(&c, ascii);
		if (++at == width) {
			putchar('\n');
			at = 0;
		}
	}
	if (at)
		putchar('\n');
}

int map_term_print(const struct map *map, unsigned width, bool ascii)
{
	for (uint32_t i = 0; i < map->info.zones; i++) {
		struct zone_map z = { .map = map, .zone = i };

		zone_print(&z, width, ascii);
	}
	printf("%s free", shades[!ascii][0]);
	for (int i = 1; i < LEVELS; i++)
		printf("   %s %s %d %%", shades[!ascii][i],
		       i == LEVELS - 1 ? "over" : "under",
		       i == LEVELS - 1 ? 75 : i * 25);
	printf("   %s large object\n", runs[!ascii]);
	return TOOL_OK;
}
