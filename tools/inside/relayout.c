/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/inside/relayout.c: another layout name for a pool that no program has
 * open. A crash leaves the old name or the new one: see heap_change_header().
 */
#include "inside/live.h"

#include "heap.h"

#include <string.h>

struct names {
	const char *from, *to;
};

static int check_name(const struct region *r, const void *arg)
{
	const struct names *n = arg;

	if (!n->from || !strcmp(n->from, r->hdr->layout))
		return 0;
	return err_set(EINVAL, "%s: its layout is \"%s\", not \"%s\"",
		       region_name(r), r->hdr->layout, n->from);
}

static void set_name(struct region *r, const void *arg)
{
	const struct names *n = arg;

	memset(r->hdr->layout, 0, PM_LAYOUT_MAX);
	memcpy(r->hdr->layout, n->to, strlen(n->to));
}

int pool_relayout(const char *path, const char *from, const char *name)
{
	const struct names names = {from, name};

	if (strlen(name) >= PM_LAYOUT_MAX)
		return err_set(EINVAL, "%s: the layout name is longer than %d "
			       "bytes", path, PM_LAYOUT_MAX - 1);
	return heap_change_header(path, check_name, set_name, &names);
}
