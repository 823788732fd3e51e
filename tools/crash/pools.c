/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pools.c: the images of a state as pool files. Each state gets new files:
 * nobody can tell what a verify program has done to the last ones.
 */
#include "crash/judge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define PAGE 4096u

const char *pools_path(const struct judge *j, unsigned pool)
{
	static char path[8192];

	snprintf(path, sizeof(path), "%s/%s", j->dir,
		 j->run->pool[pool].name);
	return path;
}

static bool is_used(const struct run_pool *p, uint64_t page)
{
	return p->page[page / 64] >> page % 64 & 1;
}

static int write_all(int fd, const uint8_t *bytes, uint64_t n, uint64_t off)
{
	while (n) {
		ssize_t k = pwrite(fd, bytes, n, (off_t)off);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return -1;
		bytes += k;
		off += (uint64_t)k;
		n -= (uint64_t)k;
	}
	return 0;
}

/* Runs of pages that were ever written; the rest stays a hole. */
static int write_pages(int fd, const struct run_pool *p,
		       const struct crash_image *im)
{
	uint64_t pages = im->size / PAGE, i, from;

	for (i = 0; i < pages; i++) {
		if (!is_used(p, i))
			continue;
		for (from = i; i < pages && is_used(p, i); i++)
			;
		if (write_all(fd, im->bytes + from * PAGE, (i - from) * PAGE,
			      from * PAGE))
			return -1;
	}
	return 0;
}

static int write_pool(const struct judge *j, const struct journal *images,
		      unsigned pool)
{
	const struct crash_image *im = &images->image[pool];
	int fd = open(pools_path(j, pool), O_WRONLY | O_CREAT | O_EXCL |
		      O_CLOEXEC, 0600);
	int ret;

	if (fd < 0)
		return -1;
	ret = ftruncate(fd, (off_t)im->size) ||
	      write_pages(fd, &j->run->pool[pool], im) ? -1 : 0;
	if (close(fd))
		ret = -1;
	return ret;
}

int pools_write(const struct judge *j, const struct journal *images,
		size_t event)
{
	for (unsigned i = 0; i < j->run->pool_n; i++) {
		unlink(pools_path(j, i));
		if (run_has(j->run, i, event) && images->image[i].size &&
		    write_pool(j, images, i))
			return -1;
	}
	return 0;
}
