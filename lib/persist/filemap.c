/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * filemap.c: mapping a file at a base that stays where it is while it grows.
 * max_size bytes of addresses are set aside, and the file is mapped over them
 * as far as it goes.
 */
#include "persist/persist.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static int map_part(PmMedium *m, uint64_t off, uint64_t len, int extra)
{
	int flags = (extra ? extra : MAP_SHARED) | MAP_FIXED;
	void *p = mmap(m->base + off, len, PROT_READ | PROT_WRITE, flags,
		       m->fd, (off_t)off);

	if (p == MAP_FAILED)
		return -1;
	/* A child has no use for it, and must not be able to write it. */
	madvise(p, len, MADV_DONTFORK);
	return 0;
}

int filemap_map(PmMedium *m, int extra_flags)
{
	void *p = mmap(NULL, m->max_size, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -1;
	m->base = p;
	if (map_part(m, 0, m->size, extra_flags)) {
		int err = errno;

		munmap(p, m->max_size);
		m->base = NULL;
		errno = err;
		return -1;
	}
	return 0;
}

/* Only the length is asked for. Whoever asks when a file was changed makes the
 * next change of it one that has to be told apart: a new time in its inode,
 * which the next sync would have to write besides. */
enum cut filemap_cut(const PmMedium *m)
{
	/* Before the file is looked at: another thread may grow both. */
	uint64_t size = __atomic_load_n(&m->size, __ATOMIC_ACQUIRE);
	struct statx st;

	if (statx(m->fd, "", AT_EMPTY_PATH, STATX_SIZE, &st))
		return CUT_UNKNOWN;
	return st.stx_size < size ? IS_CUT : NOT_CUT;
}

int filemap_check(const PmMedium *m)
{
	if (filemap_cut(m) == NOT_CUT)
		return 0;
	errno = EIO;
	return -1;
}

int filemap_grow(PmMedium *m, uint64_t size, int extra_flags)
{
	/* Never make good what somebody has cut off: it would be zeros. */
	if (filemap_check(m))
		return -1;
	/* What a crash left beyond the old end must read as zero. */
	if (ftruncate(m->fd, (off_t)m->size) ||
	    ftruncate(m->fd, (off_t)size))
		return -1;
	if (fsync(m->fd)) {
		/* Whatever it is called: the kernel tells of a failed write-back
		 * once, and fence() has to answer for it. */
		errno = EIO;
		return -1;
	}
	return map_part(m, m->size, size - m->size, extra_flags);
}

#define HOLES_MAX 4096u

void filemap_cover_holes(int fd, uint8_t *base, uint64_t size)
{
	struct statfs fs;
	off_t hole = 0, data;
	unsigned n;

	if (fstatfs(fd, &fs) || fs.f_type != TMPFS_MAGIC)
		return;
	for (n = 0; n < HOLES_MAX; n++) {
		hole = lseek(fd, hole, SEEK_HOLE);
		if (hole < 0 || (uint64_t)hole >= size)
			return;
		data = lseek(fd, hole, SEEK_DATA);
		if (data < 0 || (uint64_t)data > size)
			data = (off_t)size;
		/* If it fails, it is as if there were none to cover. */
		(void)!mmap(base + hole, (size_t)(data - hole),
			    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED |
			    MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		hole = data;
	}
}

int filemap_back(struct medium *md, uint64_t off, uint64_t len)
{
	const PmBackend *b = md->m.backend;
	uint64_t end = min_u64(off + len, md->m.size);
	off_t hole;

	if (b != &backend_shm || md->m.created)
		return 0;
	hole = lseek(md->m.fd, (off_t)off, SEEK_HOLE);
	if (hole < 0 || (uint64_t)hole >= end ||
	    b->reserve(&md->m, off, end - off) == 0)
		return 0;
	return err_set(errno, "%s: no room for what lies in its holes: %s",
		       md->path, strerror(errno));
}

int filemap_reserve(PmMedium *m, uint64_t off, uint64_t n)
{
	int r;

	do {
		r = fallocate(m->fd, FALLOC_FL_KEEP_SIZE, (off_t)off, (off_t)n);
	} while (r && errno == EINTR);
	/* A file system that cannot reserve reports a full disk by SIGBUS. */
	if (r && (errno == EOPNOTSUPP || errno == ENOSYS))
		return 0;
	return r;
}

void filemap_unmap(PmMedium *m)
{
	if (m->base)
		munmap(m->base, m->max_size);
	m->base = NULL;
}

void med_data(const struct medium *md, uint64_t off, uint64_t end, uint64_t *lo,
	      uint64_t *hi)
{
	off_t data;

	*lo = off;
	*hi = end;
	if (md->m.fd < 0)
		return;
	data = lseek(md->m.fd, (off_t)off, SEEK_DATA);
	if (data < 0 && errno != ENXIO)
		return;		/* it cannot tell: all is data */
	*lo = data < 0 ? end : min_u64((uint64_t)data, end);
	/* Where the data ends is not asked: SEEK_HOLE looks at each page up to
	 * there, which may be gigabytes away, on every call. */
	*hi = min_u64((*lo / PM_PAGE + 1) * PM_PAGE, end);
}

bool med_is_zero(const struct medium *md, uint64_t off, uint64_t n)
{
	uint64_t end = off + n, lo, hi;

	while (off < end) {
		med_data(md, off, end, &lo, &hi);
		if (!bytes_are_zero(md->m.base + lo, lo < end ? hi - lo : 0))
			return false;
		off = lo < end ? hi : end;
	}
	return true;
}

void copy_words(void *dst, const void *src, size_t n)
{
	if (n == 8 && (uintptr_t)dst % 8 == 0) {
		uint64_t word;

		memcpy(&word, src, 8);
		__atomic_store_n((uint64_t *)dst, word, __ATOMIC_RELAXED);
		return;
	}
	copy_short(dst, src, n);
}
