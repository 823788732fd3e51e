/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memory.c: tells memcheck and AddressSanitizer which bytes a program may touch:
 * those of live objects, as many as it asked for. What is free, and what a slot
 * has beyond its object, they report.
 *
 * AddressSanitizer is there if its runtime is part of the process: the weak
 * references below are resolved then, whichever way this library was built.
 */
#include "debug/debug.h"

#ifdef HAVE_VALGRIND_MEMCHECK_H
#include <valgrind/memcheck.h>
#else
#define VALGRIND_GET_VBITS(from, to, n) 0
#define VALGRIND_CREATE_MEMPOOL(pool, gap, zeroed) ((void)0)
#define VALGRIND_DESTROY_MEMPOOL(pool) ((void)0)
#define VALGRIND_MEMPOOL_ALLOC(pool, p, n) ((void)0)
#define VALGRIND_MEMPOOL_FREE(pool, p) ((void)0)
#define VALGRIND_MEMPOOL_CHANGE(pool, p, q, n) ((void)0)
#define VALGRIND_MAKE_MEM_NOACCESS(p, n) ((void)0)
#define VALGRIND_MAKE_MEM_DEFINED(p, n) ((void)0)
#define VALGRIND_CHECK_MEM_IS_ADDRESSABLE(p, n) 0
#define VALGRIND_DISABLE_ERROR_REPORTING ((void)0)
#define VALGRIND_ENABLE_ERROR_REPORTING ((void)0)
#endif

__attribute__((weak)) void __asan_poison_memory_region(void const volatile *p,
							size_t n);
__attribute__((weak)) void __asan_unpoison_memory_region(
	void const volatile *p, size_t n);

static bool memcheck;

/* Blocks that are neighbours are not made and ended at once. */
static pthread_mutex_t memory_mu = PTHREAD_MUTEX_INITIALIZER;

void memory_fork_child(void)
{
	pthread_mutex_init(&memory_mu, NULL);
}

/* Of all that runs under valgrind, only memcheck knows of its bits. */
static bool memcheck_runs(void)
{
	char byte = 0, bits = 0;

	(void)byte;
	(void)bits;
	return VALGRIND_GET_VBITS(&byte, &bits, 1) == 1;
}

void memory_ask(void)
{
	memcheck = memcheck_runs();
	if (__asan_poison_memory_region || memcheck)
		fetch_or(&debug_on, DEBUG_MEMORY);
}

static void forbid(const void *p, uint64_t n)
{
	(void)VALGRIND_MAKE_MEM_NOACCESS(p, n);
	if (__asan_poison_memory_region)
		__asan_poison_memory_region(p, n);
}

static void allow(const void *p, uint64_t n)
{
	(void)VALGRIND_MAKE_MEM_DEFINED(p, n);
	if (__asan_unpoison_memory_region)
		__asan_unpoison_memory_region(p, n);
}

/* What memcheck lets the program touch of the MEMORY_GAP bytes at p, before one
 * that it does not. */
static uint64_t allowed(const uint8_t *p)
{
	uintptr_t bad = VALGRIND_CHECK_MEM_IS_ADDRESSABLE(p, MEMORY_GAP);

	return bad ? bad - (uintptr_t)p : MEMORY_GAP;
}

/*
 * A block of memcheck's, made or ended. memcheck takes the gaps around it away
 * as well, but a neighbour that is older than this run, or whose slot is used as
 * a whole, has none: what it may touch is given back.
 */
static void block(struct region *r, uint8_t *p, uint64_t size, bool live)
{
	uint64_t before, after;

	if (!memcheck)
		return;
	pthread_mutex_lock(&memory_mu);
	memory_quiet(true);
	before = allowed(p - MEMORY_GAP);
	after = allowed(p + size);
	memory_quiet(false);
	if (live)
		VALGRIND_MEMPOOL_ALLOC(r, p, size);
	else
		VALGRIND_MEMPOOL_FREE(r, p);
	(void)VALGRIND_MAKE_MEM_DEFINED(p - MEMORY_GAP, before);
	(void)VALGRIND_MAKE_MEM_DEFINED(p + size, after);
	pthread_mutex_unlock(&memory_mu);
}

void memory_alloc(struct region *r, uint64_t off, uint64_t size)
{
	uint8_t *p = r->work + off;

	block(r, p, size, true);
	allow(p, size);
}

void memory_resize(struct region *r, const struct slot *s, uint64_t size)
{
	uint8_t *p = r->work + s->off;

	VALGRIND_MEMPOOL_CHANGE(r, p, p, size);
	allow(p, size);
	forbid(p + size, s->usable - size);
}

void memory_free(struct region *r, const struct slot *s)
{
	uint8_t *p = r->work + s->off;

	block(r, p, s->usable, false);
	forbid(p, s->usable);
}

void memory_zone(struct region *r, unsigned zone)
{
	const struct pm_zone *z = &r->hdr->zone[zone];
	uint64_t len = z->n_ext * r->hdr->extent_size;

	forbid(r->work + z->off + z->len - len, len);
}

static void found(struct region *r, const struct slot *s)
{
	memory_alloc(r, s->off, s->usable);
}

void memory_watch(struct region *r)
{
	unsigned i;

	VALGRIND_CREATE_MEMPOOL(r, MEMORY_GAP, 1);
	for (i = 0; i < header_zones(r->hdr); i++)
		memory_zone(r, i);
	alloc_each_live(r, found);
	r->watched = true;
}

void memory_unwatch(struct region *r)
{
	if (!r->watched)
		return;
	VALGRIND_DESTROY_MEMPOOL(r);
	allow(r->work, AO_load(&r->size));
	r->watched = false;
}

void memory_quiet(bool quiet)
{
	if (quiet)
		VALGRIND_DISABLE_ERROR_REPORTING;
	else
		VALGRIND_ENABLE_ERROR_REPORTING;
}

/* volatile, for the compiler must not make a call of memcpy() of it. */
UNWATCHED void memory_copy(void *to, const void *from, uint64_t n)
{
	volatile uint8_t *t = to;
	const volatile uint8_t *f = from;
	uint64_t i = 0;

	memory_quiet(true);
	if (((uintptr_t)to | (uintptr_t)from) % 8 == 0)
		for (; i + 8 <= n; i += 8)
			*(volatile uint64_t *)(t + i) =
				from ? *(const volatile uint64_t *)(f + i) : 0;
	for (; i < n; i++)
		t[i] = from ? f[i] : 0;
	memory_quiet(false);
}

UNWATCHED bool memory_equal(const void *a, const void *b, uint64_t n)
{
	const volatile uint64_t *v = a, *w = b;
	uint64_t i;

	memory_quiet(true);
	for (i = 0; i < n / 8 && v[i] == w[i]; i++)
		;
	memory_quiet(false);
	return i == n / 8;
}
