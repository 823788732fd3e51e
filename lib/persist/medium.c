/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * medium.c: opening, creating, growing and closing what a region lives in.
 *
 * A new file has no name (or a temporary one) until it is formatted, so a
 * crash while creating leaves no half-made pool behind.
 */
#include "persist/persist.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_failed(const char *path)
{
	return err_set(errno, "%s: cannot open: %s", path, strerror(errno));
}

/* Directory of path, malloced. */
static char *dir_of(const char *path)
{
	char *copy = strdup(path), *dir = NULL;

	if (copy)
		dir = strdup(dirname(copy));
	free(copy);
	return dir;
}

static char *absolute(const char *path)
{
	char cwd[PATH_MAX], *real = realpath(path, NULL), *abs;

	if (real)
		return real;
	if (path[0] == '/' || !getcwd(cwd, sizeof(cwd)))
		return strdup(path);
	if (asprintf(&abs, "%s/%s", cwd, path) < 0)
		return NULL;
	return abs;
}

static int open_unnamed(struct medium *md, mode_t mode)
{
	char *dir = dir_of(md->path);
	int fd;

	if (!dir)
		return -1;
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
	free(dir);
	if (fd >= 0) {
		md->unlinked = true;
		return fd;
	}
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
		return -1;
	if (asprintf(&md->temp_path, "%s.new-%ld", md->path,
		     (long)getpid()) < 0) {
		md->temp_path = NULL;
		errno = ENOMEM;
		return -1;
	}
	unlink(md->temp_path);
	return open(md->temp_path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, mode);
}

/* Opens config->path, or an unnamed file that will become it. */
static int open_path(struct medium *md, const PmWrapperConfig *c)
{
	bool private = c->flags & (PM_RDONLY | PM_SCRATCH);
	int fd = open(c->path, (private ? O_RDONLY : O_RDWR) | O_CLOEXEC |
		      O_NONBLOCK);

	if (fd >= 0) {
		if ((c->flags & PM_CREATE) && (c->flags & PM_EXCL)) {
			close(fd);
			return err_set(EEXIST, "%s: exists already", c->path);
		}
		return fd;
	}
	if (errno != ENOENT || !(c->flags & PM_CREATE) || private)
		return open_failed(c->path);
	if (!*c->path)
		return open_failed(c->path);
	md->fresh = true;
	fd = open_unnamed(md, c->mode ? c->mode : 0600);
	return fd < 0 ? open_failed(c->path) : fd;
}

/* A pool whose making was cut off, before or after its first byte. */
static bool is_unfinished(int fd)
{
	uint8_t page[PM_PAGE];
	off_t off;

	if (pread(fd, page, PM_MAGIC_LEN, 0) == PM_MAGIC_LEN &&
	    !memcmp(page, PM_MAKING, PM_MAGIC_LEN))
		return true;
	for (off = 0; off < (off_t)PM_LANES_OFF; off += PM_PAGE)
		if (pread(fd, page, PM_PAGE, off) != PM_PAGE ||
		    !bytes_are_zero(page, PM_PAGE))
			return false;
	return true;
}

/* Checks, locks and sizes the open file. */
static int prepare_file(struct medium *md, const PmWrapperConfig *c)
{
	bool private = c->flags & (PM_RDONLY | PM_SCRATCH);
	struct stat st;
	char proc[64];

	if (fstat(md->m.fd, &st))
		return open_failed(c->path);
	if (!S_ISREG(st.st_mode))
		return err_set(S_ISDIR(st.st_mode) ? EISDIR : EINVAL,
			       "%s: not a regular file", c->path);
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", md->m.fd);
	md->lock_fd = open(proc, (private ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (md->lock_fd < 0)	/* no /proc: children keep the lock */
		md->lock_fd = fcntl(md->m.fd, F_DUPFD_CLOEXEC, 0);
	if (md->lock_fd < 0)
		return open_failed(c->path);
	if (lock_file(md->lock_fd, private, c->path))
		return -1;
	if (fstat(md->m.fd, &st))
		return open_failed(c->path);
	if (!md->fresh && (c->flags & PM_CREATE) && !private &&
	    (st.st_size == 0 || is_unfinished(md->m.fd))) {
		md->fresh = md->was_empty = true;
		if (ftruncate(md->m.fd, 0))
			return open_failed(c->path);
	}
	md->m.size = md->fresh ? c->size : (uint64_t)st.st_size;
	if (md->fresh && ftruncate(md->m.fd, (off_t)c->size))
		return err_set(errno, "%s: cannot make it %zu bytes long: %s",
			       c->path, c->size, strerror(errno));
	return 0;
}

/* RDONLY or SCRATCH of a user's backend: a private mapping of the file that it
 * has beneath its bytes, or else a copy of them in memory. */
static int make_private(struct medium *md)
{
	PmMedium real = md->m;
	uint8_t *p;

	if (real.fd >= 0) {
		md->m.backend = &backend_private;
		md->m.max_size = real.max_size;
		if (backend_private.map(&md->m)) {
			md->m = real;
			return -1;
		}
		real.backend->unmap(&real);
		md->m.priv = NULL;
		return 0;
	}
	p = mmap(NULL, real.max_size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return -1;
	memcpy(p, real.base, real.size);
	real.backend->unmap(&real);
	md->m.backend = &backend_private;
	md->m.base = p;
	md->m.max_size = real.max_size;
	md->m.priv = NULL;
	return 0;
}

static int map_medium(struct medium *md, const PmWrapperConfig *c,
		      uint64_t (*peek)(int fd))
{
	bool private = c->flags & (PM_RDONLY | PM_SCRATCH);
	PmMedium *m = &md->m;

	m->flags = c->flags;
	m->created = md->fresh;
	m->max_size = m->fd >= 0 && !md->fresh ? peek(m->fd) : c->max_size;
	m->max_size = max_u64(m->max_size, m->size);
	m->backend = md->chosen;
	if (private && m->fd >= 0)
		m->backend = &backend_private;
	if (m->size == 0 && m->fd >= 0)
		return err_set(EMEDIUMTYPE, "%s: not a pool: the file is empty",
			       c->path);
	if (m->backend->map(m)) {
		if (errno == ENOTSUP)
			return err_set(ENOTSUP, "%s: the %s backend does not "
				       "fit this file: MAP_SYNC is refused "
				       "(PM_ASSUME_PMEM overrides)", c->path,
				       m->backend->name);
		return err_set(errno, "%s: cannot map %llu bytes by the %s "
			       "backend: %s", c->path ? c->path : "(volatile)",
			       (unsigned long long)m->size, m->backend->name,
			       strerror(errno));
	}
	m->max_size = max_u64(m->max_size, m->size);
	if (private && m->backend != &backend_private && make_private(md))
		return err_set(errno, "%s: no memory for a private copy",
			       c->path ? c->path : "(volatile)");
	/* A DAX or shared file can lie under the working copy; else copy. */
	md->anonymous = m->fd < 0;
	return 0;
}

int medium_open(struct medium *md, const PmWrapperConfig *c,
		uint64_t (*peek)(int fd))
{
	int err;

	memset(md, 0, sizeof(*md));
	md->m.fd = md->lock_fd = -1;
	if (c->path) {
		md->path = absolute(c->path);
		if (!md->path)
			return err_set(ENOMEM, "%s: out of memory", c->path);
	}
	md->m.path = md->path;
	md->chosen = medium_choose(c, -1);
	if (!md->chosen)
		goto fail;
	if (c->path && !(md->chosen->traits & PM_BACKEND_NO_FILE)) {
		md->m.fd = open_path(md, c);
		if (md->m.fd < 0 || prepare_file(md, c))
			goto fail;
		md->chosen = medium_choose(c, md->m.fd);
		if (!md->chosen)
			goto fail;
	} else {
		md->fresh = !c->path || (c->flags & PM_CREATE);
		md->m.size = c->size;
	}
	if (map_medium(md, c, peek))
		goto fail;
	md->fresh = md->m.created;
	return 0;
fail:
	err = errno;
	medium_close(md);
	errno = err;
	return -1;
}

int sync_dir(const char *path)
{
	char *dir = dir_of(path);
	int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int r = fd < 0 ? -1 : fsync(fd);

	if (fd >= 0)
		close(fd);
	free(dir);
	/* Some file systems cannot sync a directory and need not. */
	return r && errno != EINVAL && errno != EROFS ? -1 : 0;
}

/* On a file system without hard links it has to lose its old name. */
int name_file(const char *old, const char *path)
{
	if (link(old, path) == 0)
		return 0;
	if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
		return -1;
	return renameat2(AT_FDCWD, old, AT_FDCWD, path, RENAME_NOREPLACE);
}

int medium_publish(struct medium *md)
{
	char proc[64];
	int r = 0;

	if (md->m.fd < 0 || !md->path ||
	    (md->m.backend->traits & PM_BACKEND_NO_FILE))
		return 0;
	if (fsync(md->m.fd))
		return err_set(errno, "%s: cannot sync: %s", md->path,
			       strerror(errno));
	if (md->unlinked) {
		snprintf(proc, sizeof(proc), "/proc/self/fd/%d", md->m.fd);
		r = linkat(AT_FDCWD, proc, AT_FDCWD, md->path,
			   AT_SYMLINK_FOLLOW);
	} else if (md->temp_path) {
		r = name_file(md->temp_path, md->path);
		unlink(md->temp_path);
	}
	if (r)
		return err_set(errno, "%s: cannot create: %s", md->path,
			       strerror(errno));
	md->named = md->unlinked || md->temp_path;
	if (sync_dir(md->path))
		return err_set(errno, "%s: cannot sync its directory: %s",
			       md->path, strerror(errno));
	return 0;
}

void medium_discard(struct medium *md)
{
	if (md->named)
		unlink(md->path);
	else if (md->was_empty)
		/* If it stays it is opened as a pool of no objects. */
		(void)!ftruncate(md->m.fd, 0);
}

void medium_close(struct medium *md)
{
	/* A forked child has no base, but what the file backend allocated. */
	if (md->m.base || md->m.backend == &backend_file)
		md->m.backend->unmap(&md->m);
	if (md->m.fd >= 0)
		close(md->m.fd);
	if (md->lock_fd >= 0) {
		/* A child that is just being forked may share it. */
		flock(md->lock_fd, LOCK_UN);
		close(md->lock_fd);
	}
	if (md->temp_path)
		unlink(md->temp_path);
	free(md->temp_path);
	free(md->path);
	memset(md, 0, sizeof(*md));
	md->m.fd = md->lock_fd = -1;
}

int medium_grow(struct medium *md, uint64_t size)
{
	/* A user's backend keeps its own limit. */
	if (size > md->m.max_size &&
	    !(md->m.backend->traits & PM_BACKEND_NO_FILE)) {
		errno = ENOMEM;
		return -1;
	}
	if (md->m.backend->grow(&md->m, size))
		return -1;
	__atomic_store_n(&md->m.size, size, __ATOMIC_RELEASE);
	return 0;
}

void medium_ungrow(struct medium *md, uint64_t size)
{
	/* What lies beyond is cut off by the next growth. */
	__atomic_store_n(&md->m.size, size, __ATOMIC_RELAXED);
}

enum cut medium_is_cut(const struct medium *md)
{
	/* What a private region grew by is in no file. */
	if (md->m.fd < 0 || md->m.backend == &backend_private)
		return NOT_CUT;
	return filemap_cut(&md->m);
}
