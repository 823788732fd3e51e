/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * be_memory.c: media on which a store is as durable as it gets. shm is a file
 * in memory (tmpfs) that survives the process; volatile is memory without a
 * name; private is a copy of another medium for PM_RDONLY and PM_SCRATCH, so
 * that replay and commits never reach the file.
 */
#include "persist/persist.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int shm_map(PmMedium *m)
{
	return filemap_map(m, 0);
}

static int shm_grow(PmMedium *m, uint64_t size)
{
	return filemap_grow(m, size, 0);
}

static void mem_write(PmMedium *m, uint64_t off, const void *src, size_t n,
		      unsigned how)
{
	(void)how;
	copy_words(m->base + off, src, n);
}

static void mem_fill(PmMedium *m, uint64_t off, int c, size_t n, unsigned how)
{
	(void)how;
	memset(m->base + off, c, n);
}

static void mem_flush(PmMedium *m, uint64_t off, size_t n)
{
	(void)m;
	(void)off;
	(void)n;
}

static int mem_fence(PmMedium *m)
{
	(void)m;
	/* ORDER: a killed process loses no executed store; keep the compiler
	 * from moving stores across. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	return 0;
}

static int volatile_map(PmMedium *m)
{
	m->fd = memfd_create("pmheap", MFD_CLOEXEC);
	if (m->fd < 0)
		return -1;
	if (ftruncate(m->fd, (off_t)m->size) || filemap_map(m, 0)) {
		int err = errno;

		close(m->fd);
		m->fd = -1;
		errno = err;
		return -1;
	}
	return 0;
}

static int private_map(PmMedium *m)
{
	if (filemap_map(m, MAP_PRIVATE | MAP_NORESERVE))
		return -1;
	filemap_cover_holes(m->fd, m->base, m->size);
	return 0;
}

static int private_grow(PmMedium *m, uint64_t size)
{
	void *p = mmap(m->base + m->size, size - m->size,
		       PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |
		       MAP_NORESERVE | MAP_FIXED, -1, 0);

	return p == MAP_FAILED ? -1 : 0;
}

#define MEMORY_OPS						\
	.unmap = filemap_unmap,					\
	.write = mem_write,					\
	.fill = mem_fill,					\
	.flush = mem_flush,					\
	.fence = mem_fence

const PmBackend backend_shm = {
	.abi = PM_BACKEND_ABI,
	.traits = PM_BACKEND_NO_FLUSH | PM_BACKEND_CPU_FENCE,
	.name = "shm",
	.survives = PM_SURVIVES_PROCESS,
	.map = shm_map,
	.grow = shm_grow,
	.reserve = filemap_reserve,
	MEMORY_OPS,
};

const PmBackend backend_volatile = {
	.abi = PM_BACKEND_ABI,
	.traits = PM_BACKEND_NO_FILE | PM_BACKEND_NO_FLUSH |
		  PM_BACKEND_CPU_FENCE,
	.name = "volatile",
	.survives = PM_SURVIVES_NOTHING,
	.map = volatile_map,
	.grow = shm_grow,
	.reserve = filemap_reserve,
	MEMORY_OPS,
};

const PmBackend backend_private = {
	.abi = PM_BACKEND_ABI,
	.traits = PM_BACKEND_NO_FLUSH | PM_BACKEND_CPU_FENCE,
	.name = "private",
	.survives = PM_SURVIVES_NOTHING,
	.map = private_map,
	.grow = private_grow,
	MEMORY_OPS,
};
