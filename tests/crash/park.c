/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * park.c: the backend that stops a thread. Lock order: mu is a leaf; a thread
 * that is stopped holds nothing of ours.
 */
#include "park.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LINE 64u
#define LINES (PARK_ROOM / LINE)
#define THREADS 64

struct media {
	uint8_t *bytes, *certain;
	uint64_t size;
	uint64_t version[LINES];	/* of the certain line            */
};

/* A line as a thread flushed it, not yet fenced. */
struct pending {
	struct media *m;
	uint64_t line, version;
	uint8_t bytes[LINE];
};

static struct media media[PARK_MEDIA];
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static uint64_t versions;
static __thread struct pending *pending;
static __thread size_t pending_n, pending_cap;
static __thread unsigned stop_at, calls;
static __thread bool fail_then, was_stopped;
static sem_t stopped, go;
static bool is_stopped;

static void make_media(void)
{
	int i;

	for (i = 0; i < PARK_MEDIA; i++) {
		media[i].bytes = mmap(NULL, 2 * PARK_ROOM,
				      PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (media[i].bytes == MAP_FAILED)
			abort();
		media[i].certain = media[i].bytes + PARK_ROOM;
	}
	sem_init(&stopped, 0, 0);
	sem_init(&go, 0, 0);
}

static struct media *find(const char *path)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const char *name = path ? strrchr(path, '/') : NULL;

	pthread_once(&once, make_media);
	return name && name[1] >= 'a' && name[1] < 'a' + PARK_MEDIA && !name[2]
		? &media[name[1] - 'a'] : NULL;
}

/* Before each call. True: a fence must fail. */
static bool here(bool fence)
{
	if (!stop_at || (fail_then && !fence) || ++calls != stop_at)
		return false;
	was_stopped = true;
	is_stopped = true;
	sem_post(&stopped);
	while (sem_wait(&go))
		;
	return fail_then;
}

void park_me(unsigned nth, bool fail)
{
	stop_at = nth;
	calls = 0;
	fail_then = fail;
	was_stopped = false;
}

bool park_done(void)
{
	stop_at = 0;
	fail_then = false;
	if (!was_stopped)
		sem_post(&stopped);
	return was_stopped;
}

bool park_wait(void)
{
	bool yes;

	while (sem_wait(&stopped))
		;
	yes = is_stopped;
	is_stopped = false;
	return yes;
}

void park_release(void)
{
	sem_post(&go);
}

static int park_map(PmMedium *m)
{
	struct media *im = find(m->path);

	if (!im || (!im->size && !m->created)) {
		errno = ENOENT;
		return -1;
	}
	if (im->size) {
		m->created = 0;
		m->size = im->size;
	} else {
		memset(im->bytes, 0, m->size);
		memset(im->certain, 0, m->size);
		im->size = m->size;
	}
	m->base = im->bytes;
	m->priv = im;
	return 0;
}

static int park_grow(PmMedium *m, uint64_t size)
{
	struct media *im = m->priv;

	here(false);
	if (size > PARK_ROOM) {
		errno = ENOSPC;
		return -1;
	}
	memset(im->bytes + m->size, 0, size - m->size);
	memset(im->certain + m->size, 0, size - m->size);
	im->size = size;
	return 0;
}

static void park_unmap(PmMedium *m)
{
	(void)m;
}

/* Called with mu held. */
static void note(struct media *im, uint64_t off, size_t n)
{
	uint64_t line;

	for (line = off / LINE; n && line <= (off + n - 1) / LINE; line++) {
		struct pending *p;

		if (pending_n == pending_cap) {
			pending_cap = pending_cap ? 2 * pending_cap : 256;
			pending = realloc(pending,
					  pending_cap * sizeof(*pending));
			if (!pending)
				abort();
		}
		p = &pending[pending_n++];
		p->m = im;
		p->line = line;
		p->version = ++versions;
		memcpy(p->bytes, im->bytes + line * LINE, LINE);
	}
}

static void park_flush(PmMedium *m, uint64_t off, size_t n)
{
	here(false);
	pthread_mutex_lock(&mu);
	note(m->priv, off, n);
	pthread_mutex_unlock(&mu);
}

static void park_write(PmMedium *m, uint64_t off, const void *src, size_t n,
		       unsigned how)
{
	here(false);
	pthread_mutex_lock(&mu);
	memcpy(m->base + off, src, n);
	if (how == PM_WRITE_FLUSH)
		note(m->priv, off, n);
	pthread_mutex_unlock(&mu);
}

static void park_fill(PmMedium *m, uint64_t off, int c, size_t n, unsigned how)
{
	here(false);
	pthread_mutex_lock(&mu);
	memset(m->base + off, c, n);
	if (how == PM_WRITE_FLUSH)
		note(m->priv, off, n);
	pthread_mutex_unlock(&mu);
}

static int park_fence(PmMedium *m)
{
	bool all = m->backend->traits & PM_BACKEND_CPU_FENCE;
	size_t i;

	if (here(true)) {
		errno = EIO;
		return -1;
	}
	pthread_mutex_lock(&mu);
	for (i = 0; i < pending_n; i++) {
		struct pending *p = &pending[i];

		if (!all && p->m != m->priv)
			continue;
		if (p->m->version[p->line] < p->version) {
			memcpy(p->m->certain + p->line * LINE, p->bytes, LINE);
			p->m->version[p->line] = p->version;
		}
		*p = pending[--pending_n];
		i--;
	}
	pthread_mutex_unlock(&mu);
	return 0;
}

#define PARK_OPS						\
	.abi = PM_BACKEND_ABI,					\
	.survives = PM_SURVIVES_POWER,				\
	.map = park_map,					\
	.grow = park_grow,					\
	.unmap = park_unmap,					\
	.write = park_write,					\
	.fill = park_fill,					\
	.flush = park_flush,					\
	.fence = park_fence

const PmBackend park_backend = {
	.traits = PM_BACKEND_NO_FILE | PM_BACKEND_CPU_FENCE,
	.name = "park",
	PARK_OPS,
};

const PmBackend park_disk = {
	.traits = PM_BACKEND_NO_FILE,
	.name = "park-disk",
	PARK_OPS,
};

void park_end(void)
{
	free(pending);
	pending = NULL;
	pending_n = pending_cap = 0;
}

void park_take(struct park_image *im, bool certain)
{
	int i;

	pthread_mutex_lock(&mu);
	for (i = 0; i < PARK_MEDIA; i++) {
		struct media *m = &media[i];

		im->size[i] = m->size;
		im->bytes[i] = NULL;
		if (!m->size)
			continue;
		im->bytes[i] = malloc(m->size);
		if (!im->bytes[i])
			abort();
		memcpy(im->bytes[i], certain ? m->certain : m->bytes, m->size);
	}
	pthread_mutex_unlock(&mu);
}

void park_put(const struct park_image *im)
{
	int i;

	pending_n = 0;
	for (i = 0; i < PARK_MEDIA; i++) {
		struct media *m = &media[i];

		m->size = im->size[i];
		if (!m->size)
			continue;
		memcpy(m->bytes, im->bytes[i], m->size);
		memcpy(m->certain, im->bytes[i], m->size);
	}
}

void park_free(struct park_image *im)
{
	int i;

	for (i = 0; i < PARK_MEDIA; i++)
		free(im->bytes[i]);
	memset(im, 0, sizeof(*im));
}
