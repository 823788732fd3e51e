/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scan.c: finding the entries that a crash left. A lane is followed from the
 * head in the checkpoint record, entry by entry, until one is not valid; so
 * bytes that a program stored are never taken for an entry.
 */
#include "tx/internal.h"

#include <stdlib.h>
#include <string.h>

struct scan {
	struct region *r;
	const struct pm_ckpt *c;
	struct log_found *f;
	uint64_t spilled;	/* bytes of all entries so far             */
	/* Of one entry: */
	uint32_t records;
	unsigned spills, parts;
};

/* Room for one more element. 0, or -1. */
static int grow(void *vec, size_t n, size_t *cap, size_t elem)
{
	size_t want = *cap ? 2 * *cap : 64;
	void *p;

	if (n < *cap)
		return 0;
	p = realloc(*(void **)vec, want * elem);
	if (!p)
		return -1;
	*(void **)vec = p;
	*cap = want;
	return 0;
}

/* Copies [pos, pos + len) of a lane if it wraps. */
static const void *view(struct region *r, unsigned lane, uint64_t pos,
			uint64_t len, void **copy)
{
	uint64_t size = r->hdr->lane_size, at = pos % size;
	const uint8_t *base = r->home + PM_LANES_OFF + lane * size;

	*copy = NULL;
	if (at + len <= size)
		return base + at;
	*copy = malloc(len);
	if (!*copy)
		return NULL;
	memcpy(*copy, base + at, size - at);
	memcpy((uint8_t *)*copy + (size - at), base, len - (size - at));
	return *copy;
}

#define MALFORMED (-1)	/* as rec_each() says */
#define TORN (-2)

#define FULL (-3)

/* Spilled records are where no other record can change them. */
static bool spill_fits(struct region *r, uint64_t off, uint64_t len)
{
	uint64_t ext = r->hdr->extent_size;
	uint32_t i;

	if (off % 8)
		return false;
	if (region_holds(r, off, len))
		return true;
	for (i = 0; i < r->hdr->n_zones; i++) {
		const struct pm_zone *z = &r->hdr->zone[i];
		uint64_t end = z->off + z->n_ext * PM_META_BYTES(ext);

		if (range_in(off, len, end - z->n_ext * PM_SPILL_BYTES(ext),
			     end))
			return true;
	}
	return false;
}

/* Chunks are taken again only when the entry that named them is retired; so
 * all that are still named fit the medium, which bounds the work here. */
static int check_spill(struct scan *s, const struct pm_rec *rec,
		       const void *payload)
{
	uint64_t off = PM_TAG_OFF(rec->tag), sum;
	struct log_found *f = s->f;

	if (++s->spills > CHUNKS_MAX || rec->arg == 0 ||
	    !spill_fits(s->r, off, rec->arg))
		return MALFORMED;
	s->spilled += rec->arg;
	if (s->spilled > s->r->md.m.size)
		return MALFORMED;
	memcpy(&sum, payload, 8);
	if (checksum(s->r->home + off, rec->arg, off) != sum)
		return TORN;
	if (grow(&f->spill, f->spill_n, &f->spill_cap, sizeof(*f->spill)))
		return FULL;
	f->spill[f->spill_n++] = (struct span){off, rec->arg};
	return 0;
}

static int check_record(struct region *r, const struct pm_rec *rec,
			const void *payload, void *arg)
{
	struct scan *s = arg;

	(void)r;
	s->records++;
	switch (PM_TAG_TYPE(rec->tag)) {
	case PM_REC_PART:
		return ++s->parts > 1 || rec->arg > PARTS_MAX *
		       sizeof(struct pm_part) ? MALFORMED : 0;
	case PM_REC_SPILL:
		return check_spill(s, rec, payload);
	}
	return 0;
}

/* In spills too; but only the entry itself says who takes part. */
static int check_type(struct region *r, const struct pm_rec *rec,
		      const void *payload, void *arg)
{
	unsigned type = PM_TAG_TYPE(rec->tag), *parts = arg;

	(void)r;
	(void)payload;
	*parts += type == PM_REC_PART;
	return type == 0 || type >= PM_REC_LAST ? MALFORMED : 0;
}

/* 0: whole. TORN: the log ends here. MALFORMED: no crash leaves such. */
static int judge(struct scan *s, const struct pm_entry *e, unsigned lane,
		 uint64_t pos)
{
	const void *recs = entry_records(e);
	uint64_t len = entry_records_len(e);
	size_t spill_n = s->f->spill_n;
	unsigned parts = 0;
	int ret;

	if (e->checksum != entry_sum(e, s->c->nonce, lane, pos))
		return TORN;
	s->records = s->spills = s->parts = 0;
	ret = rec_each_here(s->r, recs, len, check_record, s);
	if (ret == 0)
		ret = rec_each(s->r, recs, len, check_type, &parts);
	if (ret == 0 && (s->records != e->n_rec || parts != s->parts ||
			 e->seq > PM_COUNT_MAX))
		ret = MALFORMED;
	if (ret)
		s->f->spill_n = spill_n;
	return ret;
}

static int no_memory(const struct scan *s)
{
	return err_set(ENOMEM, "%s: out of memory", region_name(s->r));
}

static int scan_lane(struct scan *s, unsigned lane)
{
	uint64_t size = s->r->hdr->lane_size, head = s->c->head[lane];
	uint64_t pos = head, last = s->c->watermark;
	struct log_found *f = s->f;

	if (head % PM_LINE || head > PM_COUNT_MAX)
		return err_set(EUCLEAN, "%s: damaged: lane %u starts at %llu",
			       region_name(s->r), lane,
			       (unsigned long long)head);
	while (pos - head < size) {
		struct entry_ref ref = {0};
		struct pm_entry h;
		int ret;
		const uint8_t *at = s->r->home + PM_LANES_OFF + lane * size +
				    pos % size;

		memcpy(&h, at, sizeof(h));
		if (h.seq <= last || h.len < sizeof(h) || h.len % 8 ||
		    round_up(h.len, PM_LINE) > size - (pos - head))
			break;
		ref.e = view(s->r, lane, pos, h.len, &ref.copy);
		if (!ref.e)
			return no_memory(s);
		ret = judge(s, ref.e, lane, pos);
		if (ret) {
			free(ref.copy);
			if (ret == TORN)
				break;
			if (ret == FULL)
				return no_memory(s);
			return err_set(EUCLEAN, "%s: damaged: impossible log "
				       "entry %llu", region_name(s->r),
				       (unsigned long long)h.seq);
		}
		ref.seq = last = h.seq;
		ref.parts = s->parts != 0;
		/* The lane was held until all participants had their entries
		 * (ORDER T1 of multi.c), so what follows is the answer. */
		if (pos != head)
			f->refs[f->n - 1].parts = false;
		if (grow(&f->refs, f->n, &f->cap, sizeof(*f->refs))) {
			free(ref.copy);
			return no_memory(s);
		}
		f->refs[f->n++] = ref;
		pos += round_up(h.len, PM_LINE);
	}
	return 0;
}

static void merge(struct entry_ref *to, const struct entry_ref *from,
		  size_t lo, size_t mid, size_t hi)
{
	size_t a = lo, b = mid, i;

	for (i = lo; i < hi; i++)
		if (b == hi || (a < mid && from[a].seq <= from[b].seq))
			to[i] = from[a++];
		else
			to[i] = from[b++];
}

/* Each lane, whose entries begin at start[], is in order by itself. */
static int merge_lanes(struct log_found *f, const size_t *start, unsigned lanes)
{
	struct entry_ref *to = malloc(f->n * sizeof(*to)), *from = f->refs;
	unsigned width, i;

	if (!to)
		return -1;
	for (width = 1; width < lanes; width *= 2) {
		for (i = 0; i < lanes; i += 2 * width)
			merge(to, from, start[i],
			      start[min_u64(i + width, lanes)],
			      start[min_u64(i + 2 * width, lanes)]);
		f->refs = to;
		to = from;
		from = f->refs;
	}
	f->cap = f->n;
	free(to);
	return 0;
}

static int by_off(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->off < y->off ? -1 : x->off > y->off;
}

static int check_order(struct region *r, struct log_found *f)
{
	size_t i;

	if (f->spill_n)
		qsort(f->spill, f->spill_n, sizeof(*f->spill), by_off);
	for (i = 1; i < f->n; i++)
		if (f->refs[i].seq == f->refs[i - 1].seq)
			return err_set(EUCLEAN, "%s: damaged: two log entries "
				       "have number %llu", region_name(r),
				       (unsigned long long)f->refs[i].seq);
	for (i = 1; i < f->spill_n; i++)
		if (f->spill[i].off - f->spill[i - 1].off <
		    f->spill[i - 1].len)
			return err_set(EUCLEAN, "%s: damaged: log records at "
				       "%llu belong to two entries",
				       region_name(r),
				       (unsigned long long)f->spill[i].off);
	return 0;
}

bool log_spilled(const struct log_found *f, uint64_t off, uint64_t len)
{
	size_t lo = 0, hi = f->spill_n;

	/* The first that ends behind off. */
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (f->spill[mid].off + f->spill[mid].len > off)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo < f->spill_n && len && f->spill[lo].off < off + len;
}

/* Deferred commits count only up to the first number that is missing. */
static void cut_prefix(const struct pm_ckpt *c, struct log_found *f)
{
	uint64_t want = c->watermark + 1;
	size_t i;

	for (i = 0; i < f->n && f->refs[i].seq == want; i++)
		want++;
	for (; i < f->n; i++)
		f->refs[i].dropped = true;
}

int log_scan(struct region *r, const struct pm_ckpt *c, struct log_found *out)
{
	struct scan s = {.r = r, .c = c, .f = out};
	size_t start[PM_LANES_MAX + 1] = {0};
	unsigned lane;

	for (lane = 0; lane < c->n_lanes; lane++) {
		if (scan_lane(&s, lane))
			return -1;
		start[lane + 1] = out->n;
	}
	if (out->n && merge_lanes(out, start, c->n_lanes))
		return no_memory(&s);
	if (check_order(r, out))
		return -1;
	if (c->flags & PM_CKPT_PREFIX)
		cut_prefix(c, out);
	return 0;
}

void log_scan_free(struct log_found *f)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		free(f->refs[i].copy);
	free(f->refs);
	free(f->spill);
	memset(f, 0, sizeof(*f));
}

static int find_parts(struct region *r, const struct pm_rec *rec,
		      const void *payload, void *arg)
{
	const void **found = arg;

	(void)r;
	(void)payload;
	if (PM_TAG_TYPE(rec->tag) == PM_REC_PART)
		*found = rec;
	return 0;
}

unsigned entry_parts(struct region *r, const struct pm_entry *e,
		     const struct pm_part **parts)
{
	const struct pm_rec *rec = NULL;

	rec_each(r, entry_records(e), entry_records_len(e), find_parts, &rec);
	if (!rec)
		return 0;
	*parts = (const void *)(rec + 1);
	return (unsigned)(rec->arg / sizeof(struct pm_part));
}
