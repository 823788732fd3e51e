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
	struct entry_ref *refs;
	size_t n, cap;
};

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

struct spill_sum {
	uint64_t bytes;
	unsigned n;
};

/* Spilled records are where extents are, and whole. */
static int check_spill(struct region *r, const struct pm_rec *rec,
		       const void *payload, void *arg)
{
	uint64_t off = PM_TAG_OFF(rec->tag), sum;
	struct spill_sum *all = arg;

	if (PM_TAG_TYPE(rec->tag) == PM_REC_PART &&
	    rec->arg > PARTS_MAX * sizeof(struct pm_part))
		return MALFORMED;
	if (PM_TAG_TYPE(rec->tag) != PM_REC_SPILL)
		return 0;
	/* Bounds the work that a hostile log can ask for. */
	all->bytes += min_u64(rec->arg, r->md.m.size);
	if (++all->n > CHUNKS_MAX || all->bytes > r->md.m.size)
		return MALFORMED;
	memcpy(&sum, payload, 8);
	if (off % 8 || !range_in(off, rec->arg, r->zone_off, r->md.m.size))
		return MALFORMED;
	return checksum(r->home + off, rec->arg, off) == sum ? 0 : TORN;
}

static int check_type(struct region *r, const struct pm_rec *rec,
		      const void *payload, void *arg)
{
	unsigned type = PM_TAG_TYPE(rec->tag);

	(void)r;
	(void)payload;
	(void)arg;
	return type == 0 || type >= PM_REC_LAST ? -1 : 0;
}

/* 0: whole. TORN: the log ends here. MALFORMED: no crash leaves such. */
static int judge(struct scan *s, const struct pm_entry *e, unsigned lane,
		 uint64_t pos)
{
	const void *recs = entry_records(e);
	uint64_t len = entry_records_len(e);
	struct spill_sum all = {0, 0};
	int ret;

	if (e->checksum != entry_sum(e, s->c->nonce, lane, pos))
		return TORN;
	ret = rec_each_here(s->r, recs, len, check_spill, &all);
	if (ret == 0)
		ret = rec_each(s->r, recs, len, check_type, NULL);
	return ret;
}

static int push(struct scan *s, struct entry_ref ref)
{
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 64;
		void *p = realloc(s->refs, cap * sizeof(*s->refs));

		if (!p)
			return -1;
		s->refs = p;
		s->cap = cap;
	}
	s->refs[s->n++] = ref;
	return 0;
}

static int scan_lane(struct scan *s, unsigned lane)
{
	uint64_t size = s->r->hdr->lane_size, head = s->c->head[lane];
	uint64_t pos = head, last = s->c->watermark;

	if (head % PM_LINE)
		return err_set(EUCLEAN, "%s: damaged: lane %u starts at %llu",
			       region_name(s->r), lane,
			       (unsigned long long)head);
	while (pos - head < size) {
		struct entry_ref ref = {.lane = lane, .pos = pos};
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
			return err_set(ENOMEM, "%s: out of memory",
				       region_name(s->r));
		ret = judge(s, ref.e, lane, pos);
		if (ret) {
			free(ref.copy);
			if (ret == TORN)
				break;
			return err_set(EUCLEAN, "%s: damaged: impossible log "
				       "entry %llu", region_name(s->r),
				       (unsigned long long)h.seq);
		}
		ref.seq = last = h.seq;
		if (push(s, ref)) {
			free(ref.copy);
			return err_set(ENOMEM, "%s: out of memory",
				       region_name(s->r));
		}
		pos += round_up(h.len, PM_LINE);
	}
	return 0;
}

static int by_seq(const void *a, const void *b)
{
	const struct entry_ref *x = a, *y = b;

	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* Deferred commits count only up to the first number that is missing. */
static void cut_prefix(struct scan *s)
{
	uint64_t want = max_u64(s->c->watermark + 1, s->c->next_seq);
	size_t i;

	for (i = 0; i < s->n && s->refs[i].seq == want; i++)
		want++;
	for (; i < s->n; i++)
		s->refs[i].dropped = true;
}

int log_scan(struct region *r, const struct pm_ckpt *c,
	     struct entry_ref **out, size_t *n)
{
	struct scan s = {.r = r, .c = c};
	unsigned lane;
	size_t i;

	if (c->n_lanes != r->hdr->n_lanes)
		return err_set(EUCLEAN, "%s: damaged: checkpoint record",
			       region_name(r));
	for (lane = 0; lane < c->n_lanes; lane++)
		if (scan_lane(&s, lane))
			goto fail;
	if (s.n)
		qsort(s.refs, s.n, sizeof(*s.refs), by_seq);
	for (i = 1; i < s.n; i++) {
		if (s.refs[i].seq == s.refs[i - 1].seq) {
			err_set(EUCLEAN, "%s: damaged: two log entries have "
				"number %llu", region_name(r),
				(unsigned long long)s.refs[i].seq);
			goto fail;
		}
	}
	if (c->flags & PM_CKPT_PREFIX)
		cut_prefix(&s);
	*out = s.refs;
	*n = s.n;
	return 0;
fail:
	log_scan_free(s.refs, s.n);
	return -1;
}

void log_scan_free(struct entry_ref *refs, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		free(refs[i].copy);
	free(refs);
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
