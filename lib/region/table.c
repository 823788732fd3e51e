/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * table.c: the open regions of this process, by number and by id, and what a
 * forked child may do (nothing but read: I9).
 *
 * Readers take no lock: entries are published with release stores. Adding and
 * removing is serialized by the caller (heap.c). A region that takes several
 * numbers stands under each.
 */
#include "region/region.h"

#define IDS 4096		/* hash slots, four for each number */

AO_t table_numbers[PM_NUMBERS_MAX];
static AO_t by_id[IDS];
AO_t table_child;
static void (*hook_prepare)(void);
static void (*hook_done)(bool child);

static unsigned id_slot(uint64_t id)
{
	return (unsigned)(id * 0x9e3779b97f4a7c15ull >> 52);
}

/* The slot of a region, or the empty one where it belongs. */
static unsigned slot_of(const struct region *r)
{
	unsigned slot = id_slot(r->id);
	AO_t there;

	while ((there = AO_load(&by_id[slot])) && there != (AO_t)r)
		slot = (slot + 1) % IDS;
	return slot;
}

/* After a removal from the middle of a chain. */
static void rebuild_ids(void)
{
	AO_t fresh[IDS] = {0};
	struct region *last = NULL;
	int i;

	for (i = 1; i < PM_NUMBERS_MAX; i++) {
		struct region *r = table_get(i);
		unsigned slot;

		if (!r || r == last)
			continue;
		last = r;
		for (slot = id_slot(r->id); fresh[slot]; slot = (slot + 1) % IDS)
			;
		fresh[slot] = (AO_t)r;
	}
	for (i = 0; i < IDS; i++)
		if (AO_load(&by_id[i]) != fresh[i])
			AO_store_release(&by_id[i], fresh[i]);
}

void table_add(struct region *r)
{
	int i;

	for (i = r->number; i < r->number + r->span; i++)
		AO_store_release(&table_numbers[i], (AO_t)r);
	AO_store_release(&by_id[slot_of(r)], (AO_t)r);
}

void table_remove(struct region *r)
{
	unsigned slot = slot_of(r);
	int i;

	for (i = r->number; i < r->number + r->span; i++)
		AO_store_release(&table_numbers[i], 0);
	/* Nobody's search goes past it if what follows is empty. */
	if (AO_load(&by_id[(slot + 1) % IDS]) == 0)
		AO_store_release(&by_id[slot], 0);
	else
		rebuild_ids();
}

struct region *table_find_id(uint64_t id)
{
	unsigned slot = id_slot(id);
	struct region *r;

	while ((r = (struct region *)AO_load_acquire(&by_id[slot]))) {
		if (r->id == id)
			return r;
		slot = (slot + 1) % IDS;
	}
	return NULL;
}

struct region *table_next(int after)
{
	struct region *before = table_get(after);
	int i;

	for (i = after + 1; i < PM_NUMBERS_MAX; i++) {
		struct region *r = table_get(i);

		if (r && r != before)
			return r;
	}
	return NULL;
}

bool region_holds_elsewhere(const struct region *r, uint64_t off, uint64_t n)
{
	uint32_t i = header_zones(r->hdr);

	while (i-- > 0) {
		const struct pm_zone *z = &r->hdr->zone[i];
		uint64_t end = z->off + z->len;

		if (off >= z->off)
			return range_in(off, n,
					end - z->n_ext * r->hdr->extent_size,
					end);
	}
	return false;
}

struct region *table_of_range(const void *ptr, size_t n)
{
	struct region *r = table_of(ptr);

	if (LIKELY(r && region_holds(r, region_off(r, ptr), n)))
		return r;
	if (!r)
		err_set(EINVAL, "%p is not a pointer into an open region", ptr);
	else
		err_set(EINVAL, "%s: %zu bytes at %p are not inside the "
			"region's objects", region_name(r), n, ptr);
	err_misuse();
	return NULL;
}

int region_poisoned(const struct region *r)
{
	static const char *const why[] = {
		[POISON_SYNC] = "a sync failed",
		[POISON_CUT] = "the file was truncated while it was open",
		[POISON_UNDO] = "there was no memory to undo a transaction",
	};

	return err_set(EIO, "%s: %s; the region is poisoned until it is closed "
		       "and opened again", region_name(r),
		       why[AO_load(&r->poisoned)]);
}

int region_refuse(struct region *r)
{
	if (table_in_child())
		return err_set(EPERM, "%s: a forked child cannot change its "
			       "parent's region", region_name(r));
	if (r->readonly)
		return err_set(EROFS, "%s: opened with PM_RDONLY",
			       region_name(r));
	return region_poisoned(r);
}

static void fork_prepare(void)
{
	if (hook_prepare && !table_in_child())
		hook_prepare();
}

static void fork_parent(void)
{
	if (hook_done && !table_in_child())
		hook_done(false);
}

static void fork_child(void)
{
	if (hook_done && !table_in_child())
		hook_done(true);
	if (table_next(0))
		AO_store(&table_child, 1);
}

void table_forget_parent(void)
{
	AO_store(&table_child, 0);
}

int table_fork_hooks(void (*prepare)(void), void (*done)(bool child))
{
	hook_prepare = prepare;
	hook_done = done;
	return pthread_atfork(fork_prepare, fork_parent, fork_child) ? -1 : 0;
}
