/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/inside/entries.c: entries that were found in the log of a pool, and
 * what they need besides their own bytes: records that were spilled to free
 * extents, and contents of new objects that were written to their place before
 * the entry (lib/tx/spill.c, build.c). Both are complete when the entry is, and
 * may be written over once the entry is retired; so they are saved when it is
 * found.
 */
#include "inside/live.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void found_free(struct found *f)
{
	unsigned i;

	for (i = 0; i < f->spill_n; i++)
		free(f->spill[i].bytes);
	for (i = 0; i < f->direct_n; i++)
		free(f->direct[i].bytes);
	free(f->spill);
	free(f->direct);
	free(f->e);
}

static int piece_read(struct live *l, struct piece **pieces, unsigned *n,
		      uint64_t off, uint64_t len)
{
	struct piece *p;
	struct stat st;

	if (fstat(l->r.md.m.fd, &st) || off < l->r.zone_off ||
	    !range_in(off, len, l->r.zone_off, (uint64_t)st.st_size))
		return -1;
	p = realloc(*pieces, (*n + 1) * sizeof(*p));
	if (!p)
		return err_set(ENOMEM, "out of memory");
	*pieces = p;
	p += *n;
	*p = (struct piece){off, len, malloc(len)};
	if (!p->bytes)
		return err_set(ENOMEM, "out of memory");
	++*n;
	return live_read(l, off, p->bytes, len);
}

struct capture {
	struct live *l;
	struct found *f;
	struct piece *bare;	/* objects whose contents are not logged     */
	unsigned bare_n, bare_cap;
	int lost;
};

static int spill_save(struct region *r, const struct pm_rec *rec,
		      const void *payload, void *arg)
{
	struct capture *c = arg;
	uint64_t off = PM_TAG_OFF(rec->tag), sum;

	(void)r;
	if (PM_TAG_TYPE(rec->tag) == PM_REC_PART)
		c->f->shared = true;
	if (PM_TAG_TYPE(rec->tag) != PM_REC_SPILL)
		return 0;
	if (c->f->spill_n == CHUNKS_MAX ||
	    piece_read(c->l, &c->f->spill, &c->f->spill_n, off, rec->arg))
		return -1;
	memcpy(&sum, payload, 8);
	/* The chunk is somebody else's by now. */
	if (checksum(c->f->spill[c->f->spill_n - 1].bytes, rec->arg, off) !=
	    sum)
		c->lost = LIVE_LOST;
	return 0;
}

static uint64_t object_len(const struct pm_header *h, const struct pm_rec *rec)
{
	unsigned idx = rec->arg >> 32 & 0xff;

	if (PM_TAG_TYPE(rec->tag) == PM_REC_RUN)
		return (rec->arg >> 32) * h->extent_size;
	return idx < class_count(h->extent_size) ? class_size(idx) : 0;
}

static int bare_add(struct capture *c, uint64_t off, uint64_t len)
{
	struct piece *p;

	if (c->bare_n == c->bare_cap) {
		c->bare_cap = c->bare_cap ? 2 * c->bare_cap : 64;
		p = realloc(c->bare, c->bare_cap * sizeof(*p));
		if (!p)
			return err_set(ENOMEM, "out of memory");
		c->bare = p;
	}
	c->bare[c->bare_n++] = (struct piece){off, len, NULL};
	return 0;
}

/* The objects that a mask allocates; some of their contents may be logged. */
static int bare_mask(struct capture *c, const struct pm_rec *rec,
		     const uint64_t *mask)
{
	uint64_t first = rec->arg >> 52, words = rec->arg >> 40 & 0xfff;
	uint64_t size = object_len(c->l->r.hdr, rec), i;
	int ret = 0;

	for (i = 0; i < words * 64 && ret == 0; i++)
		if (mask[i / 64] >> i % 64 & 1)
			ret = bare_add(c, PM_TAG_OFF(rec->tag) +
				       (first * 64 + i) * size, size);
	return ret;
}

/* An object's contents, if they are logged, follow its allocation. */
static int bare_note(struct region *r, const struct pm_rec *rec,
		     const void *payload, void *arg)
{
	struct capture *c = arg;
	unsigned type = PM_TAG_TYPE(rec->tag);
	struct piece *last = c->bare_n ? &c->bare[c->bare_n - 1] : NULL;

	if ((type == PM_REC_WRITE || type == PM_REC_FILL) && last &&
	    PM_TAG_OFF(rec->tag) == last->off)
		c->bare_n--;
	if (type == PM_REC_ALLOCMASK)
		return bare_mask(c, rec, payload);
	if (type != PM_REC_ALLOC && type != PM_REC_RUN)
		return 0;
	return bare_add(c, PM_TAG_OFF(rec->tag), object_len(r->hdr, rec));
}

/* Little is never written directly: those contents are undefined. */
static int direct_save(struct capture *c)
{
	uint64_t sum = 0;
	unsigned i;
	int ret = 0;

	for (i = 0; i < c->bare_n; i++)
		sum += c->bare[i].len;
	if (sum < DIRECT_MIN)
		return 0;
	for (i = 0; i < c->bare_n && ret == 0; i++)
		ret = piece_read(c->l, &c->f->direct, &c->f->direct_n,
				 c->bare[i].off, c->bare[i].len);
	c->l->captured = true;
	return ret;
}

int found_capture(struct live *l, struct found *f)
{
	struct capture c = {.l = l, .f = f};
	int ret;

	errno = 0;
	ret = rec_each_here(&l->r, entry_records(f->e),
			    entry_records_len(f->e), spill_save, &c);
	if (ret == 0 && !c.lost)
		ret = found_each(l, f, bare_note, &c);
	if (ret == 0 && !c.lost)
		ret = direct_save(&c);
	free(c.bare);
	if (c.lost)
		return LIVE_LOST;
	/* What is in the way may also be that it was truncated, or grown. */
	return ret && errno != ENOMEM ? LIVE_LOST : ret;
}

struct inner {
	const struct found *f;
	rec_fn fn;
	void *arg;
	unsigned spill;
};

static int enter_spill(struct region *r, const struct pm_rec *rec,
		       const void *payload, void *arg)
{
	struct inner *in = arg;
	const struct piece *p;

	if (PM_TAG_TYPE(rec->tag) != PM_REC_SPILL)
		return in->fn(r, rec, payload, in->arg);
	if (in->spill >= in->f->spill_n)
		return -1;
	p = &in->f->spill[in->spill++];
	return rec_each_here(r, p->bytes, p->len, in->fn, in->arg);
}

int found_each(struct live *l, const struct found *f, rec_fn fn, void *arg)
{
	struct inner in = {f, fn, arg, 0};

	return rec_each_here(&l->r, entry_records(f->e),
			     entry_records_len(f->e), enter_spill, &in);
}
