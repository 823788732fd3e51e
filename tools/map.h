/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/map.h: the groups of a pool as pmheap map draws them: collected by
 * cmd_map.c, drawn by map_term.c and map_svg.c.
 */
#ifndef PMHEAP_TOOL_MAP_H
#define PMHEAP_TOOL_MAP_H

#include "inside/inside.h"
#include "tool.h"

struct map {
	const char *path;
	struct pool_info info;
	struct group *groups;	/* without their bits                        */
	size_t	 n, cap;
};

/* How full a group is, 0..1. */
double map_fill(const struct group *g);
/* "slab of 64 B objects of type 1: 12 of 1024 used" */
void map_text(const struct group *g, char *buf, size_t len);

int map_term_print(const struct map *map, unsigned width, bool ascii);
int map_svg_print(const struct map *map, FILE *out);

#endif
