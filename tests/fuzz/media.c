/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * media.c: media in memory. A backend of the test's own serves them without a
 * system call, or they are files in memory; the library's choice of a backend
 * and its random numbers are replaced by the linker (--wrap).
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#define HAVE_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_POISON 1
#endif
#endif
#ifdef HAVE_POISON
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

struct image image_a, image_b;

static struct medium_of {
	uint8_t *bytes;		/* of the medium, not of the image */
	size_t len;
	int fd;
	uint8_t *file;		/* the same, when it is a file     */
	char path[32];
} media[2];
static bool files;

static struct medium_of *medium_of(const struct image *im)
{
	return &media[im == &image_b];
}

/* Reading behind the end of a medium is an error. */
static void set_len(struct medium_of *m, size_t len)
{
	ASAN_UNPOISON_MEMORY_REGION(m->bytes, len);
	ASAN_POISON_MEMORY_REGION(m->bytes + len, MEDIUM_ROOM - len);
	m->len = len;
}

static int ram_map(PmMedium *m)
{
	const char *slash = m->path ? strrchr(m->path, '/') : NULL;
	const char *name = slash ? slash + 1 : "";

	if (strcmp(name, "a") && strcmp(name, "b")) {
		errno = ENOENT;
		return -1;
	}
	m->priv = &media[*name == 'b'];
	m->created = m->created && !media[*name == 'b'].len;
	if (m->created)
		set_len(m->priv, m->size);
	m->base = media[*name == 'b'].bytes;
	m->size = media[*name == 'b'].len;
	return 0;
}

static int ram_grow(PmMedium *m, uint64_t size)
{
	struct medium_of *of = m->priv;

	if (size > MEDIUM_ROOM) {
		errno = ENOSPC;
		return -1;
	}
	ASAN_UNPOISON_MEMORY_REGION(of->bytes, MEDIUM_ROOM);
	memset(of->bytes + m->size, 0, size - m->size);
	set_len(of, size);
	return 0;
}

static void ram_unmap(PmMedium *m)
{
	m->base = NULL;
}

static void ram_write(PmMedium *m, uint64_t off, const void *src, size_t n,
		      unsigned how)
{
	(void)how;
	memcpy(m->base + off, src, n);
}

static void ram_fill(PmMedium *m, uint64_t off, int c, size_t n, unsigned how)
{
	(void)how;
	memset(m->base + off, c, n);
}

/* What is flushed is read: a place outside is found. */
static void ram_flush(PmMedium *m, uint64_t off, size_t n)
{
	struct medium_of *of = m->priv;

	if (n > of->len || off > of->len - n) {
		fprintf(stderr, "flush outside the medium\n");
		abort();
	}
}

static int ram_fence(PmMedium *m)
{
	(void)m;
	return 0;
}

static const PmBackend ram = {
	.abi = PM_BACKEND_ABI,
	.traits = PM_BACKEND_NO_FILE | PM_BACKEND_CPU_FENCE,
	.name = "ram",
	.survives = PM_SURVIVES_NOTHING,
	.map = ram_map,
	.grow = ram_grow,
	.unmap = ram_unmap,
	.write = ram_write,
	.fill = ram_fill,
	.flush = ram_flush,
	.fence = ram_fence,
};

const PmBackend *__real_medium_choose(const PmWrapperConfig *c, int fd);
const PmBackend *__wrap_medium_choose(const PmWrapperConfig *c, int fd);
uint64_t __wrap_random_id(void);

const PmBackend *__wrap_medium_choose(const PmWrapperConfig *c, int fd)
{
	return files ? __real_medium_choose(c, fd) : &ram;
}

uint64_t __wrap_random_id(void)
{
	static uint64_t n;

	return n++ ? 0x9e3779b97f4a7c15ull * n : GOOD_ID;
}

void media_use_files(bool yes)
{
	files = yes;
}

/* Only what differs: most pages of most images are the same. */
static void update(uint8_t *to, const struct image *im)
{
	size_t at;

	for (at = 0; at < im->len; at += PM_PAGE)
		if (memcmp(to + at, im->bytes + at, PM_PAGE))
			memcpy(to + at, im->bytes + at, PM_PAGE);
}

const char *media_load(struct image *im)
{
	struct medium_of *m = medium_of(im);

	if (files) {
		if (ftruncate(m->fd, (off_t)im->len))
			abort();
		update(m->file, im);
		return m->path;
	}
	set_len(m, im->len);
	update(m->bytes, im);
	return im == &image_a ? "/a" : "/b";
}

bool media_same(const struct image *im)
{
	struct medium_of *m = medium_of(im);
	struct stat st;

	if (!files)
		return m->len == im->len &&
		       !memcmp(m->bytes, im->bytes, m->len);
	return fstat(m->fd, &st) == 0 && st.st_size == (off_t)im->len &&
	       !memcmp(m->file, im->bytes, im->len);
}

static void make_good(void)
{
	PmWrapperConfig c = {.path = "/b", .size = 1 << 20,
			     .max_size = 2 << 20, .lanes = 2,
			     .flags = PM_CREATE};
	uint64_t *root;

	if (pm_init(c) || !(root = pm_root(64)) || !PM_SET(*root, 42) ||
	    pm_close())
		abort();
	image_b.len = media[1].len;
	memcpy(image_b.bytes, media[1].bytes, image_b.len);
}

void media_begin(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		struct image *im = i ? &image_b : &image_a;

		im->bytes = aligned_alloc(PM_PAGE, MEDIUM_ROOM);
		media[i].bytes = aligned_alloc(PM_PAGE, MEDIUM_ROOM);
		media[i].fd = memfd_create("fuzz", MFD_CLOEXEC);
		media[i].file = mmap(NULL, MEDIUM_ROOM, PROT_READ | PROT_WRITE,
				     MAP_SHARED, media[i].fd, 0);
		if (!im->bytes || !media[i].bytes ||
		    media[i].file == MAP_FAILED)
			abort();
		memset(media[i].bytes, 0, MEDIUM_ROOM);
		(void)snprintf(media[i].path, sizeof(media[i].path),
			       "/proc/self/fd/%d", media[i].fd);
	}
	make_good();
}
