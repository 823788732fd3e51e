/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * commit.c: a transaction of one region becomes durable, then applied.
 */
#include "tx/internal.h"

void part_finish_entry(struct part *p)
{
	struct pm_entry *e = (struct pm_entry *)p->buf;
	uint64_t padded = round_up(p->len, PM_LINE), i;

	e->len = (uint32_t)p->len;
	e->n_rec = p->n_rec;
	/* Whole lines go to the lane. */
	for (i = p->len; i < padded; i += 8)
		*(uint64_t *)(p->buf + i) = 0;
}

static void each(struct region *r, const struct pm_entry *e, rec_fn f)
{
	rec_each(r, entry_records(e), entry_records_len(e), f, NULL);
}

static int commit_strict(struct region *r, struct pm_entry *e, unsigned what)
{
	struct lane *l = lane_acquire(r->log);
	int ret = lane_need(r, l, round_up(e->len, PM_LINE));

	if (ret)
		goto out;
	lane_append(r, l, e, lane_take_seq(r->log, l), PM_WRITE_FLUSH);
	/* ORDER T1: the entry before anything that it changes. A crash before
	 * it leaves a torn entry or none, and nothing happened; after it,
	 * replay does what we do next. */
	ret = log_fence(r, &l->fences);
	if (UNLIKELY(ret)) {
		AO_store_release(&l->inflight, NOT_IN_FLIGHT);
		goto out;
	}
	each(r, e, rec_apply);
	lane_publish(l, e->len, true);
out:
	lane_release(l);
	if (ret == 0 && (what & ENTRY_SLOTS))
		each(r, e, rec_after);
	return ret;
}

static int commit_deferred(struct region *r, struct pm_entry *e, unsigned what)
{
	struct lane *l = lane_acquire(r->log);
	int ret = lane_need(r, l, round_up(e->len, PM_LINE));
	uint64_t seq = 0;

	/* ORDER T3: what this thread spilled, before another thread's flush of
	 * the group can make the entry that names it durable. */
	if (ret == 0 && (what & ENTRY_SPILLED))
		ret = log_fence(r, &l->fences);
	if (ret == 0) {
		seq = lane_take_seq(r->log, l);
		lane_append(r, l, e, seq, PM_WRITE_PLAIN);
		lane_publish(l, e->len, false);
	}
	lane_release(l);
	if (ret == 0 && (what & ENTRY_NOW))
		ret = log_flush_upto(r, seq);
	return ret;
}

int entry_commit(struct region *r, struct pm_entry *e, unsigned what)
{
	return r->log->deferred ? commit_deferred(r, e, what)
				: commit_strict(r, e, what);
}

static int commit_one(struct part *p, bool now)
{
	unsigned what = now ? ENTRY_NOW : 0;

	part_finish_entry(p);
	if (p->has_slots || p->spill)
		what |= ENTRY_SLOTS;
	if (p->spill)
		what |= ENTRY_SPILLED;
	return entry_commit(p->r, (struct pm_entry *)p->buf, what);
}

static int prepare(struct ctx *c, unsigned idx)
{
	struct part *p = c->part[idx];
	int ret;

	if (region_writable(p->r) || part_write_direct(c, idx))
		return -1;
	ret = part_build(c, idx);
	if (ret == 1)
		ret = spill_build(c, idx);
	return ret;
}

static void sort_parts(struct part **parts, unsigned n)
{
	unsigned i, j;

	for (i = 1; i < n; i++) {
		struct part *p = parts[i];

		for (j = i; j && parts[j - 1]->r->number > p->r->number; j--)
			parts[j] = parts[j - 1];
		parts[j] = p;
	}
}

/* Slots that were allocated and freed inside the transaction. */
static void cancel_dead(struct ctx *c)
{
	uint32_t i;

	for (i = 0; i < c->op_n; i++) {
		struct op *op = &c->op[i];

		if (op->kind == OP_ALLOC && (op->flags & OPF_DEAD))
			alloc_cancel(c->part[op->part]->r, &op->u.slot);
	}
}

static int commit_parts(struct ctx *c, struct part **parts, unsigned n)
{
	struct log *log;
	bool now;

	if (n == 0)
		return 0;
	if (n > 1)
		return commit_multi(parts, n);
	log = parts[0]->r->log;
	/* A new root is found through the header, which knows of it when the
	 * entry is applied; until then others would go on with the old one. */
	now = parts[0]->spill || c->meta_n || (!log->relaxed && !c->single);
	return commit_one(parts[0], now);
}

int ctx_commit(struct ctx *c)
{
	struct part *parts[PARTS_MAX];
	unsigned n = 0, i, n_parts = (unsigned)c->part_n;
	int ret = 0, err;

	if (UNLIKELY(n_parts > PARTS_MAX))
		return err_set(ENOTSUP, "a transaction touches %u regions; at "
			       "most %d can take part", n_parts, PARTS_MAX);
	c->committing = true;
	for (i = 0; i < n_parts && ret == 0; i++) {
		c->part[i]->reserve = multi_reserve(n_parts);
		ret = prepare(c, i);
		if (ret == 0 && c->part[i]->n_rec)
			parts[n++] = c->part[i];
	}
	if (ret == 0) {
		if (n > 1)
			sort_parts(parts, n);
		ret = commit_parts(c, parts, n);
	}
	err = errno;
	for (i = 0; i < n_parts; i++)
		if (UNLIKELY(c->part[i]->spill != NULL))
			spill_end(c->part[i], ret == 0);
	if (UNLIKELY(c->spilling))
		spill_unlock(c);
	if (ret == 0 && c->alloc_n)
		cancel_dead(c);
	c->committing = false;
	errno = err;
	return ret;
}
