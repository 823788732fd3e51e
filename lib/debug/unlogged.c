/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * unlogged.c: stores that nobody logged: bytes of live objects whose working
 * copy differs from its home when a transaction ends.
 *
 * Not counted is what an open transaction of another thread may change: every
 * range that it logged and all of its fresh objects are noted under debug_mu
 * before the program can store there, and forgotten after they are at home or
 * undone. A reserved slot begins equal to its home, because whoever had it
 * before need not have logged what was in it.
 *
 * Lock order: heap_mu, debug_mu, then all of lib/tx and lib/alloc.
 */
#include "debug/debug.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KNOWN_MAX 4096	/* places that were reported and are not again */

struct range {
	uint64_t at, end;	/* window addresses                       */
};

struct debug_tx {
	struct debug_tx *next, *prev;
	struct range *range;
	size_t n, cap;
	const char *where;
	const void *caller;
};

static pthread_mutex_t debug_mu = PTHREAD_MUTEX_INITIALIZER;
static struct debug_tx *threads;
static struct watched {
	struct watched *next;
	struct region *r;
	int (*settle)(struct region *r);
} *regions;
static struct range known[KNOWN_MAX];
static size_t known_n;

/* One look at a region: the difference that is being put together. */
struct look {
	char where[256];
	struct range run;
	struct slot object;
};

static void give_up(const char *why)
{
	fetch_and(&debug_on, ~(AO_t)DEBUG_UNLOGGED);
	say(PM_LOG_ERROR, "%s: unlogged stores are not looked for any more",
	    why);
}

int debug_watch(struct region *r, int (*settle)(struct region *r))
{
	struct watched *w = malloc(sizeof(*w));

	if (!w)
		return err_set(ENOMEM, "out of memory");
	pthread_mutex_lock(&debug_mu);
	*w = (struct watched){regions, r, settle};
	regions = w;
	fetch_or(&debug_on, DEBUG_UNLOGGED);
	pthread_mutex_unlock(&debug_mu);
	return 0;
}

static struct debug_tx *tx_get(struct debug_tx **tx)
{
	if (!*tx) {
		*tx = calloc(1, sizeof(**tx));
		if (!*tx) {
			give_up("out of memory");
			return NULL;
		}
		(*tx)->next = threads;
		if (threads)
			threads->prev = *tx;
		threads = *tx;
	}
	return *tx;
}

void debug_free(struct debug_tx **tx)
{
	struct debug_tx *t = *tx;

	if (!t)
		return;
	pthread_mutex_lock(&debug_mu);
	if (t->prev)
		t->prev->next = t->next;
	else
		threads = t->next;
	if (t->next)
		t->next->prev = t->prev;
	pthread_mutex_unlock(&debug_mu);
	free(t->range);
	free(t);
	*tx = NULL;
}

void debug_begin(struct debug_tx **tx, const char *where, const void *caller)
{
	struct debug_tx *t;

	pthread_mutex_lock(&debug_mu);
	t = tx_get(tx);
	if (t) {
		t->n = 0;
		t->where = where;
		t->caller = caller;
	}
	pthread_mutex_unlock(&debug_mu);
}

static void note(struct debug_tx **tx, const uint8_t *at, uint64_t len)
{
	struct debug_tx *t = tx_get(tx);
	size_t cap = t && t->cap ? 2 * t->cap : 64;
	struct range *p;

	if (!t)
		return;
	if (t->n == t->cap) {
		p = realloc(t->range, cap * sizeof(*p));
		if (!p) {
			give_up("out of memory");
			return;
		}
		t->range = p;
		t->cap = cap;
	}
	t->range[t->n].at = (uint64_t)(uintptr_t)at;
	t->range[t->n++].end = (uint64_t)(uintptr_t)at + len;
}

void debug_note(struct debug_tx **tx, struct region *r, uint64_t off,
		uint64_t len)
{
	pthread_mutex_lock(&debug_mu);
	note(tx, r->work + off, len);
	pthread_mutex_unlock(&debug_mu);
}

void debug_reserve(void)
{
	pthread_mutex_lock(&debug_mu);
}

void debug_reserved(struct debug_tx **tx, struct region *r,
		    const struct slot *s)
{
	if (s) {
		if (!memory_equal(r->work + s->off, r->home + s->off,
				  s->usable))
			work_copy(r->work + s->off, r->home + s->off,
				  s->usable);
		note(tx, r->work + s->off, s->usable);
	}
	pthread_mutex_unlock(&debug_mu);
}

/* Where the thread's transaction began, for the report. */
static void describe(const struct debug_tx *t, char *buf, size_t size)
{
	Dl_info info;

	if (t->where)
		snprintf(buf, size, "at the end of the transaction at %s",
			 t->where);
	else if (t->caller && dladdr(t->caller, &info) && info.dli_fname)
		snprintf(buf, size, "at the end of the transaction begun by "
			 "%s(+0x%lx)", info.dli_fname,
			 (unsigned long)((const uint8_t *)t->caller -
					 (const uint8_t *)info.dli_fbase));
	else
		snprintf(buf, size, "at the end of a transaction");
}

static bool is_known(uint64_t at)
{
	size_t i;

	for (i = 0; i < known_n; i++)
		if (at - known[i].at < known[i].end - known[i].at)
			return true;
	return false;
}

static void report(struct region *r, struct look *l)
{
	struct range run = l->run;
	uint8_t *object = r->work + l->object.off;

	l->run.at = l->run.end = 0;
	if (run.at == run.end || known_n == KNOWN_MAX)
		return;
	known[known_n++] = run;
	say(PM_LOG_ERROR, "%s: %" PRIu64 " byte%s at %p changed without being "
	    "logged: offset %" PRIu64 " in the object at %p (%" PRIu64
	    " bytes, type %u); found %s", region_name(r), run.end - run.at,
	    run.end - run.at == 1 ? "" : "s", (void *)(uintptr_t)run.at,
	    run.at - (uint64_t)(uintptr_t)object, (void *)object,
	    l->object.usable, l->object.type, l->where);
	if (known_n == KNOWN_MAX)
		say(PM_LOG_ERROR, "%d such places: no more are reported",
		    KNOWN_MAX);
	if (debug_word("abort"))
		abort();
}

/* If another thread's transaction may change this byte: up to where; or 0. */
static uint64_t noted_until(uint64_t at)
{
	const struct debug_tx *t;
	size_t i;

	for (t = threads; t; t = t->next)
		for (i = 0; i < t->n; i++)
			if (at >= t->range[i].at && at < t->range[i].end)
				return t->range[i].end;
	return 0;
}

/* Is there a difference in n bytes, a multiple of 8? Also in bytes of free
 * slots, which tools that watch memory forbid; no function they replace. */
UNWATCHED static bool differs(const uint8_t *a, const uint8_t *b, uint64_t n)
{
	const uint64_t *v = (const uint64_t *)a, *w = (const uint64_t *)b;
	uint64_t i;

	for (i = 0; i < n / 8; i++)
		if (v[i] != w[i])
			return true;
	return false;
}

/* The live object that holds off: is it there, and which? */
static bool find_object(struct region *r, uint64_t off, struct slot *s)
{
	struct slot at;

	return off - s->off < s->usable ||
	       (alloc_containing(r, off, &at) == 0 &&
		alloc_find(r, at.off, s) == 0);
}

/* One word that differs: its bytes join the run, or begin another. Returns the
 * offset to go on at. */
UNWATCHED static uint64_t add_word(struct region *r, struct look *l, uint64_t off)
{
	struct slot s = l->object;
	uint64_t at, i, until = 0;

	if (!find_object(r, off, &s))
		return off + 8;
	for (i = 0; i < 8; i++) {
		at = (uint64_t)(uintptr_t)(r->work + off + i);
		if (r->work[off + i] == r->home[off + i] ||
		    (until = noted_until(at)) || is_known(at))
			continue;
		if (at - l->run.end >= 8 || s.off != l->object.off) {
			report(r, l);
			l->run.at = at;
		}
		l->object = s;
		l->run.end = at + 1;
	}
	at = (uint64_t)(uintptr_t)r->work + off;
	return off + (until > at + 8 ? (until - at) & ~7ull : 8);
}

static void look_at(struct region *r, uint64_t off, uint64_t len, void *arg)
{
	uint64_t end = off + len, page;

	for (page = off; page < end; page += PM_PAGE) {
		uint64_t n = min_u64(PM_PAGE, end - page), at = page;

		if (!differs(r->work + page, r->home + page, n))
			continue;
		while (at < page + n)
			if (differs(r->work + at, r->home + at, 8))
				at = add_word(r, arg, at);
			else
				at += 8;
	}
}

/* debug_mu is held. A region that is poisoned has no home to compare with. */
static void look_into(struct watched *w, struct look *l)
{
	struct region *r = w->r;
	uint32_t i;

	if (AO_load(&r->poisoned) || w->settle(r))
		return;
	/* No slab or run may vanish while it is looked at. */
	alloc_freeze(r);
	memory_quiet(true);
	l->object.usable = 0;
	for (i = 0; i < header_zones(r->hdr); i++) {
		const struct pm_zone *z = &r->hdr->zone[i];
		uint64_t end = z->off + z->len;

		if (end <= AO_load(&r->size))
			pages_each_private(r, end - z->n_ext *
					   r->hdr->extent_size, end, look_at,
					   l);
	}
	report(r, l);
	memory_quiet(false);
	alloc_thaw(r);
}

void debug_end(struct debug_tx **tx, bool look)
{
	struct look l = {.run = {0, 0}};
	struct debug_tx *t = *tx;
	struct watched *w;
	int err = errno;

	if (!t)
		return;
	pthread_mutex_lock(&debug_mu);
	t->n = 0;
	if (look) {
		describe(t, l.where, sizeof(l.where));
		for (w = regions; w; w = w->next)
			look_into(w, &l);
	}
	pthread_mutex_unlock(&debug_mu);
	errno = err;
}

void debug_unwatch(struct region *r)
{
	struct look l = {.where = "when the region was closed"};
	struct watched **w, *found;
	size_t i, n = 0;

	pthread_mutex_lock(&debug_mu);
	for (w = &regions; *w && (*w)->r != r; w = &(*w)->next)
		;
	found = *w;
	if (found) {
		look_into(found, &l);
		*w = found->next;
		free(found);
	}
	for (i = 0; i < known_n; i++)
		if (known[i].at - (uint64_t)(uintptr_t)r->work >= r->size)
			known[n++] = known[i];
	known_n = n;
	pthread_mutex_unlock(&debug_mu);
}

/* Only the forking thread goes on, and it changes nothing of its parent's. */
void debug_fork_child(struct debug_tx *mine)
{
	pthread_mutex_init(&debug_mu, NULL);
	fetch_and(&debug_on, ~(AO_t)DEBUG_UNLOGGED);
	regions = NULL;
	threads = mine;
	if (mine) {
		mine->next = mine->prev = NULL;
		mine->n = 0;
	}
}
