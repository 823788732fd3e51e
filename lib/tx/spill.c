/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spill.c: transactions that are too large for a lane. Their records go to
 * free extents (chunks), and the entry in the lane names the chunks with their
 * checksums; so it is still one fence that commits.
 *
 * A checkpoint between taking the chunks and writing them (T3) makes sure that
 * replay of older entries cannot overwrite them; another after the commit
 * retires the entry before the chunks are free again. Frees are packed into
 * one mask a slab: these always fit into the spill area that every zone sets
 * aside, so a commit that only frees needs no space (I5).
 */
#include "tx/internal.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_SLACK 640u	/* lost at most at the end of a chunk: a mask
				   is not cut */

struct chunk {
	uint64_t off, len, used;
	bool taken;		/* from the free extents */
};

struct spill {
	uint64_t need;
	struct chunk chunk[CHUNKS_MAX];
	unsigned n, at;
};

static pthread_mutex_t spill_mu = PTHREAD_MUTEX_INITIALIZER;

void spill_unlock(struct ctx *c)
{
	c->spilling = false;
	pthread_mutex_unlock(&spill_mu);
}

void spill_fork_child(void)
{
	pthread_mutex_init(&spill_mu, NULL);
}

static int put_count(struct part *p, struct pm_rec rec, const void *payload,
		     uint64_t n)
{
	(void)rec;
	(void)payload;
	p->spill->need += sizeof(rec) + round_up(n, 8);
	return 0;
}

static void put_raw(struct part *p, const void *bytes, uint64_t n)
{
	struct chunk *k = &p->spill->chunk[p->spill->at];
	static const uint8_t zeros[8];
	uint64_t pad = round_up(n, 8) - n;

	med_write(&p->r->md, k->off + k->used, bytes, n, PM_WRITE_FLUSH);
	if (pad)
		med_write(&p->r->md, k->off + k->used + n, zeros, pad,
			  PM_WRITE_FLUSH);
	k->used += n + pad;
}

#define NO_ROOM "%s: the log of this transaction does not fit"

/* Only WRITE records are cut where a chunk ends. All were counted before chunks
 * were taken for them; what does not fit all the same is written nowhere. */
static int put_spill(struct part *p, struct pm_rec rec, const void *payload,
		     uint64_t n)
{
	struct spill *s = p->spill;
	const uint8_t *from = payload;
	bool cut = PM_TAG_TYPE(rec.tag) == PM_REC_WRITE, done = false;

	while (!done && s->at < s->n) {
		struct chunk *k = &s->chunk[s->at];
		uint64_t room = k->len - k->used, part = n;

		if (room < sizeof(rec) + (cut ? 64 : round_up(n, 8))) {
			s->at++;
			continue;
		}
		if (cut) {
			part = min_u64(n, (room - sizeof(rec)) / 8 * 8);
			rec.arg = part;
		}
		put_raw(p, &rec, sizeof(rec));
		if (part) {
			put_raw(p, from, part);
			from += part;
		}
		rec.tag += part;
		n -= part;
		done = n == 0;
	}
	return done ? 0 : err_set(ENOSPC, NO_ROOM, region_name(p->r));
}

static int by_slab(const void *a, const void *b)
{
	const struct op *x = *(const struct op *const *)a;
	const struct op *y = *(const struct op *const *)b;

	return x->u.slot.off < y->u.slot.off ? -1
	       : x->u.slot.off > y->u.slot.off;
}

static uint64_t slab_of(const struct op *op)
{
	return op->u.slot.off - op->u.slot.idx * op->u.slot.usable;
}

/* One record for all frees of one slab, which are n sorted ops. */
static int put_mask(struct part *p, struct op **ops, uint64_t n, put_fn put)
{
	uint64_t mask[64] = {0}, first = ops[0]->u.slot.idx / 64, words, i;
	struct pm_rec rec;

	if (ops[0]->u.slot.run || n == 1)
		return put(p, slot_free_rec(&ops[0]->u.slot), NULL, 0);
	for (i = 0; i < n; i++) {
		uint64_t idx = ops[i]->u.slot.idx;

		mask[idx / 64 - first] |= 1ull << idx % 64;
	}
	words = ops[n - 1]->u.slot.idx / 64 - first + 1;
	rec.tag = PM_TAG(PM_REC_FREEMASK, slab_of(ops[0]));
	rec.arg = first << 52 | words << 40 |
		  (ops[0]->u.slot.arg & 0xffffffffffull);
	return put(p, rec, mask, words * 8);
}

static int put_frees(struct part *p, struct op **ops, uint64_t n, put_fn put)
{
	uint64_t i = 0, end;
	int ret = 0;

	while (i < n && ret == 0) {
		for (end = i + 1; end < n && !ops[i]->u.slot.run &&
		     !ops[end]->u.slot.run &&
		     slab_of(ops[end]) == slab_of(ops[i]); end++)
			;
		ret = put_mask(p, ops + i, end - i, put);
		i = end;
	}
	return ret;
}

static struct op **sorted_frees(struct ctx *c, unsigned idx, uint64_t *n)
{
	struct op **ops = malloc((c->op_n + 1) * sizeof(*ops));
	uint32_t i;

	*n = 0;
	for (i = 0; ops && i < c->op_n; i++) {
		struct op *op = &c->op[i];

		if (op->part == idx && op->kind == OP_FREE && !op->alloc_op)
			ops[(*n)++] = op;
	}
	if (ops && *n)
		qsort(ops, *n, sizeof(*ops), by_slab);
	return ops;
}

static int put_all(struct ctx *c, unsigned idx, put_fn put)
{
	struct part *p = c->part[idx];
	uint64_t n = 0;
	struct op **frees = sorted_frees(c, idx, &n);
	uint32_t i;
	int ret = frees ? 0 : err_set(ENOMEM, "out of memory");

	for (i = 0; i < c->op_n && ret == 0; i++)
		if (c->op[i].part == idx)
			ret = op_records(p, &c->op[i], put, false);
	if (ret == 0)
		ret = put_frees(p, frees, n, put);
	free(frees);
	return ret;
}

static bool add_chunk(struct spill *s, uint64_t off, uint64_t len, bool taken,
		      uint64_t *have)
{
	s->chunk[s->n++] = (struct chunk){off, len, 0, taken};
	*have += len > CHUNK_SLACK ? len - CHUNK_SLACK : 0;
	return *have >= s->need;
}

static bool take_extents(struct region *r, struct spill *s, uint64_t *have)
{
	uint64_t off, len;

	while (s->n < CHUNKS_MAX / 2) {
		uint64_t want = s->need - *have + CHUNK_SLACK;

		if (alloc_spill_take(r, want, &off, &len))
			return false;
		if (add_chunk(s, off, len, true, have))
			return true;
	}
	return false;
}

static int take_chunks(struct region *r, struct spill *s)
{
	uint64_t have = 0, off, len;
	unsigned zone;

	if (take_extents(r, s, &have) ||
	    (log_collect(r) && take_extents(r, s, &have)))
		return 0;
	while (s->n < CHUNKS_MAX / 2 &&
	       log_grow(r, s->need - have + CHUNK_SLACK) == 0)
		if (take_extents(r, s, &have))
			return 0;
	for (zone = 0; s->n < CHUNKS_MAX; zone++) {
		if (alloc_spill_area(r, zone, &off, &len))
			break;
		if (add_chunk(s, off, len, false, &have))
			return 0;
	}
	return err_set(ENOSPC, "%s: a transaction that logs %llu bytes does "
		       "not fit the free space", region_name(r),
		       (unsigned long long)s->need);
}

/* The entry for the lane: the chunks, and what they hold. */
static int put_chunks(struct part *p)
{
	unsigned i;
	int ret = part_begin(p);

	for (i = 0; i < p->spill->n && ret == 0; i++) {
		struct chunk *k = &p->spill->chunk[i];
		struct pm_rec rec = {PM_TAG(PM_REC_SPILL, k->off), k->used};
		uint64_t sum;

		if (k->used == 0)
			continue;
		sum = checksum(p->r->home + k->off, k->used, k->off);
		ret = part_put(p, rec, &sum, sizeof(sum));
		count(&p->r->log->spilled, k->used);
	}
	if (ret == 0)
		ret = part_put_pins(p);
	if (ret == 1)
		ret = err_set(ENOSPC, "%s: a lane has no room for all that this "
			      "transaction names: places of its log, and "
			      "regions that its pointers are to",
			      region_name(p->r));
	return ret;
}

int spill_build(struct ctx *c, unsigned idx)
{
	struct part *p = c->part[idx];

	if (!c->spilling) {
		pthread_mutex_lock(&spill_mu);
		c->spilling = true;
	}
	p->spill = calloc(1, sizeof(*p->spill));
	if (!p->spill)
		return err_set(ENOMEM, "out of memory");
	if (put_all(c, idx, put_count) || take_chunks(p->r, p->spill) ||
	    log_checkpoint_all(p->r) || put_all(c, idx, put_spill))
		return -1;
	return put_chunks(p);
}

void spill_end(struct part *p, bool committed)
{
	struct spill *s = p->spill;
	unsigned i;

	p->spill = NULL;
	/* Not retired: replay may still need the chunks, so keep them. */
	if (!committed || log_checkpoint_all(p->r) == 0)
		for (i = 0; i < s->n; i++)
			if (s->chunk[i].taken)
				alloc_spill_give(p->r, s->chunk[i].off,
						 s->chunk[i].len);
	free(s);
}
