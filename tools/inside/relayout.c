/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/inside/relayout.c: another layout name for a pool that no program has
 * open. The log is emptied first. Then the name stands in the header only, both
 * copies of which are written one after the other (log_close()): a crash leaves
 * the old name or the new one.
 */
#include "inside/live.h"

#include "heap.h"

#include <string.h>

static int rename_layout(struct region *r, const char *from, const char *name)
{
	char *layout = r->hdr->layout;

	if (from && strcmp(from, layout))
		return err_set(EINVAL, "%s: its layout is \"%s\", not \"%s\"",
			       region_name(r), layout, from);
	if (alloc_open(r) || log_open(r, PM_STRICT, 0, 0))
		return -1;
	memset(layout, 0, PM_LAYOUT_MAX);
	memcpy(layout, name, strlen(name));
	r->hdr_dirty = true;
	return log_close(r, true);
}

int pool_relayout(const char *path, const char *from, const char *name)
{
	PmWrapperConfig c = {.path = path};
	struct region *r;
	int ret, err;

	if (strlen(name) >= PM_LAYOUT_MAX)
		return err_set(EINVAL, "%s: the layout name is longer than %d "
			       "bytes", path, PM_LAYOUT_MAX - 1);
	window_choose();
	r = heap_load(&c, true);
	if (!r)
		return -1;
	ret = rename_layout(r, from, name);
	err = errno;
	heap_unload(r);
	errno = err;
	return ret;
}
