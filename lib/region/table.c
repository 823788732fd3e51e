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

/* tools/gdb/libpmheap-gdb.py reads it by this name. */
AO_t table_numbers[PM_NUMBERS_MAX];
AO_t table_child;
static void (*hook_prepare)(void);
static void (*hook_done)(bool child);

void table_add(struct region *r)
{
	int i;

	for (i = r->number; i < r->number + r->span; i++)
		AO_store_release(&table_numbers[i], (AO_t)r);
	place_add(r);
}

void table_remove(struct region *r)
{
	int i;

	for (i = r->number; i < r->number + r->span; i++)
		AO_store_release(&table_numbers[i], 0);
	place_remove(r);
}

struct region *table_find_id(uint64_t id)
{
	const struct pm_place_ *at = place_find(id);

	return at ? at->owner : NULL;
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
