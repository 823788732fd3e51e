/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/inside/target.c: the file that an image of a pool is made in. It is
 * written by write(2), which tells of a full disk where a mapping would end the
 * process, and read through a mapping, as records are replayed that change
 * single bits.
 */
#include "inside/image.h"

#include "alloc/internal.h"

#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK_MIN (8u << 10)
#define CHUNK_MAX (128u << 10)
#define SHARE_LEN (8u << 20)	/* at a time */

static int write_failed(struct target *t)
{
	if (!t->err)
		t->err = errno ? errno : EIO;
	return err_set(t->err, "cannot write the copy: %s", strerror(t->err));
}

static int write_all(struct target *t, uint64_t off, const void *buf,
		     uint64_t n)
{
	const uint8_t *from = buf;

	while (n) {
		ssize_t done = pwrite(t->fd, from, n, (off_t)off);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return write_failed(t);
		from += done;
		off += (uint64_t)done;
		n -= (uint64_t)done;
	}
	return 0;
}

/* --- a backend that the library's replay writes through --- */

static void image_write(PmMedium *m, uint64_t off, const void *src, size_t n,
			unsigned how)
{
	(void)how;
	(void)write_all(m->priv, off, src, n);
}

static void image_fill(PmMedium *m, uint64_t off, int c, size_t n, unsigned how)
{
	uint8_t buf[4096];

	(void)how;
	memset(buf, c, sizeof(buf));
	while (n) {
		size_t part = n < sizeof(buf) ? n : sizeof(buf);

		if (write_all(m->priv, off, buf, part))
			return;
		off += part;
		n -= part;
	}
}

static const PmBackend backend_image = {
	.abi = PM_BACKEND_ABI,
	.traits = PM_BACKEND_NO_FLUSH,
	.name = "image",
	.write = image_write,
	.fill = image_fill,
};

/* --- copying --- */

/* Lets the file system share blocks. False: these bytes are to be copied. */
static bool share(struct target *t, const struct live *l, uint64_t off,
		  uint64_t n)
{
	struct file_clone_range range = {
		.src_fd = l->r.md.m.fd,
		.src_offset = off,
		.src_length = n,
		.dest_offset = off,
	};

	if (!t->reflink)
		return false;
	if (ioctl(t->fd, FICLONERANGE, &range) == 0) {
		t->shared += n;
		return true;
	}
	t->reflink = false;
	return false;
}

static int copy_chunk(struct target *t, const struct live *l, uint64_t off,
		      uint64_t n)
{
	static uint8_t buf[CHUNK_MAX];

	return live_read(l, off, buf, n) || write_all(t, off, buf, n) ? -1 : 0;
}

/* The first bytes in [off, end) that the file has of its own. */
static void next_data(const struct live *l, uint64_t off, uint64_t end,
		      uint64_t *lo, uint64_t *hi)
{
	off_t data = lseek(l->r.md.m.fd, (off_t)off, SEEK_DATA), hole;

	*lo = off;
	*hi = end;
	if (data < 0 && errno == ENXIO)
		*lo = end;
	if (data < 0)
		return;
	*lo = min_u64((uint64_t)data, end);
	hole = lseek(l->r.md.m.fd, data, SEEK_HOLE);
	if (hole > data)
		*hi = min_u64((uint64_t)hole, end);
}

/* followed: between two pieces the log is looked at. */
static int copy_range(struct target *t, struct live *l, uint64_t off,
		      uint64_t end, bool followed)
{
	uint64_t chunk = l->r.hdr->lane_size / 2, lo, hi, n;
	int ret = 0;

	chunk = max_u64(min_u64(chunk, CHUNK_MAX), CHUNK_MIN);
	while (off < end && ret == 0) {
		next_data(l, off, end, &lo, &hi);
		for (off = lo; off < hi && ret == 0; off += n) {
			n = min_u64(SHARE_LEN, hi - off);
			if (off % PM_PAGE || n % PM_PAGE ||
			    !share(t, l, off, n)) {
				n = min_u64(chunk, hi - off);
				ret = copy_chunk(t, l, off, n);
			}
			if (ret == 0 && followed)
				ret = live_poll(l);
			if (t->show)
				t->show(t->arg, off, l->file_size);
		}
	}
	return ret;
}

static int copy_meta(struct target *t, struct live *l)
{
	const struct pm_header *h = l->r.hdr;
	uint32_t i;
	int ret = 0;

	for (i = 0; i < h->n_zones && ret == 0; i++) {
		struct zone z;

		zone_layout(&h->zone[i], h->extent_size, &z);
		ret = copy_range(t, l, z.off, z.spill_off, true);
	}
	return ret;
}

int target_copy(struct target *t, struct live *l, unsigned what)
{
	t->shared = 0;
	if (ftruncate(t->fd, 0) || ftruncate(t->fd, (off_t)l->file_size))
		return write_failed(t);
	if (what == IMAGE_META)
		return copy_meta(t, l);
	if (what == IMAGE_WHOLE)
		return copy_range(t, l, 0, l->file_size, false);
	return copy_range(t, l, l->r.zone_off, l->file_size, true);
}

/* --- the region that is replayed into --- */

void target_forget(struct target *t)
{
	struct region *r = t->r;

	t->r = NULL;
	if (!r)
		return;
	if (r->home)
		munmap((void *)r->home, r->md.m.max_size);
	pthread_mutex_destroy(&r->hdr_mu);
	free(r->md.path);
	free(r->log);
	free(r->hdr);
	free(r);
}

static int map_copy(struct target *t, struct region *r, uint64_t size)
{
	void *p;

	if (ftruncate(t->fd, (off_t)size))
		return write_failed(t);
	p = mmap(NULL, size, PROT_READ, MAP_SHARED, t->fd, 0);
	if (p == MAP_FAILED)
		return err_set(errno, "cannot map the copy: %s",
			       strerror(errno));
	r->home = p;
	r->md.m = (PmMedium){.backend = &backend_image, .fd = t->fd,
			     .base = p, .size = size, .max_size = size,
			     .priv = t};
	return 0;
}

struct region *target_region(struct target *t, const struct region *live)
{
	struct region *r = calloc(1, sizeof(*r));
	struct stat st;

	target_forget(t);
	t->r = r;
	if (!r) {
		err_set(ENOMEM, "out of memory");
		return NULL;
	}
	pthread_mutex_init(&r->hdr_mu, NULL);
	r->hdr = aligned_alloc(PM_PAGE, PM_HDR_SIZE);
	r->log = aligned_alloc(64, round_up(sizeof(*r->log), 64));
	r->md.path = strdup(region_name(live));
	if (!r->hdr || !r->log || !r->md.path) {
		err_set(ENOMEM, "out of memory");
		return NULL;
	}
	memset(r->log, 0, sizeof(*r->log));
	memcpy(r->hdr, live->hdr, PM_HDR_SIZE);
	r->id = live->id;
	r->zone_off = live->zone_off;
	/* A zone's bytes are in the file before the entry that adds it. */
	if (fstat(live->md.m.fd, &st) ||
	    map_copy(t, r, (uint64_t)st.st_size))
		return NULL;
	return r;
}

int target_done(struct target *t)
{
	uint64_t size = t->r ? t->r->hdr->size : 0;

	target_forget(t);
	if (t->err)
		return write_failed(t);
	if (size && ftruncate(t->fd, (off_t)size))
		return write_failed(t);
	if (!t->memory && fsync(t->fd))
		return write_failed(t);
	return 0;
}
