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

#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

UNWATCHED static void look_at_words(struct part *p, const uint64_t *word, uint64_t n)
{
	uint64_t i;

	for (i = 0; i < n; i++) {
		uint64_t at = word[i] - window.base;

		if (UNLIKELY(at >> window.bits == 0))
			look(p, at);
	}
}

#ifdef __SSE2__
#define MANY 8u	/* words at a time */

/* May one of MANY words be an address in the window? The upper halves tell. */
UNWATCHED static bool may_point(const uint64_t *word, __m128i base, __m128i mask)
{
	const __m128 *v = (const __m128 *)word;
	__m128i any = _mm_setzero_si128();
	unsigned i;

	for (i = 0; i < MANY / 2; i += 2) {
		__m128 a = _mm_loadu_ps((const float *)(v + i));
		__m128 b = _mm_loadu_ps((const float *)(v + i + 1));
		__m128i hi = _mm_castps_si128(
			_mm_shuffle_ps(a, b, _MM_SHUFFLE(3, 1, 3, 1)));

		any = _mm_or_si128(any, _mm_cmpeq_epi32(
			_mm_and_si128(hi, mask), base));
	}
	return _mm_movemask_epi8(any) != 0;
}

/* Looks through all words but the last few; how many. */
UNWATCHED static uint64_t skim(struct part *p, const uint64_t *word, uint64_t n)
{
	__m128i base = _mm_set1_epi32((int)(window.base >> 32));
	__m128i mask = _mm_set1_epi32((int)(~0u << (window.bits - 32)));
	uint64_t i;

	for (i = 0; i + MANY <= n; i += MANY)
		if (UNLIKELY(may_point(word + i, base, mask)))
			look_at_words(p, word + i, MANY);
	return i;
}
#endif

UNWATCHED void pins_scan(struct part *p, uint64_t off, uint64_t len)
{
	const uint64_t *word = (const uint64_t *)(p->r->work + (off & ~7ull));
	uint64_t n = ((off & 7) + len + 7) / 8;

#ifdef __SSE2__
	/* The window is 4 GiB or more, and begins at a multiple of its size. */
	if (n >= MANY) {
		uint64_t done = skim(p, word, n);

		word += done;
		n -= done;
	}
#endif
	look_at_words(p, word, n);
}
