/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pins.c: which region numbers the normal pointers in a region use. Every
 * aligned word that is committed is looked at; one that is an address in the
 * window pins its number in the region's id map, in the same entry. A word
 * that only looks like a pointer pins a number needlessly, which at worst
 * makes a region refuse another primary. A pointer at an unaligned address is
 * not seen.
 */
#include "tx/internal.h"

uint64_t pins_id(unsigned number)
{
	struct region *r = table_get((int)number);
	struct region *primary = table_get(PM_PRIMARY);

	if (r)
		return r->id;
	return primary ? idmap_get(primary->hdr, number) : 0;
}

static void look(struct part *p, uint64_t word)
{
	unsigned number = (unsigned)(word >> window.slot_bits);
	uint64_t bit = 1ull << number % 64;

	if (number == 0 || idmap_knows(p->r, number) ||
	    (p->pins[number / 64] & bit) || !pins_id(number))
		return;
	p->pins[number / 64] |= bit;
	p->has_pins = true;
}

void pins_scan(struct part *p, uint64_t off, uint64_t len)
{
	uint64_t base = window.base, end = off + len;
	unsigned bits = window.bits;

	for (off &= ~7ull; off < end; off += 8) {
		uint64_t word = *(const uint64_t *)(p->r->work + off) - base;

		if (UNLIKELY(word >> bits == 0))
			look(p, word);
	}
}
