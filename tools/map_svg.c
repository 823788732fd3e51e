/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/map_svg.c: the map of a pool as a picture. Groups of extents are boxes
 * whose colour says how full they are; a pointer over one shows what it is.
 */
#include "map.h"

#include <inttypes.h>

#define COLUMNS 64
#define CELL 12		/* pixels */
#define HEAD 28

static void text_escape(FILE *out, const char *s)
{
	for (; *s; s++)
		if (*s == '<')
			fputs("&lt;", out);
		else if (*s == '&')
			fputs("&amp;", out);
		else if ((unsigned char)*s >= 0x20)
			fputc(*s, out);
}

/* From green over yellow to red; free places are grey, large objects blue. */
static void colour_print(FILE *out, const struct group *g)
{
	double fill = map_fill(g);
	int red = fill < 0.5 ? 60 + (int)(fill * 2 * 180) : 240;
	int green = fill < 0.5 ? 190 : 190 - (int)((fill - 0.5) * 2 * 130);

	if (g->kind == GROUP_FREE)
		fputs("#e4e4e4", out);
	else if (g->kind == GROUP_RUN)
		fputs("#4a78c8", out);
	else
		fprintf(out, "#%02x%02x46", red, green);
}

/* A group is cut where a line ends. */
static void group_print(FILE *out, const struct group *g, uint64_t top)
{
	uint64_t ext = g->ext, end = g->ext + g->n_ext;
	char text[128];

	map_text(g, text, sizeof text);
	fputs("<g fill=\"", out);
	colour_print(out, g);
	fprintf(out, "\"><title>extents %" PRIu64 "-%" PRIu64 " at %#" PRIx64
		": %s</title>\n", ext, end - 1, g->off, text);
	while (ext < end) {
		uint64_t line = ext / COLUMNS, n = (line + 1) * COLUMNS;

		n = (n < end ? n : end) - ext;
		fprintf(out, "<rect x=\"%" PRIu64 "\" y=\"%" PRIu64
			"\" width=\"%" PRIu64 "\" height=\"%d\"/>\n",
			ext % COLUMNS * CELL + 8, top + line * CELL,
			n * CELL - 1, CELL - 1);
		ext += n;
	}
	fputs("</g>\n", out);
}

static uint64_t zone_lines(const struct map *map, uint32_t zone)
{
	uint64_t n = 0;

	for (size_t i = 0; i < map->n; i++)
		if (map->groups[i].zone == zone)
			n += map->groups[i].n_ext;
	return (n + COLUMNS - 1) / COLUMNS;
}

int map_svg_print(const struct map *map, FILE *out)
{
	uint64_t height = HEAD, top = HEAD;
	char size[TOOL_SIZE_LEN];

	for (uint32_t z = 0; z < map->info.zones; z++)
		height += zone_lines(map, z) * CELL + HEAD;
	fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
		"height=\"%" PRIu64 "\" font-family=\"sans-serif\" "
		"font-size=\"12\">\n<text x=\"8\" y=\"18\">",
		COLUMNS * CELL + 16, height);
	text_escape(out, map->path);
	fprintf(out, ", %s; extents of ", tool_size_text(map->info.size, size));
	fprintf(out, "%s; green: little used, red: full, blue: large objects"
		"</text>\n", tool_size_text(map->info.extent_size, size));
	for (uint32_t z = 0; z < map->info.zones; z++) {
		fprintf(out, "<text x=\"8\" y=\"%" PRIu64 "\">zone %" PRIu32
			"</text>\n", top + 16, z);
		top += HEAD - 8;
		for (size_t i = 0; i < map->n; i++)
			if (map->groups[i].zone == z)
				group_print(out, &map->groups[i], top);
		top += zone_lines(map, z) * CELL + 8;
	}
	fputs("</svg>\n", out);
	return ferror(out) ? -1 : 0;
}
