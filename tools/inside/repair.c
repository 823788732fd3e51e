/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/inside/repair.c: what can be rebuilt of a damaged pool besides what the
 * library does itself (replay, one damaged header copy). Each step is taken
 * only if what comes of it proves itself.
 */
#include "inside/live.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIFFER_MAX 16	/* lines in which two copies differ: 65536 mixtures */

static int file_open(const char *path, struct stat *st)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0 || fstat(fd, st) || lock_file(fd, false, path)) {
		if (fd >= 0 && errno == EBUSY) {
			close(fd);
			errno = EBUSY;
			return -1;
		}
		err_set(errno, "%s: cannot open: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

/* Is this whole and possible, whatever else is wrong with the pool? */
static bool head_is_good(uint8_t *head, uint64_t size, struct pm_header *h)
{
	struct medium md = {.path = (char *)"", .m = {.base = head,
			    .size = size, .flags = PM_RDONLY}};
	enum other_copy other;
	int copy;

	return header_read(&md, h, &copy, &other) == 0;
}

/* Both copies of a closed pool are the same; so a mixture of them whose
 * checksum is right is what stood there. */
static bool mix(uint8_t *head, uint64_t size, struct pm_header *h)
{
	static uint8_t mixed[PM_LANES_OFF] __attribute__((aligned(PM_PAGE)));
	uint32_t line[DIFFER_MAX], n = 0, i, mask;

	for (i = 0; i < PM_HDR_SIZE; i += PM_LINE) {
		if (!memcmp(head + i, head + PM_HDR_SIZE + i, PM_LINE))
			continue;
		if (n == DIFFER_MAX)
			return false;
		line[n++] = i;
	}
	for (mask = 0; n && mask < 1u << n; mask++) {
		memcpy(mixed, head, PM_HDR_SIZE);
		for (i = 0; i < n; i++)
			if (mask >> i & 1)
				memcpy(mixed + line[i],
				       head + PM_HDR_SIZE + line[i], PM_LINE);
		memcpy(mixed + PM_HDR_SIZE, mixed, PM_HDR_SIZE);
		if (!head_is_good(mixed, size, h))
			continue;
		memcpy(head, mixed, 2 * PM_HDR_SIZE);
		return true;
	}
	return false;
}

static int write_head(int fd, const char *path, const uint8_t *head)
{
	if (pwrite(fd, head, 2 * PM_HDR_SIZE, 0) == 2 * PM_HDR_SIZE &&
	    fsync(fd) == 0)
		return 1;
	return err_set(errno ? errno : EIO, "%s: cannot write its header",
		       path);
}

int repair_header(const char *path)
{
	static uint8_t head[PM_LANES_OFF] __attribute__((aligned(PM_PAGE)));
	static struct pm_header h;
	struct stat st;
	int fd = file_open(path, &st), ret = 0;

	window_choose();
	if (fd < 0)
		return -1;
	if (pread(fd, head, PM_LANES_OFF, 0) == PM_LANES_OFF &&
	    !head_is_good(head, UINT64_MAX, &h) &&
	    mix(head, UINT64_MAX, &h))
		ret = write_head(fd, path, head);
	close(fd);
	return ret;
}

/* Does a group that is not free reach into what was lost? */
static int lies_beyond(const struct group *g, void *arg)
{
	uint64_t end = *(const uint64_t *)arg;

	return g->kind != GROUP_FREE && g->off + g->len > end;
}

static bool nothing_lost(const char *path, uint64_t size)
{
	struct pool *p;
	bool good;

	if (pool_open(path, false, &p))
		return false;
	good = pool_each(p, lies_beyond, &size) == 0;
	pool_close(p);
	return good;
}

int repair_length(const char *path)
{
	static uint8_t head[PM_LANES_OFF] __attribute__((aligned(PM_PAGE)));
	static struct pm_header h;
	struct stat st;
	uint64_t size;
	int fd = file_open(path, &st), ret = 0;

	window_choose();
	if (fd < 0)
		return -1;
	size = (uint64_t)st.st_size;
	if (pread(fd, head, PM_LANES_OFF, 0) != PM_LANES_OFF ||
	    !head_is_good(head, UINT64_MAX, &h) || h.size <= size)
		goto out;
	if (ftruncate(fd, (off_t)h.size)) {
		ret = err_set(errno, "%s: cannot make it longer: %s", path,
			      strerror(errno));
		goto out;
	}
	/* The look at it takes a lock of its own. */
	close(fd);
	if (nothing_lost(path, size))
		return 1;
	fd = file_open(path, &st);
	if (fd < 0)
		return -1;
	if (ftruncate(fd, (off_t)size))
		ret = err_set(errno, "%s: cannot give it back its length: %s",
			      path, strerror(errno));
out:
	close(fd);
	return ret;
}
