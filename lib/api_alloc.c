/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * api_alloc.c: pm_alloc and its family, and the root object.
 */
#include "heap.h"

#include <string.h>

static pthread_mutex_t root_mu = PTHREAD_MUTEX_INITIALIZER;

void heap_root_fork_child(void)
{
	pthread_mutex_init(&root_mu, NULL);
}

static struct region *writable(int number)
{
	struct region *r = heap_region(number);

	return r && region_writable(r) == 0 ? r : NULL;
}

/* One allocation, as an operation of its own or inside a transaction. */
static void *allocate(int number, uint64_t size, uint64_t align, uint32_t type,
		      bool zero)
{
	struct region *r;
	void *p = NULL;

	if (UNLIKELY(op_begin()))
		return NULL;
	r = writable(number);
	if (LIKELY(r != NULL))
		p = tx_alloc(r, size ? size : 1, align, type, zero);
	return op_end(p ? 0 : -1) ? NULL : p;
}

PM_API void *pm_alloc(size_t size)
{
	return allocate(PM_PRIMARY, size, 16, 0, false);
}

PM_API void *pm_alloc_in(int region, size_t size)
{
	return allocate(region, size, 16, 0, false);
}

PM_API void *pm_calloc_in(int region, size_t n, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(n, size, &all)) {
		err_set(ENOMEM, "%zu objects of %zu bytes are more than can be "
			"addressed", n, size);
		if (tx_active())
			tx_doom(ENOMEM);
		return NULL;
	}
	return allocate(region, all, 16, 0, true);
}

PM_API void *pm_calloc(size_t n, size_t size)
{
	return pm_calloc_in(PM_PRIMARY, n, size);
}

PM_API void *pm_memalign(size_t align, size_t size)
{
	if (align == 0 || (align & (align - 1)) ||
	    align > window_slot_size()) {
		err_set(EINVAL, "alignment %zu is not a power of two up to "
			"16 GiB", align);
		if (tx_active())
			tx_doom(EINVAL);
		return NULL;
	}
	return allocate(PM_PRIMARY, size, align < 16 ? 16 : align, 0, false);
}

PM_API void *pm_alloc_type(int region, size_t size, uint32_t type)
{
	return allocate(region, size, 16, type & PM_TYPE_MAX, type & PM_ZERO);
}

/* The live object at p, or EINVAL. */
static struct region *find(const void *p, struct slot *s)
{
	struct region *r = table_of(p);

	if (LIKELY(r && region_off(r, p) >= r->zone_off &&
		   alloc_find(r, region_off(r, p), s) == 0))
		return r;
	err_set(EINVAL, "%p is not the start of a live object", p);
	err_misuse();
	return NULL;
}

/* As find(), for what may be freed or moved: not the root. */
static struct region *find_freeable(const void *p, struct slot *s)
{
	struct region *r = find(p, s);
	uint64_t off, size;

	if (UNLIKELY(!r))
		return NULL;
	tx_get_root(r, &off, &size);
	if (LIKELY(off != s->off))
		return r;
	err_set(EINVAL, "%p is the root object of %s, which cannot be freed; "
		"pm_root() resizes it", p, region_name(r));
	err_misuse();
	return NULL;
}

PM_API void pm_free(void *p)
{
	struct region *r;
	struct slot s;
	int ret = -1, err = errno;

	if (!p)
		return;
	if (UNLIKELY(op_begin()))
		return;
	r = find_freeable(p, &s);
	if (!r) {
		/* Misuse changes nothing and dooms nothing. */
		err = errno;
		op_end(0);
		errno = err;
		return;
	}
	if (region_writable(r) == 0)
		ret = tx_free(r, &s);
	if (op_end(ret) == 0)
		errno = err;
}

PM_API size_t pm_usable_size(const void *p)
{
	struct slot s;
	struct region *r = p ? find(p, &s) : NULL;

	if (!r)
		return 0;
	/* The program may use the bytes beyond what it asked for. */
	if (tx_active())
		tx_use_whole(r, &s);
	if (debug_memory())
		memory_resize(r, &s, s.usable);
	return s.usable;
}

PM_API uint32_t pm_type_of(const void *p)
{
	struct slot s;

	return find(p, &s) ? s.type : 0;
}

/* A new place for an object: copies what both hold, frees the old one. */
static void *move(struct region *r, const struct slot *old, void *p,
		  uint64_t size)
{
	uint64_t keep = min_u64(old->usable, size);
	void *q = tx_alloc(r, size, 16, old->type, false);

	if (!q)
		return NULL;
	/* Outside a transaction the contents are not logged as fresh. */
	if (tx_add_range(r, q, keep))
		return NULL;
	work_copy(q, p, keep);
	return tx_free(r, old) ? NULL : q;
}

PM_API void *pm_realloc(void *p, size_t size)
{
	struct region *r;
	struct slot s;
	void *q = NULL;

	if (!p)
		return pm_alloc(size);
	if (size == 0) {
		errno = 0;
		pm_free(p);
		return NULL;
	}
	if (op_begin())
		return NULL;
	r = find_freeable(p, &s);
	if (!r) {
		int err = errno;

		op_end(0);
		errno = err;
		return NULL;
	}
	if (region_writable(r) == 0) {
		if (size <= s.usable && (size > s.usable / 2 ||
					 s.usable <= 64)) {
			q = p;
			tx_use_whole(r, &s);
			/* An abort gives back what it cuts off. */
			if (debug_memory())
				memory_resize(r, &s, tx_active() ? s.usable
								 : size);
		} else {
			q = move(r, &s, p, size);
		}
	}
	return op_end(q ? 0 : -1) ? NULL : q;
}

PM_API char *pm_strdup(const char *text)
{
	size_t n = strlen(text) + 1;
	struct region *r;
	char *p = NULL;

	if (op_begin())
		return NULL;
	r = writable(PM_PRIMARY);
	if (r)
		p = tx_alloc(r, n, 16, 0, false);
	if (p && tx_add_range(r, p, n))
		p = NULL;
	if (p)
		memcpy(p, text, n);
	return op_end(p ? 0 : -1) ? NULL : p;
}

PM_API int pm_alloc_to(void *where, size_t size,
		       int (*init)(void *obj, void *arg), void *arg)
{
	struct region *r = alloc_owner_of(where, sizeof(void *));
	bool nested = tx_active();
	void *p;
	int ret;

	if (!r) {
		if (tx_active())
			tx_doom(EINVAL);
		return -1;
	}
	if (pm_tx_begin())
		return nested ? tx_doom(errno) : -1;
	p = pm_alloc_in(r->number, size);
	ret = p && init ? init(p, arg) : 0;
	if (ret)
		pm_tx_abort(ret > 0 ? ret : ECANCELED);
	else if (p && pm_tx_add(where, sizeof(p)) == 0)
		memcpy(where, &p, sizeof(p));
	if (ret)
		return -1;
	/* init() may give up; but what fails dooms the caller's level. */
	ret = pm_tx_commit();
	return ret && nested ? tx_doom(errno) : ret;
}

PM_API void *pm_first(int region, uint32_t type)
{
	struct region *r = heap_region(region);
	uint64_t off;

	if (!r)
		return NULL;
	if (type > PM_TYPE_MAX) {
		err_set(EINVAL, "type %u is more than %u", type, PM_TYPE_MAX);
		return NULL;
	}
	off = alloc_iterate(r, type, 0);
	return off ? r->work + off : NULL;
}

PM_API void *pm_next(const void *p)
{
	struct region *r;
	struct slot s;
	uint64_t off;

	r = find(p, &s);
	if (!r)
		return NULL;
	off = alloc_iterate(r, s.type, s.off);
	return off ? r->work + off : NULL;
}

/* The first root, or a larger one with the old contents. */
static void *make_root(struct region *r, uint64_t old_off, uint64_t old_size,
		       uint64_t size)
{
	uint8_t *p = tx_alloc(r, size, 16, 0, true);
	struct slot old;

	if (!p)
		return NULL;
	if (old_off) {
		if (alloc_find(r, old_off, &old) ||
		    tx_add_range(r, p, old_size))
			return NULL;
		memcpy(p, r->work + old_off, old_size);
		if (tx_free(r, &old))
			return NULL;
	}
	return tx_set_root(r, region_off(r, p), size) ? NULL : p;
}

static void *need_root(struct region *r, size_t size)
{
	uint64_t off, old;
	void *p = NULL;

	tx_get_root(r, &off, &old);
	if (off && size <= old)
		return r->work + off;
	if (op_begin())
		return NULL;
	if (region_writable(r) == 0)
		p = make_root(r, off, old, size);
	return op_end(p ? 0 : -1) ? NULL : p;
}

PM_API void *pm_root_in(int region, size_t size)
{
	struct region *r = heap_region(region);
	bool single = !tx_active();
	uint64_t off, old;
	void *p;

	if (!r)
		return NULL;
	tx_get_root(r, &off, &old);
	if (off && size <= old)
		return r->work + off;
	if (size == 0) {
		err_set(ENOENT, "%s: has no root object yet", region_name(r));
		return NULL;
	}
	if (region_writable(r)) {
		if (!single)
			tx_doom(errno);
		return NULL;
	}
	/* Two threads get one root; transactions see to that themselves. */
	if (single)
		pthread_mutex_lock(&root_mu);
	p = need_root(r, size);
	if (single)
		pthread_mutex_unlock(&root_mu);
	return p;
}

PM_API void *pm_root(size_t size)
{
	return pm_root_in(PM_PRIMARY, size);
}
