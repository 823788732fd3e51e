/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * places.c: where the open regions are, by id: a hash table that programs read
 * by themselves (pm_direct() in pmheap/pointer.h), and whose layout is part of
 * the binary interface.
 *
 * Readers take no lock. Adding and removing is serialized by the caller
 * (heap.c). An entry never moves while its region is open, as a reader may be
 * between its id and its base; so what is removed leaves a mark that searches
 * pass, until nothing lies behind it.
 */
#include "region/region.h"

/* Twice the numbers there are: searches end. */
_Static_assert(PM_PLACES_ >= 2 * PM_NUMBERS_MAX, "places are left over");
_Static_assert(sizeof(struct pm_place_) == 32, "place");
_Static_assert(offsetof(struct pm_place_, size) == 8, "place.size");
_Static_assert(offsetof(struct pm_place_, base) == 16, "place.base");
_Static_assert(offsetof(struct pm_place_, owner) == 24, "place.owner");

/* The linker may give a program's own copy another place than ours: never
 * hidden. Aligned, so that a reader touches one line. */
PM_API CACHE_ALIGNED struct pm_place_ pm_places_[PM_PLACES_];

/* Entry 0 is no region's. */
static unsigned first_of(uint64_t id)
{
	unsigned i = PM_PLACE_OF_(id);

	return i ? i : 1;
}

static unsigned next_of(unsigned i)
{
	return i + 1 < PM_PLACES_ ? i + 1 : 1;
}

static unsigned before(unsigned i)
{
	return i > 1 ? i - 1 : PM_PLACES_ - 1;
}

static void *owner_at(unsigned i)
{
	return __atomic_load_n(&pm_places_[i].owner, __ATOMIC_ACQUIRE);
}

static bool is_taken(unsigned i)
{
	return __atomic_load_n(&pm_places_[i].region, __ATOMIC_ACQUIRE) != 0;
}

struct pm_place_ *place_find(uint64_t id)
{
	unsigned i = first_of(id), n;

	/* All may be marks: it ends after one turn. */
	for (n = 1; n < PM_PLACES_ && owner_at(i); n++, i = next_of(i))
		if (__atomic_load_n(&pm_places_[i].region, __ATOMIC_ACQUIRE) ==
		    id)
			return &pm_places_[i];
	return NULL;
}

void place_add(struct region *r)
{
	unsigned i = first_of(r->id);
	struct pm_place_ *at;

	while (is_taken(i))
		i = next_of(i);
	at = &pm_places_[i];
	at->base = (char *)r->work;
	__atomic_store_n(&at->size, AO_load(&r->size), __ATOMIC_RELAXED);
	__atomic_store_n(&at->owner, r, __ATOMIC_RELAXED);
	/* Whoever sees the id sees the rest. */
	__atomic_store_n(&at->region, r->id, __ATOMIC_RELEASE);
}

void place_remove(const struct region *r)
{
	struct pm_place_ *at = place_find(r->id);
	unsigned i;

	if (!at)
		return;
	__atomic_store_n(&at->region, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&at->owner, pm_places_, __ATOMIC_RELEASE);
	/* The marks at the end of a row: behind them no search finds more. */
	for (i = (unsigned)(at - pm_places_);
	     owner_at(i) && !is_taken(i) && !owner_at(next_of(i));
	     i = before(i))
		__atomic_store_n(&pm_places_[i].owner, NULL, __ATOMIC_RELEASE);
}

void place_resize(const struct region *r)
{
	struct pm_place_ *at = place_find(r->id);

	if (at)
		__atomic_store_n(&at->size, AO_load(&r->size),
				 __ATOMIC_RELEASE);
}
