/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * medium.c: a backend in memory that counts the fences and the lines that are
 * flushed, as those of persistent memory would be.
 */
#include "counts.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define LINE 64
#define MEDIA 2
#define ROOM ((size_t)64 << 20)

static struct image {
	uint8_t	*bytes;
	uint64_t size;
} images[MEDIA];

struct counts counted;

static struct image *image_of(const PmMedium *m)
{
	return &images[m->path[strlen(m->path) - 1] - 'a'];
}

static int counting_map(PmMedium *m)
{
	struct image *im = image_of(m);

	if (!im->bytes) {
		im->bytes = mmap(NULL, ROOM, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
				 -1, 0);
		if (im->bytes == MAP_FAILED)
			return -1;
	}
	if (im->size) {
		m->created = 0;
		m->size = im->size;
	}
	if (m->size > ROOM || m->max_size > ROOM) {
		errno = ENOSPC;
		return -1;
	}
	im->size = m->size;
	m->base = im->bytes;
	return 0;
}

static int counting_grow(PmMedium *m, uint64_t size)
{
	if (size > ROOM) {
		errno = ENOSPC;
		return -1;
	}
	image_of(m)->size = size;
	return 0;
}

static void counting_unmap(PmMedium *m)
{
	(void)m;
}

static void lines_count(uint64_t off, size_t n)
{
	if (n)
		counted.lines += (off + n - 1) / LINE - off / LINE + 1;
}

static void counting_write(PmMedium *m, uint64_t off, const void *src,
			   size_t n, unsigned how)
{
	memcpy(m->base + off, src, n);
	if (how == PM_WRITE_FLUSH)
		lines_count(off, n);
}

static void counting_fill(PmMedium *m, uint64_t off, int c, size_t n,
			  unsigned how)
{
	memset(m->base + off, c, n);
	if (how == PM_WRITE_FLUSH)
		lines_count(off, n);
}

static void counting_flush(PmMedium *m, uint64_t off, size_t n)
{
	(void)m;
	lines_count(off, n);
}

static int counting_fence(PmMedium *m)
{
	(void)m;
	counted.fences++;
	return 0;
}

const PmBackend counting = {
	.abi = PM_BACKEND_ABI,
	.traits = PM_BACKEND_NO_FILE | PM_BACKEND_CPU_FENCE,
	.name = "counting",
	.survives = PM_SURVIVES_POWER,
	.map = counting_map,
	.grow = counting_grow,
	.unmap = counting_unmap,
	.write = counting_write,
	.fill = counting_fill,
	.flush = counting_flush,
	.fence = counting_fence,
};

void media_forget(void)
{
	for (int i = 0; i < MEDIA; i++) {
		if (images[i].bytes)
			munmap(images[i].bytes, ROOM);
		images[i] = (struct image){ 0 };
	}
}
