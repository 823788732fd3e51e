/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * journal.c: changing images, hashing them on the way, and undoing it.
 *
 * The hash is a sum over words, so a changed word moves it by a difference and
 * the order of changes does not matter.
 */
#include "crash/journal.h"
#include "crash/trace.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK 256u

static uint64_t mix(unsigned medium, uint64_t off, uint64_t word)
{
	uint64_t h = word + (off + medium + 1) * 0x9e3779b97f4a7c15ull;

	h = (h ^ h >> 32) * 0xd6e8feb86659fd93ull;
	h = (h ^ h >> 32) * 0xd6e8feb86659fd93ull;
	return h ^ h >> 32;
}

static uint64_t load(const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, 8);
	return word;
}

/* Keeps the aligned words around [off, off + n); where they are kept. */
static struct change keep(struct journal *j, unsigned medium, uint64_t off,
			  uint64_t n)
{
	uint64_t lo = off & ~7ull, hi = (off + n + 7) & ~7ull;
	struct change c = {lo, hi - lo, j->used, medium};

	j->old = crash_room(j->old, &j->room, j->used + c.n, 1);
	memcpy(j->old + c.at, j->image[medium].bytes + lo, c.n);
	return c;
}

/* The words have their new values: the hash follows. */
static void settle(struct journal *j, const struct change *c)
{
	const struct crash_image *im = &j->image[c->medium];
	const uint8_t *old = j->old + c->at, *now = im->bytes + c->off;
	uint64_t i;
	bool any = false;

	for (i = 0; i < c->n; i += 8) {
		uint64_t was, is, off, d;

		/* Most of a header that is written again is as it was. */
		while (i + BLOCK <= c->n && !memcmp(old + i, now + i, BLOCK))
			i += BLOCK;
		if (i == c->n)
			break;
		was = load(old + i);
		is = load(now + i);
		off = c->off + i;
		if (was == is)
			continue;
		any = true;
		d = mix(c->medium, off, is) - mix(c->medium, off, was);
		j->hash.all += d;
		if (off < im->quiet_lo || off >= im->quiet_hi)
			j->hash.loud += d;
	}
	if (!any || !j->on)
		return;
	j->c = crash_room(j->c, &j->cap, j->n + 1, sizeof(*j->c));
	j->c[j->n++] = *c;
	j->used += c->n;
}

/* One aligned word, the size of most pieces. */
static void put_word(struct journal *j, unsigned medium, uint64_t off,
		     const void *src)
{
	struct crash_image *im = &j->image[medium];
	uint64_t was = load(im->bytes + off), is = load(src), d;

	if (was == is)
		return;
	if (j->on) {
		j->c = crash_room(j->c, &j->cap, j->n + 1, sizeof(*j->c));
		j->c[j->n++] = (struct change){off, 8, j->used, medium};
		j->old = crash_room(j->old, &j->room, j->used + 8, 1);
		memcpy(j->old + j->used, &was, 8);
		j->used += 8;
	}
	memcpy(im->bytes + off, src, 8);
	d = mix(medium, off, is) - mix(medium, off, was);
	j->hash.all += d;
	if (off < im->quiet_lo || off >= im->quiet_hi)
		j->hash.loud += d;
}

void journal_put(struct journal *j, unsigned medium, uint64_t off,
		 const void *src, uint64_t n)
{
	struct change c;

	if (n == 8 && off % 8 == 0) {
		put_word(j, medium, off, src);
		return;
	}
	c = keep(j, medium, off, n);

	memcpy(j->image[medium].bytes + off, src, n);
	settle(j, &c);
}

void journal_fill(struct journal *j, unsigned medium, uint64_t off, int ch,
		  uint64_t n)
{
	struct change c = keep(j, medium, off, n);

	memset(j->image[medium].bytes + off, ch, n);
	settle(j, &c);
}

void journal_resize(struct journal *j, unsigned medium, uint64_t size)
{
	struct crash_image *im = &j->image[medium];
	struct change c = {im->size, 0, j->used, medium};

	if (size < im->size)
		journal_fill(j, medium, size, 0, im->size - size);
	j->hash.all += mix(medium, 1, size) - mix(medium, 1, im->size);
	j->hash.loud += mix(medium, 1, size) - mix(medium, 1, im->size);
	im->size = size;
	if (!j->on)
		return;
	j->c = crash_room(j->c, &j->cap, j->n + 1, sizeof(*j->c));
	j->c[j->n++] = c;
}

struct journal_mark journal_mark(const struct journal *j)
{
	return (struct journal_mark){j->n, j->used, j->hash};
}

void journal_undo(struct journal *j, const struct journal_mark *to)
{
	while (j->n > to->n) {
		const struct change *c = &j->c[--j->n];
		struct crash_image *im = &j->image[c->medium];

		if (c->n == 0)
			im->size = c->off;
		else
			memcpy(im->bytes + c->off, j->old + c->at, c->n);
	}
	j->used = to->used;
	j->hash = to->hash;
}

void journal_free(struct journal *j)
{
	free(j->c);
	free(j->old);
	j->c = NULL;
	j->old = NULL;
	j->n = j->cap = j->used = j->room = 0;
}
