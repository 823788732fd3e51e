/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * record.c: a backend that does what the real one does, and records it.
 *
 * It has the name and the promises of the real one, but is told of every
 * flush, also where the real medium needs none: a pool in memory is recorded
 * as if it lay on persistent memory. All media of one kind share a table, as
 * one fence may order them all.
 */
#include "crash/record.h"

#include <stdio.h>
#include <string.h>

#define OPEN_MAX 64

/* Open media and the numbers of their paths. */
static struct {
	const PmMedium *m;
	uint8_t number;
} open_media[OPEN_MAX];
static char *paths[OPEN_MAX];
static __thread bool opening_primary;
static __thread int opening = -1;	/* medium that has just been mapped */

struct kind {
	PmBackend table;
	const PmBackend *real;
};

static const PmBackend *real_of(const PmMedium *m)
{
	return ((const struct kind *)m->backend)->real;
}

static int number_of(const PmMedium *m)
{
	for (int i = 0; i < OPEN_MAX; i++)
		if (open_media[i].m == m)
			return open_media[i].number;
	return -1;
}

static int path_number(const char *path)
{
	for (int i = 0; i < OPEN_MAX; i++) {
		if (!paths[i])
			paths[i] = strdup(path);
		if (paths[i] && strcmp(paths[i], path) == 0)
			return i;
	}
	return -1;
}

/* An event of this medium, if it is one that is recorded; lock held. */
static void add(const PmMedium *m, struct record r, const void *bytes)
{
	int number = number_of(m);

	if (number < 0)
		return;
	r.medium = (uint8_t)number;
	file_add(r, bytes, bytes ? r.n : 0, NULL, 0);
}

static void opened(PmMedium *m)
{
	struct record r = {.kind = REC_OPEN, .off = m->max_size, .n = m->size,
			   .how = opening_primary ? REC_PRIMARY : 0};
	char text[4096 + 32];
	int number = path_number(m->path), len;

	for (int i = 0; i < OPEN_MAX && number >= 0; i++) {
		if (open_media[i].m)
			continue;
		open_media[i].m = m;
		open_media[i].number = (uint8_t)number;
		opening = number;
		r.medium = (uint8_t)number;
		if (!m->created)
			r.number = file_image(m->base, m->size);
		len = snprintf(text, sizeof(text), "%s%c%s", m->path, 0,
			       real_of(m)->name);
		file_add(r, text, (size_t)len + 1, NULL, 0);
		return;
	}
}

static int rec_map(PmMedium *m)
{
	if (real_of(m)->map(m))
		return -1;
	if (file_on()) {
		file_lock();
		opened(m);
		file_unlock();
	}
	return 0;
}

static void rec_unmap(PmMedium *m)
{
	if (file_on()) {
		file_lock();
		add(m, (struct record){.kind = REC_CLOSE}, NULL);
		for (int i = 0; i < OPEN_MAX; i++)
			if (open_media[i].m == m)
				open_media[i].m = NULL;
		file_unlock();
	}
	real_of(m)->unmap(m);
}

static int rec_grow(PmMedium *m, uint64_t size)
{
	struct record r = {.kind = REC_GROW, .off = m->size, .n = size};
	int ret;

	if (!file_on())
		return real_of(m)->grow(m, size);
	calls_begin();
	file_lock();
	ret = real_of(m)->grow(m, size);
	if (ret == 0)
		add(m, r, NULL);
	file_unlock();
	return ret;
}

static int rec_reserve(PmMedium *m, uint64_t off, uint64_t n)
{
	return real_of(m)->reserve(m, off, n);
}

static void rec_write(PmMedium *m, uint64_t off, const void *src, size_t n,
		      unsigned how)
{
	struct record r = {.kind = REC_WRITE, .off = off, .n = n,
			   .how = (uint8_t)how};

	if (!file_on()) {
		real_of(m)->write(m, off, src, n, how);
		return;
	}
	calls_begin();
	file_lock();
	real_of(m)->write(m, off, src, n, how);
	add(m, r, src);
	file_unlock();
}

static void rec_fill(PmMedium *m, uint64_t off, int c, size_t n, unsigned how)
{
	struct record r = {.kind = REC_FILL, .off = off, .n = n,
			   .how = (uint8_t)how, .number = (uint8_t)c};

	if (!file_on()) {
		real_of(m)->fill(m, off, c, n, how);
		return;
	}
	calls_begin();
	file_lock();
	real_of(m)->fill(m, off, c, n, how);
	add(m, r, NULL);
	file_unlock();
}

static void rec_flush(PmMedium *m, uint64_t off, size_t n)
{
	struct record r = {.kind = REC_FLUSH, .off = off, .n = n};

	if (!file_on()) {
		real_of(m)->flush(m, off, n);
		return;
	}
	file_lock();
	real_of(m)->flush(m, off, n);
	if (n)
		add(m, r, NULL);
	file_unlock();
}

static int rec_fence(PmMedium *m)
{
	bool alone;
	int ret;

	if (!file_on())
		return real_of(m)->fence(m);
	alone = calls_fence_begin();
	file_lock();
	/* One that fails makes nothing certain. */
	ret = real_of(m)->fence(m);
	if (ret == 0)
		add(m, (struct record){.kind = REC_FENCE}, NULL);
	file_unlock();
	if (alone)
		calls_fence_end();
	return ret;
}

const PmBackend *record_backend(const char *real_name)
{
	static struct kind kinds[4];
	const PmBackend *real = pm_backend(real_name);

	for (int i = 0; real && i < 4; i++) {
		struct kind *k = &kinds[i];

		if (k->real && k->real != real)
			continue;
		k->real = real;
		k->table = *real;
		k->table.traits &= ~PM_BACKEND_NO_FLUSH;
		k->table.map = rec_map;
		k->table.grow = rec_grow;
		k->table.reserve = real->reserve ? rec_reserve : NULL;
		k->table.unmap = rec_unmap;
		k->table.write = rec_write;
		k->table.fill = rec_fill;
		k->table.flush = rec_flush;
		k->table.fence = rec_fence;
		return &k->table;
	}
	return NULL;
}

void record_opening(bool primary)
{
	opening_primary = primary;
	opening = -1;
}

void record_opened(bool ok)
{
	if (!ok || opening < 0 || !file_on())
		return;
	file_lock();
	file_add((struct record){.kind = REC_READY, .medium = (uint8_t)opening},
		 NULL, 0, NULL, 0);
	file_unlock();
}
