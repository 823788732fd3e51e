/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backend_ram.c: a backend of one's own, by include/pmheap/backend.h.
 *
 * Its media are images in malloc memory with names. A pool in one can be
 * closed and opened again while the process lives, and an image can be copied
 * at any moment, which is what a power cut would leave behind.
 */
#define _GNU_SOURCE 1

#include <pmheap.h>
#include <pmheap/backend.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IMAGE_N 8
#define IMAGE_ALIGN 65536u

/* One medium; lives until the process ends. */
struct image {
	char name[64];
	uint8_t *bytes;
	uint64_t size;		/* bytes in use               */
	uint64_t room;		/* bytes that it may grow to  */
	int is_open;
};

static struct image images[IMAGE_N];	/* used from the front */

/* The last part of a path: the directory means nothing here. */
static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static struct image *image_find(const char *name)
{
	for (int i = 0; i < IMAGE_N; i++)
		if (images[i].bytes && strcmp(images[i].name, name) == 0)
			return &images[i];
	errno = ENOENT;
	return NULL;
}

static struct image *image_make(const char *name, uint64_t size, uint64_t room)
{
	struct image *im = images;

	while (im < images + IMAGE_N && im->bytes)
		im++;
	room = (room + IMAGE_ALIGN - 1) / IMAGE_ALIGN * IMAGE_ALIGN;
	if (im == images + IMAGE_N || strlen(name) >= sizeof(im->name)) {
		errno = ENOSPC;
		return NULL;
	}
	im->bytes = aligned_alloc(IMAGE_ALIGN, room);
	if (!im->bytes)
		return NULL;
	memset(im->bytes, 0, room);
	strcpy(im->name, name);
	im->size = size;
	im->room = room;
	return im;
}

/* What a machine would find after losing power now. */
static int image_copy(const char *from, const char *to)
{
	const struct image *a = image_find(from);
	struct image *b = a ? image_make(to, a->size, a->room) : NULL;

	if (!b)
		return -1;
	memcpy(b->bytes, a->bytes, a->size);
	return 0;
}

/*
 * Opens the image that the path names, if there is one: then nothing was
 * created. Makes it if that was asked for.
 */
static int ram_map(PmMedium *m)
{
	const char *name = name_of(m->path);
	struct image *im = image_find(name);

	if (im && (m->flags & PM_EXCL)) {
		errno = EEXIST;
		return -1;
	}
	if (im && im->is_open) {
		errno = EBUSY;
		return -1;
	}
	if (im)
		m->created = 0;
	else if (m->created)
		im = image_make(name, m->size, m->max_size);
	if (!im)
		return -1;
	im->is_open = 1;
	m->base = im->bytes;
	m->size = im->size;
	m->priv = im;
	return 0;
}

static void ram_unmap(PmMedium *m)
{
	struct image *im = m->priv;

	im->is_open = 0;
	m->base = NULL;
}

/* The bytes beyond size have been zero since the image was made. */
static int ram_grow(PmMedium *m, uint64_t size)
{
	struct image *im = m->priv;

	if (size > im->room) {
		errno = ENOSPC;
		return -1;
	}
	im->size = size;
	return 0;
}

/*
 * Aligned words are stored whole, as the interface demands. Nobody looks at
 * an image while it is written, so the order of the words does not matter.
 */
static void ram_write(PmMedium *m, uint64_t off, const void *src, size_t n,
		      unsigned how)
{
	uint8_t *to = m->base + off;
	const uint8_t *from = src;

	(void)how;
	for (; n >= 8 && off % 8 == 0; n -= 8, to += 8, from += 8) {
		uint64_t word;

		memcpy(&word, from, 8);
		__atomic_store_n((uint64_t *)(void *)to, word,
				 __ATOMIC_RELAXED);
	}
	memcpy(to, from, n);
}

static void ram_fill(PmMedium *m, uint64_t off, int c, size_t n, unsigned how)
{
	(void)how;
	memset(m->base + off, c, n);
}

/* Memory keeps what is stored: nothing to flush, nothing to wait for. */
static void ram_flush(PmMedium *m, uint64_t off, size_t n)
{
	(void)m;
	(void)off;
	(void)n;
}

static int ram_fence(PmMedium *m)
{
	(void)m;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	return 0;
}

static const PmBackend ram = {
	.abi = PM_BACKEND_ABI,
	.traits = PM_BACKEND_NO_FILE | PM_BACKEND_NO_FLUSH |
		  PM_BACKEND_CPU_FENCE,
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

/* The program: a list of numbers in a pool on such an image. */

struct node {
	struct node *next;
	long value;
	char padding[1000];
};

struct root {
	struct node *first;
	long sum;
};

static void die(const char *what)
{
	fprintf(stderr, "backend_ram: %s: %s\n", what, pm_errormsg());
	exit(EXIT_FAILURE);
}

static struct root *open_image(const char *name, unsigned flags)
{
	struct root *r = NULL;

	if (pm_init((PmWrapperConfig){
			.path = name,
			.layout = "numbers",
			.size = flags & PM_CREATE ? (size_t)1 << 20 : 0,
			.max_size = flags & PM_CREATE ? (size_t)16 << 20 : 0,
			.backend = &ram,
			.flags = flags,
		}) < 0 || !(r = pm_root(sizeof(*r))))
		die(name);
	return r;
}

/* Adds 1..n in one transaction each. */
static void add(struct root *r, long n)
{
	for (long i = 1; i <= n; i++) {
		TX_START {
			struct node *e = PM_NEW(struct node);

			if (!e)
				TX_ABORT(errno);
			e->value = i;
			e->next = r->first;
			TX_SET(r->first, e);
			TX_SET(r->sum, r->sum + i);
		} TX_ONABORT {
			die("adding");
		} TX_END
	}
}

static void verify(const struct root *r, const char *when, long n)
{
	long sum = 0, count = 0;

	for (const struct node *e = r->first; e; e = e->next) {
		sum += e->value;
		count++;
	}
	if (count != n || sum != n * (n + 1) / 2 || sum != r->sum) {
		fprintf(stderr, "backend_ram: %s: %ld numbers, sum %ld, "
			"recorded %ld\n", when, count, sum, r->sum);
		exit(EXIT_FAILURE);
	}
	printf("%s: %ld numbers, sum %ld\n", when, count, sum);
}

static void close_all(void)
{
	if (pm_close() < 0)
		die("closing");
}

/* Frees all numbers; the image is copied before that is committed. */
static void empty(struct root *r)
{
	TX_START {
		struct node *next;

		for (struct node *e = r->first; e; e = next) {
			next = e->next;
			pm_free(e);
		}
		TX_SET(r->first, NULL);
		TX_SET(r->sum, 0);
		if (image_copy("image", "copy") < 0)
			TX_ABORT(errno);
	} TX_ONABORT {
		die("emptying");
	} TX_END
}

int main(void)
{
	const long n = 5000;	/* more than the image begins with */
	struct root *r = open_image("image", PM_CREATE | PM_EXCL);
	PmStats st;

	add(r, n);
	verify(r, "created", n);
	close_all();

	r = open_image("image", 0);
	verify(r, "reopened", n);
	if (pm_stats(PM_PRIMARY, &st) < 0)
		die("looking");
	printf("backend %s, survives %s, grown: %s\n", st.backend,
	       st.survives, st.size > 1 << 20 ? "yes" : "no");
	empty(r);
	close_all();

	r = open_image("image", 0);
	verify(r, "emptied", 0);
	close_all();

	r = open_image("copy", 0);
	verify(r, "recovered from the copy", n);
	close_all();
	for (int i = 0; i < IMAGE_N; i++)
		free(images[i].bytes);
	return EXIT_SUCCESS;
}
