/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cache.c: the slabs that a thread owns, one for each class and type that it
 * uses, as far as a small table of its own holds them. A thread gives its slabs
 * back when it ends.
 */
#include "alloc/internal.h"

#include <stdlib.h>

THREAD_LOCAL struct cache *my_cache;
static pthread_key_t cache_key;
/* A region that a cache entry names is not freed meanwhile; before a->mu. */
static pthread_mutex_t life_mu = PTHREAD_MUTEX_INITIALIZER;

/* What the owner claimed and did not hand out is free again. What it hides
 * besides is taken until its transaction ends. */
static void unclaim(struct slab *s)
{
	AO_t avail = s->avail;
	uint32_t w;

	for (w = 0; w < s->n_words; w++) {
		AO_t hidden = AO_load(&s->word[w].hidden);

		if (hidden) {
			fetch_and(&s->word[w].live, ~hidden);
			AO_store(&s->word[w].hidden, 0);
		}
	}
	s->avail = 0;
	if (avail) {
		fetch_and(&s->word[s->rover].taken, ~avail);
		AO_fetch_and_add_full(&s->n_free,
				      (AO_t)__builtin_popcountll(avail));
	}
}

/* To its bin if anything in it is free. */
void cache_disown(struct cached *e)
{
	struct slab *s = e->slab;

	unclaim(s);
	AO_store(&s->owner, 0);
	s->owned = false;
	if (AO_load(&s->n_free))
		bin_list(s);
	e->serial = 0;
}

void cache_drop(struct cached *e)
{
	struct region *r;

	if (!e->serial)
		return;
	pthread_mutex_lock(&life_mu);
	r = table_get(e->number);
	if (r && r->alloc && r->alloc->serial == e->serial) {
		pthread_mutex_lock(&r->alloc->mu);
		cache_disown(e);
		pthread_mutex_unlock(&r->alloc->mu);
	}
	pthread_mutex_unlock(&life_mu);
	e->serial = 0;
}

void alloc_life_lock(void)
{
	pthread_mutex_lock(&life_mu);
}

void alloc_life_unlock(void)
{
	pthread_mutex_unlock(&life_mu);
}

static void cache_end(void *p)
{
	struct cache *c = p;
	int i;

	for (i = 0; i < CACHE; i++)
		cache_drop(&c->entry[i]);
	my_cache = NULL;
	free(c);
}

/* The key by which threads that end are noticed; tried again if it fails. */
static bool cache_init(void)
{
	static bool made;
	bool ok;

	pthread_mutex_lock(&life_mu);
	if (!made)
		made = pthread_key_create(&cache_key, cache_end) == 0;
	ok = made;
	pthread_mutex_unlock(&life_mu);
	if (!ok)
		err_set(ENOMEM, "all keys for data of threads are in use");
	return ok;
}

struct cache *cache_get(void)
{
	struct cache *c = my_cache;

	if (LIKELY(c != NULL))
		return c;
	if (!cache_init())
		return NULL;
	c = calloc(1, sizeof(*c));
	if (!c || pthread_setspecific(cache_key, c)) {
		free(c);
		c = NULL;
		err_set(ENOMEM, "out of memory");
	}
	my_cache = c;
	return c;
}

void cache_flush(struct region *r)
{
	int i;

	for (i = 0; my_cache && i < CACHE; i++)
		if (my_cache->entry[i].serial == r->alloc->serial)
			cache_disown(&my_cache->entry[i]);
}
