/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/inside/pool.c: a pool that is opened to look at what it holds. The log
 * of one that was not closed is replayed into private memory; of one in use an
 * image is made in memory first.
 */
#include "inside/live.h"

#include "heap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define IMAGE_LIMIT_MS 10000

struct pool {
	struct region *r;
	char *path;
	int memory;		/* of the image, -1: none */
};

static int image_open(struct pool *p, bool objects)
{
	struct image_how how = {.what = objects ? IMAGE_ALL : IMAGE_META,
				.memory = true, .limit_ms = IMAGE_LIMIT_MS};
	struct image_report report;
	char proc[64];
	PmWrapperConfig c = {.path = proc, .flags = PM_RDONLY};

	p->memory = memfd_create("pmheap-image", MFD_CLOEXEC);
	if (p->memory < 0)
		return err_set(errno, "no memory for an image: %s",
			       strerror(errno));
	if (image_make(p->path, p->memory, &how, &report))
		return -1;
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", p->memory);
	p->r = heap_load(&c, true);
	return p->r ? 0 : -1;
}

static int load(struct pool *p, bool objects)
{
	PmWrapperConfig c = {.path = p->path, .flags = PM_RDONLY};

	p->r = heap_load(&c, true);
	if (!p->r && (errno != EBUSY || image_open(p, objects)))
		return -1;
	return alloc_open(p->r) || heap_check_root(p->r) ? -1 : 0;
}

int pool_open(const char *path, bool objects, struct pool **out)
{
	struct pool *p = calloc(1, sizeof(*p));
	int err;

	*out = NULL;
	window_choose();
	if (!p)
		return err_set(ENOMEM, "out of memory");
	p->memory = -1;
	p->path = strdup(path);
	if (!p->path)
		err_set(ENOMEM, "out of memory");
	if (!p->path || load(p, objects)) {
		err = errno;
		pool_close(p);
		errno = err;
		return -1;
	}
	*out = p;
	return 0;
}

void pool_close(struct pool *p)
{
	if (!p)
		return;
	if (p->r)
		heap_unload(p->r);
	if (p->memory >= 0)
		close(p->memory);
	free(p->path);
	free(p);
}

void pool_look(const struct pool *p, struct pool_info *out)
{
	const struct pm_header *h = p->r->hdr;

	*out = (struct pool_info){
		.id = h->id,
		.size = h->size,
		.root_off = h->root_off,
		.root_size = h->root_size,
		.address = window.base + window_slot_size() * PM_PRIMARY,
		.extent_size = h->extent_size,
		.zones = h->n_zones,
		.in_use = p->memory >= 0,
	};
	memcpy(out->layout, h->layout, sizeof(out->layout));
}

int pool_each(const struct pool *p, int (*fn)(const struct group *g, void *arg),
	      void *arg)
{
	return groups_each(p->r->hdr, p->r->home, p->path, fn, arg);
}

const void *pool_bytes(const struct pool *p, uint64_t off)
{
	return p->r->home + off;
}

/* The pool's own number, where it is a secondary, is in its own table. */
uint64_t pool_pointer(const struct pool *p, uint64_t word)
{
	const struct pm_header *h = p->r->hdr;
	uint64_t number, first;

	if (word >> window.bits != window.base >> window.bits)
		return 0;
	number = (word - window.base) >> window.slot_bits;
	if (number == 0 || number >= PM_NUMBERS_MAX ||
	    h->idmap[number] != h->id)
		return 0;
	for (first = number; first > 1 && h->idmap[first - 1] == h->id; )
		first--;
	word -= window.base + (first << window.slot_bits);
	return word < h->size ? word : 0;
}

void window_look(uint64_t *base, uint64_t *len, uint64_t *slot)
{
	window_choose();
	*base = window.base;
	*len = 1ull << window.bits;
	*slot = window_slot_size();
}
