/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * persist.h: the door to the medium. Backends, checksums, opening files.
 */
#ifndef PMHEAP_LIB_PERSIST_H
#define PMHEAP_LIB_PERSIST_H

#include "base/base.h"
#include "layout.h"

#include <pmheap/backend.h>
#include <pmheap/region.h>

extern const PmBackend backend_dax, backend_file, backend_shm,
	backend_volatile;
/* RDONLY and SCRATCH: a private copy of whatever the real backend shows. */
extern const PmBackend backend_private;

/*
 * A medium that is open: what the backends see, and what we know besides.
 * `chosen` is the backend that was chosen; medium.backend may be the private
 * one in front of it.
 */
struct medium {
	PmMedium m;
	const PmBackend *chosen;
	char *path;		/* absolute; NULL: none                   */
	int lock_fd;		/* holds the lock; a mapping that a child
				   inherits would keep that of m.fd       */
	bool fresh;		/* nothing has been formatted in it yet   */
	bool was_empty;		/* a file of no bytes that was there      */
	bool unlinked;		/* O_TMPFILE: gets its name when formatted */
	bool named;		/* this opening has given it its name     */
	char *temp_path;	/* name it has until then, if not unlinked */
	bool anonymous;		/* the working copy cannot map the file   */
};

/*
 * Opens, locks and maps what config names; chooses the backend. With
 * PM_CREATE a missing or empty file becomes a fresh medium of config->size
 * zero bytes. peek tells from an existing file how far it may grow; 0: it does
 * not say. Errors as pm_init().
 */
int medium_open(struct medium *md, const PmWrapperConfig *config,
		uint64_t (*peek)(int fd));
/* Gives a fresh medium its name, durably. EEXIST: somebody was faster. */
int medium_publish(struct medium *md);
/* A region that could not be opened after all leaves no file that was not
 * there, so that creating it can be tried again. The lock is still held. */
void medium_discard(struct medium *md);
/* Makes the name of a new file durable. */
int sync_dir(const char *path);
/* A file gets this name if nothing has it. Its old one may stay. */
int name_file(const char *old, const char *path);
void medium_close(struct medium *md);
/* Is the file still as long as the region? Somebody may have cut it. */
enum cut { NOT_CUT, IS_CUT, CUT_UNKNOWN };
enum cut medium_is_cut(const struct medium *md);
/* -1: EIO what was written before may not be durable. */
int medium_grow(struct medium *md, uint64_t size);
/* The growth from this size came to nothing. */
void medium_ungrow(struct medium *md, uint64_t size);

/* Which backend config asks for, or what fits the file; NULL with errno. */
const PmBackend *medium_choose(const PmWrapperConfig *config, int fd);
/* 0; -1: EBUSY, with who holds the file if that is known. */
int lock_file(int fd, bool shared, const char *path);
/* The process that has this file locked, for writing or only for reading; 0 if
 * none is known. */
long lock_holder(int fd, bool *writes);

/*
 * PM_CATCH_SIGBUS: a page of [base, base + len) that its file no longer has is
 * replaced by zeros when it is touched, and *mark becomes value if it was 0.
 * The caller serializes.
 */
void guard_add(const void *base, uint64_t len, int prot, AO_t *mark,
	       AO_t value);
void guard_remove(const void *base);

/* Common to backends on an fd. extra_flags: of mmap, 0: MAP_SHARED. */
int filemap_map(PmMedium *m, int extra_flags);
int filemap_grow(PmMedium *m, uint64_t size, int extra_flags);
enum cut filemap_cut(const PmMedium *m);
/* EIO if the file may have fewer bytes than it should. */
int filemap_check(const PmMedium *m);
int filemap_reserve(PmMedium *m, uint64_t off, uint64_t n);
/*
 * tmpfs takes a page where a hole is only read, and one that is full says so by
 * SIGBUS. In a private mapping of size bytes at base, which no write reaches the
 * file from, memory without a name is mapped over its holes.
 */
void filemap_cover_holes(int fd, uint8_t *base, uint64_t size);
/* In a shared one, the holes of this range get pages first, as far as the file
 * goes. 0, or -1 ENOSPC. */
int filemap_back(struct medium *md, uint64_t off, uint64_t len);
void filemap_unmap(PmMedium *m);
/*
 * The first bytes in [off, end) that the file has of its own: [*lo, *hi), not
 * past their page, or lo == end if there are none. What is before them are
 * holes. These read as zero, but through a mapping not always: a file system in
 * memory that is full has no page to show for them, and sends SIGBUS.
 */
void med_data(const struct medium *md, uint64_t off, uint64_t end, uint64_t *lo,
	      uint64_t *hi);
/* Are these bytes zero? Does not touch holes. */
bool med_is_zero(const struct medium *md, uint64_t off, uint64_t n);
/* memcpy that stores aligned 8-byte words whole. */
void copy_words(void *dst, const void *src, size_t n);

/* Bytes of the medium; it may be growing. */
static inline uint64_t med_size(const struct medium *md)
{
	return __atomic_load_n(&md->m.size, __ATOMIC_RELAXED);
}

static inline void med_write(struct medium *md, uint64_t off, const void *src,
			     size_t n, unsigned how)
{
	md->m.backend->write(&md->m, off, src, n, how);
}

static inline void med_fill(struct medium *md, uint64_t off, int c, size_t n,
			    unsigned how)
{
	md->m.backend->fill(&md->m, off, c, n, how);
}

static inline void med_flush(struct medium *md, uint64_t off, size_t n)
{
	md->m.backend->flush(&md->m, off, n);
}

/* Lines that one checkpoint has flushed already; a set that forgets. */
struct flush_set {
	uint64_t line[256];	/* line number + 1 */
	uint64_t slot;		/* lib/alloc: of the last record */
};

/* Flushes the lines of [off, off + n) that are not in the set. */
static inline void med_flush_once(struct medium *md, struct flush_set *set,
				  uint64_t off, size_t n)
{
	uint64_t line = off / PM_LINE, last = (off + n - 1) / PM_LINE;

	if (n == 0)
		return;
	if (last - line > 8) {
		med_flush(md, off, n);
		return;
	}
	for (; line <= last; line++) {
		uint64_t *slot = &set->line[line % 256];

		if (*slot == line + 1)
			continue;
		*slot = line + 1;
		med_flush(md, line * PM_LINE, PM_LINE);
	}
}

static inline int med_fence(struct medium *md)
{
	return md->m.backend->fence(&md->m);
}

/* Must flushes be issued at all? */
static inline bool med_flushes(const struct medium *md)
{
	return !(md->m.backend->traits & PM_BACKEND_NO_FLUSH);
}

/* XXH3, 64 bits: see checksum.c for the choice. */
uint64_t checksum(const void *p, size_t n, uint64_t seed);
/* The same with the 8 bytes at skip (a multiple of 8) taken as zero. */
uint64_t checksum_skip(const void *p, size_t n, size_t skip, uint64_t seed);

#endif
