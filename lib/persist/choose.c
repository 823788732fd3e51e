/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * choose.c: which backend a region gets: the one in the config, by name, from
 * the environment, or what fits the file. Never silently weaker than asked.
 */
#include "persist/persist.h"

#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>

#ifndef MAP_SHARED_VALIDATE
#define MAP_SHARED_VALIDATE 0x03
#endif
#ifndef MAP_SYNC
#define MAP_SYNC 0x80000
#endif

static const PmBackend *const built_in[] = {
	&backend_dax, &backend_file, &backend_shm, &backend_volatile,
};

PM_API const PmBackend *pm_backend(const char *name)
{
	size_t i;

	for (i = 0; name && i < sizeof(built_in) / sizeof(*built_in); i++)
		if (!strcmp(built_in[i]->name, name))
			return built_in[i];
	err_set(EINVAL, "there is no backend \"%s\"; there are dax, file, shm "
		"and volatile", name ? name : "(null)");
	return NULL;
}

static bool in_memory(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs))
		return false;
	return fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC ||
	       fs.f_type == HUGETLBFS_MAGIC;
}

static bool map_sync_works(int fd, int prot)
{
	void *p = mmap(NULL, PM_PAGE, prot, MAP_SHARED_VALIDATE | MAP_SYNC,
		       fd, 0);

	if (p == MAP_FAILED)
		return false;
	munmap(p, PM_PAGE);
	return true;
}

static const PmBackend *check_abi(const PmBackend *b)
{
	if (b->abi == PM_BACKEND_ABI && b->name && b->map && b->grow &&
	    b->unmap && b->write && b->fill && b->flush && b->fence)
		return b;
	err_set(EINVAL, "backend \"%s\": abi %u instead of %u, or a function "
		"is missing", b->name ? b->name : "(null)", b->abi,
		PM_BACKEND_ABI);
	return NULL;
}

const PmBackend *medium_choose(const PmWrapperConfig *c, int fd)
{
	const char *name = c->backend_name;

	if (c->backend)
		return check_abi(c->backend);
	if (!c->path)
		return name ? pm_backend(name) : &backend_volatile;
	if (!name && !(c->flags & PM_ASSUME_PMEM))
		name = getenv("PMHEAP_BACKEND");
	if (name && *name) {
		const PmBackend *b = pm_backend(name);

		if (b == &backend_file && fd >= 0 && in_memory(fd)) {
			err_set(ENOTSUP, "%s: the file backend promises to "
				"survive a power cut, but this file system is "
				"in memory; use shm", c->path);
			return NULL;
		}
		return b;
	}
	if (c->flags & PM_ASSUME_PMEM)
		return &backend_dax;
	if (fd < 0)
		return &backend_file;
	if (in_memory(fd))
		return &backend_shm;
	if (map_sync_works(fd, c->flags & PM_RDONLY ? PROT_READ
						    : PROT_READ | PROT_WRITE))
		return &backend_dax;
	return &backend_file;
}
