/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * clone.c: a copy of a pool with an id of its own, and other changes of the
 * header of a pool that nobody has open. The log is emptied first, so what is
 * changed stands in the header only, and both copies of that change one after
 * the other: a crash leaves the old header or the new one.
 */
#include "heap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

/* What this region's own table says about itself follows. */
static void rename_in_map(struct pm_header *h, uint64_t old, uint64_t id)
{
	unsigned i;

	for (i = 0; i < PM_NUMBERS_MAX; i++)
		if (h->idmap[i] == old)
			h->idmap[i] = id;
	h->id = id;
	/* Transactions with others were those of the original. */
	h->n_peers = 0;
	h->n_lost = 0;
	h->lost_floor = 0;
	memset(h->peer, 0, sizeof(h->peer));
	memset(h->lost, 0, sizeof(h->lost));
}

static void give_id(struct region *r, const void *id)
{
	rename_in_map(r->hdr, r->id, *(const uint64_t *)id);
}

int heap_change_header(const char *path,
		       int (*check)(const struct region *r, const void *arg),
		       void (*change)(struct region *r, const void *arg),
		       const void *arg)
{
	PmWrapperConfig c = {.path = path};
	struct region *r;
	int ret, err;

	window_choose();
	r = heap_load(&c, true);
	if (!r)
		return -1;
	ret = check ? check(r, arg) : 0;
	if (ret == 0)
		ret = alloc_open(r);
	if (ret == 0)
		ret = log_open(r, PM_STRICT, 0, 0);
	if (ret == 0) {
		/* No other thread has it: it is in no table. */
		change(r, arg);
		r->hdr_dirty = true;
		ret = log_close(r, true);
	}
	err = errno;
	heap_unload(r);
	errno = err;
	return ret;
}

static int reid(const char *path)
{
	uint64_t id = random_id();

	return heap_change_header(path, NULL, give_id, &id);
}

PM_API int pm_reid(const char *path)
{
	int ret;

	if (!path)
		return err_set(EINVAL, "pm_reid: no path");
	pthread_mutex_lock(&heap_mu);
	ret = reid(path);
	pthread_mutex_unlock(&heap_mu);
	return ret;
}

static int copy_bytes(int from, int to, off_t size)
{
	off_t off = 0;

	while (off < size) {
		off_t data = lseek(from, off, SEEK_DATA), hole;
		ssize_t n;

		if (data < 0 && errno == ENXIO)
			break;		/* nothing but a hole is left */
		/* A file system that does not know holes has none. */
		if (data < 0 && errno == EINVAL)
			data = off;
		if (data < 0)
			return -1;
		hole = lseek(from, data, SEEK_HOLE);
		if (hole < 0 && errno != EINVAL)
			return -1;
		if (hole < 0)
			hole = size;
		if (lseek(to, data, SEEK_SET) < 0)
			return -1;
		for (off = data; off < hole; ) {
			n = sendfile(to, from, &off, (size_t)(hole - off));
			if (n == 0)
				errno = EIO;
			if (n <= 0)
				return -1;
		}
	}
	return ftruncate(to, size);
}

/* Copies to a temporary name beside dst, gives it an id, then renames it. */
static int copy(const char *src, const char *dst)
{
	char *temp = NULL;
	struct stat st;
	int from = -1, to = -1, ret = -1, err;

	if (access(dst, F_OK) == 0)
		return err_set(EEXIST, "%s: exists already", dst);
	from = open(src, O_RDONLY | O_CLOEXEC);
	if (from < 0)
		return err_set(errno, "%s: cannot open: %s", src,
			       strerror(errno));
	if (fstat(from, &st)) {
		err_set(errno, "%s: cannot look at it: %s", src,
			strerror(errno));
		goto out;
	}
	if (lock_file(from, true, src))
		goto out;
	if (asprintf(&temp, "%s.new-%ld", dst, (long)getpid()) < 0) {
		temp = NULL;
		err_set(ENOMEM, "out of memory");
		goto out;
	}
	/* Of a process with our number that was killed here. */
	unlink(temp);
	to = open(temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
		  st.st_mode & 0777);
	if (to < 0 || copy_bytes(from, to, st.st_size) || fsync(to)) {
		err_set(errno, "%s: cannot copy to %s: %s", src, dst,
			strerror(errno));
		goto out;
	}
	if (reid(temp))
		goto out;
	ret = name_file(temp, dst);
	if (ret == 0 && sync_dir(dst)) {
		err = errno;
		unlink(dst);
		errno = err;
		ret = -1;
	}
	if (ret)
		err_set(errno, "%s: cannot create: %s", dst, strerror(errno));
out:
	err = errno;
	if (to >= 0) {
		unlink(temp);
		close(to);
	}
	close(from);
	free(temp);
	errno = err;
	return ret;
}

PM_API int pm_clone(const char *src, const char *dst)
{
	PmCheckReport report;
	int ret;

	if (!src || !dst)
		return err_set(EINVAL, "pm_clone: no path");
	/* Refuse what is no pool before copying it. */
	if (pm_check(src, 0, &report))
		return -1;
	pthread_mutex_lock(&heap_mu);
	ret = copy(src, dst);
	pthread_mutex_unlock(&heap_mu);
	return ret;
}
