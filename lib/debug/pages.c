/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pages.c: the pages of a working copy that were written. PAGEMAP_SCAN (Linux
 * 6.7) skips what was never touched; before it, eight bytes are read for each
 * page, and without /proc every page counts as written.
 */
#include "debug/debug.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BATCH 512

/* As in linux/fs.h, which may be older than the kernel. */
struct scan_region {
	uint64_t start, end, categories;
};

struct scan_arg {
	uint64_t size, flags, start, end, walk_end;
	uint64_t vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask;
	uint64_t return_mask;
};

#define SCAN_PAGES _IOWR('f', 16, struct scan_arg)
#define IS_FILE (1u << 2)
#define IS_PRESENT (1u << 3)
#define IS_SWAPPED (1u << 4)

/* In /proc/self/pagemap. */
#define MAP_PRESENT (3ull << 62)	/* present or swapped      */
#define MAP_FILE (1ull << 61)		/* a page of the file      */

typedef void (*page_fn)(struct region *r, uint64_t off, uint64_t len,
			void *arg);

static int by_scan(int fd, struct region *r, uint64_t *from, uint64_t to,
		   page_fn f, void *arg)
{
	struct scan_region found[BATCH];
	struct scan_arg a = {
		.size = sizeof(a), .vec = (uint64_t)(uintptr_t)found,
		.vec_len = BATCH, .category_inverted = IS_FILE,
		.category_mask = IS_FILE,
		.category_anyof_mask = IS_PRESENT | IS_SWAPPED,
		.return_mask = IS_PRESENT,
	};
	int i, n;

	while (*from < to) {
		a.start = (uint64_t)(uintptr_t)(r->work + *from);
		a.end = (uint64_t)(uintptr_t)(r->work + to);
		n = ioctl(fd, SCAN_PAGES, &a);
		if (n < 0)
			return -1;
		for (i = 0; i < n; i++)
			f(r, region_off(r, (void *)(uintptr_t)found[i].start),
			  found[i].end - found[i].start, arg);
		*from = region_off(r, (void *)(uintptr_t)a.walk_end);
	}
	return 0;
}

static int by_map(int fd, struct region *r, uint64_t *from, uint64_t to,
		  page_fn f, void *arg)
{
	uint64_t info[BATCH], i, n;

	while (*from < to) {
		uint64_t page = (uint64_t)(uintptr_t)(r->work + *from) /
				PM_PAGE;
		ssize_t got;

		n = min_u64(BATCH, (to - *from + PM_PAGE - 1) / PM_PAGE);
		got = pread(fd, info, n * 8, (off_t)(page * 8));
		if (got < 8)
			return -1;
		n = (uint64_t)got / 8;
		for (i = 0; i < n; i++)
			if ((info[i] & MAP_PRESENT) && !(info[i] & MAP_FILE))
				f(r, *from + i * PM_PAGE, PM_PAGE, arg);
		*from += n * PM_PAGE;
	}
	return 0;
}

void pages_each_private(struct region *r, uint64_t from, uint64_t to,
			page_fn f, void *arg)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || (by_scan(fd, r, &from, to, f, arg) &&
		       by_map(fd, r, &from, to, f, arg)))
		f(r, from, to - from, arg);
	if (fd >= 0)
		close(fd);
}
