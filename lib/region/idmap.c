/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * idmap.c: which number a region gets.
 *
 * The primary's table is the authority while a program runs. Every region
 * keeps in its own table the numbers that normal pointers inside it use; these
 * are recorded when such a pointer is first committed. A region whose table
 * disagrees with the primary's is refused, so a pointer is never misread.
 * Numbers of new regions are drawn from their id, so that regions made under
 * different primaries rarely want the same one.
 */
#include "region/region.h"

/* The id that pointers in the region mean by number; 0: none uses it. */
static uint64_t pinned_id(const struct pm_header *h, int number)
{
	bool pinned = h->pinned[number / 64] >> number % 64 & 1;

	return pinned ? idmap_get(h, (unsigned)number) : 0;
}

static int pinned_number(const struct pm_header *h, uint64_t id)
{
	int i;

	for (i = 1; i < PM_NUMBERS_MAX; i++)
		if (pinned_id(h, i) == id)
			return i;
	return 0;
}

static int number_of(const struct pm_header *h, uint64_t id)
{
	int i;

	for (i = 1; i < PM_NUMBERS_MAX; i++)
		if (idmap_get(h, (unsigned)i) == id)
			return i;
	return 0;
}

static int conflict(struct region *r, int number, uint64_t other)
{
	return err_set(EADDRINUSE, "%s: holds pointers that were written with "
		       "region %016llx as number %d, which here would mean "
		       "region %016llx; open it with the primary that it was "
		       "used with", region_name(r),
		       (unsigned long long)r->hdr->idmap[number], number,
		       (unsigned long long)other);
}

/* Do the pointers in r mean what they meant, if r gets this number? */
static int check_agreement(struct region *primary, struct region *r,
			   int number, int span)
{
	int i;

	for (i = 1; i < PM_NUMBERS_MAX; i++) {
		uint64_t mine = pinned_id(r->hdr, i);
		uint64_t theirs = idmap_get(primary->hdr, (unsigned)i);

		if (i >= number && i < number + span)
			theirs = r->id;
		if (mine && theirs && mine != theirs)
			return conflict(r, i, theirs);
		/* Nor may that region stand under another number here. */
		if (mine && !theirs && number_of(primary->hdr, mine))
			return conflict(r, i, theirs);
		if (mine == r->id && (i < number || i >= number + span))
			return conflict(r, i, theirs);
		/* Pointers elsewhere use the number that r had here. */
		if (idmap_get(primary->hdr, (unsigned)i) == r->id &&
		    (i < number || i >= number + span))
			return conflict(r, i, r->id);
	}
	return 0;
}

static bool free_for(struct region *primary, struct region *r, int number,
		     int span)
{
	int i;

	if (number <= PM_PRIMARY || number + span > 1 << window.number_bits)
		return false;
	for (i = number; i < number + span; i++) {
		uint64_t id = idmap_get(primary->hdr, (unsigned)i);

		if ((id && id != r->id) || table_get(i))
			return false;
	}
	return true;
}

/* A number whose region is not open and that no pointer is known to use. */
static bool reclaim(struct region *primary, struct region *r, int number,
		    int span)
{
	int i;

	if (number <= PM_PRIMARY || number + span > 1 << window.number_bits)
		return false;
	for (i = number; i < number + span; i++)
		if (table_get(i) || idmap_knows(primary, (unsigned)i))
			return false;
	(void)r;
	return true;
}

static int pick(struct region *primary, struct region *r, int span,
		bool (*fits)(struct region *, struct region *, int, int))
{
	int numbers = 1 << window.number_bits;
	int start = (int)((r->id * 0x9e3779b97f4a7c15ull >> 32) %
			  (unsigned)numbers);
	int i;

	for (i = 0; i < numbers; i++)
		if (fits(primary, r, (start + i) % numbers, span))
			return (start + i) % numbers;
	return 0;
}

int idmap_assign(struct region *primary, struct region *r, int span)
{
	int number = pinned_number(r->hdr, r->id);

	/* Pointers inside r to r itself fix its number. */
	if (number && !free_for(primary, r, number, span))
		return conflict(r, number, number == PM_PRIMARY
				? primary->id : primary->hdr->idmap[number]);
	if (!number)
		number = number_of(primary->hdr, r->id);
	if (!number || !free_for(primary, r, number, span))
		number = pick(primary, r, span, free_for);
	if (!number)
		number = pick(primary, r, span, reclaim);
	if (!number)
		return err_set(EMFILE, "%s: all %d region numbers are in use",
			       region_name(r), (1 << window.number_bits) - 1);
	if (check_agreement(primary, r, number, span))
		return -1;
	return number;
}

int idmap_check_primary(struct region *r)
{
	int i;

	for (i = 1; i < PM_NUMBERS_MAX; i++) {
		bool own = i < PM_PRIMARY + r->span;
		uint64_t id = pinned_id(r->hdr, i);

		if (own && id && id != r->id)
			return conflict(r, i, r->id);
		/* Pinned or not: the table never names a region twice. */
		if (!own && idmap_get(r->hdr, (unsigned)i) == r->id)
			return conflict(r, i, 0);
	}
	return 0;
}
