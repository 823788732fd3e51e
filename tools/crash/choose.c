/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * choose.c: which backend the library would choose for a configuration, by the
 * rules of libpmheap(7). The recorder has to know before the file is open.
 */
#include "crash/record.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef MAP_SHARED_VALIDATE
#define MAP_SHARED_VALIDATE 0x03
#endif
#ifndef MAP_SYNC
#define MAP_SYNC 0x80000
#endif

/* The file, or one without a name where it is going to be. */
static int open_like(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	char *copy;

	if (fd >= 0 || errno != ENOENT)
		return fd;
	copy = strdup(path);
	if (!copy)
		return -1;
	fd = open(dirname(copy), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	free(copy);
	if (fd >= 0 && ftruncate(fd, 4096)) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool in_memory(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 &&
	       (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC ||
		fs.f_type == HUGETLBFS_MAGIC);
}

static bool map_sync_works(int fd)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		       MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0);

	if (p == MAP_FAILED)
		return false;
	munmap(p, 4096);
	return true;
}

static const char *fitting(const char *path)
{
	int fd = open_like(path);
	const char *name = "file";

	if (fd < 0)
		return name;
	if (in_memory(fd))
		name = "shm";
	else if (map_sync_works(fd))
		name = "dax";
	close(fd);
	return name;
}

/* The library refuses "file" in memory; let it. */
static bool is_refused(const char *name, const char *path)
{
	int fd = strcmp(name, "file") == 0 ? open_like(path) : -1;
	bool bad = fd >= 0 && in_memory(fd);

	if (fd >= 0)
		close(fd);
	return bad;
}

const char *choose_backend(PmWrapperConfig *c, const char **why)
{
	const char *assume = getenv("PMHEAP_ASSUME_PMEM");
	const char *name = c->backend_name;

	*why = NULL;
	if (!c->path || (name && strcmp(name, "volatile") == 0))
		*why = "it is volatile";
	else if (c->backend)
		*why = "it has a backend of its own";
	else if (c->flags & (PM_RDONLY | PM_SCRATCH))
		*why = "it is opened without being changed";
	if (*why)
		return NULL;
	if (assume && strcmp(assume, "1") == 0)
		c->flags |= PM_ASSUME_PMEM;
	if (!name && !(c->flags & PM_ASSUME_PMEM))
		name = getenv("PMHEAP_BACKEND");
	if (name && *name)
		return strcmp(name, "volatile") == 0 || !pm_backend(name) ||
		       is_refused(name, c->path) ? NULL : name;
	return c->flags & PM_ASSUME_PMEM ? "dax" : fitting(c->path);
}
