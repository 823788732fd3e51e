/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * commit.c: a transaction of one region becomes durable, then applied.
 */
#include "tx/internal.h"

void part_finish_entry(struct part *p)
{
	struct pm_entry *e = (struct pm_entry *)p->buf;
	uint64_t padded = line_up(p->len), i;

	e->len = (uint32_t)p->len;
	e->n_rec = p->n_rec;
	/* Whole lines go to the lane. */
	for (i = p->len; i < padded; i += 8)
		*(uint64_t *)(p->buf + i) = 0;
}

static int commit_strict(struct region *r, struct pm_entry *e, unsigned what)
{
	struct lane *l = lane_acquire(r->log);
	int ret = lane_need(r, l, line_up(e->len));

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
	if (UNLIKELY(l->swept != AO_load(&l->clean)))
		lane_swept(l);
	entry_apply(r, e);
	lane_publish(l, e->len, true);
	if (UNLIKELY(l->tail - l->swept > r->log->lane_size / SWEEPS))
		lane_sweep(r, l);
out:
	lane_release(l);
	if (ret == 0 && (what & ENTRY_SLOTS))
		entry_after(r, e);
	return ret;
}

static int commit_deferred(struct region *r, struct pm_entry *e, unsigned what)
{
	struct log *log = r->log;
	uint64_t need = line_up(e->len), seq = 0;
	struct lane *l = log->grouped ? group_lane(log, need)
				      : lane_acquire(log);
	int ret = lane_need(r, l, need);

	/* ORDER T3: what this thread spilled, before another thread's flush of
	 * the group can make the entry that names it durable. */
	if (ret == 0 && (what & ENTRY_SPILLED))
		ret = log_fence(r, &l->fences);
	if (ret == 0) {
		seq = lane_take_seq(log, l);
		lane_append(r, l, e, seq, PM_WRITE_PLAIN);
		lane_publish(l, e->len, false);
	}
	lane_release(l);
	if (ret == 0 && ((what & ENTRY_NOW) || log->grouped))
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

	if (region_writable(p->r) ||
	    (c->alloc_n && part_write_direct(c, idx)))
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
		uint64_t dead = op->kind == OP_ALLOC ? op->dead : 0;

		for (; dead; dead &= dead - 1) {
			struct slot s = slot_sibling(&op->u.slot, (unsigned)
						     __builtin_ctzll(dead));

			alloc_cancel(c->part[op->part]->r, &s);
		}
	}
}

static int commit_alone(struct ctx *c, struct part *p)
{
	struct log *log = p->r->log;

	/* A new root is found through the header, which knows of it when the
	 * entry is applied; until then others would go on with the old one. */
	return commit_one(p, p->spill || c->meta_n ||
			     (!log->relaxed && !c->single));
}

static int commit_several(struct ctx *c, unsigned n_parts)
{
	struct part *parts[PARTS_MAX];
	unsigned n = 0, i;

	for (i = 0; i < n_parts; i++) {
		c->part[i]->reserve = multi_reserve(n_parts);
		if (prepare(c, i))
			return -1;
		if (c->part[i]->n_rec)
			parts[n++] = c->part[i];
	}
	if (n < 2)
		return n ? commit_alone(c, parts[0]) : 0;
	sort_parts(parts, n);
	return commit_multi(parts, n);
}

int ctx_commit(struct ctx *c)
{
	unsigned i, n_parts = (unsigned)c->part_n;
	int ret = 0, err;

	if (UNLIKELY(n_parts > PARTS_MAX))
		return err_set(ENOTSUP, "a transaction touches %u regions; at "
			       "most %d can take part", n_parts, PARTS_MAX);
	c->committing = true;
	if (n_parts == 1) {
		c->part[0]->reserve = 0;
		ret = prepare(c, 0);
		if (ret == 0 && c->part[0]->n_rec)
			ret = commit_alone(c, c->part[0]);
	} else if (n_parts) {
		ret = commit_several(c, n_parts);
	}
	err = errno;
	for (i = 0; i < n_parts; i++)
		if (UNLIKELY(c->part[i]->spill != NULL))
			spill_end(c->part[i], ret == 0);
	if (UNLIKELY(c->spilling))
		spill_unlock(c);
	if (ret == 0 && c->any_dead)
		cancel_dead(c);
	for (i = 0; i < n_parts; i++)
		if (UNLIKELY(c->part[i]->r->bounded))
			work_limit(c->part[i]->r);
	c->committing = false;
	errno = err;
	return ret;
}
