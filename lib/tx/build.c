/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * build.c: from a transaction's operations to the records of an entry.
 */
#include "tx/internal.h"

#include <stdlib.h>
#include <string.h>

uint64_t part_limit(const struct part *p)
{
	return p->r->log->lane_size / 2 - p->reserve;
}

int part_begin(struct part *p)
{
	if (p->cap == 0) {
		p->cap = 4096;
		p->buf = aligned_alloc(64, p->cap);
		if (!p->buf) {
			p->cap = 0;
			return err_set(ENOMEM, "out of memory");
		}
	}
	p->len = sizeof(struct pm_entry);
	p->has_slots = false;
	p->n_rec = 0;
	p->part_at = 0;
	return 0;
}

static __attribute__((cold)) int part_enlarge(struct part *p, uint64_t n)
{
	uint64_t cap = p->cap;
	void *q;

	while (cap - p->len < n + PM_LINE)
		cap *= 2;
	q = aligned_alloc(64, cap);
	if (!q)
		return err_set(ENOMEM, "out of memory for a log entry of %llu "
			       "bytes", (unsigned long long)(p->len + n));
	memcpy(q, p->buf, p->len);
	free(p->buf);
	p->buf = q;
	p->cap = cap;
	return 0;
}

static inline int part_room(struct part *p, uint64_t n)
{
	return LIKELY(p->cap - p->len >= n + PM_LINE) ? 0 : part_enlarge(p, n);
}

static inline int put(struct part *p, struct pm_rec rec, const void *payload,
		      uint64_t n)
{
	uint64_t padded = (n + 7) & ~7ull;
	uint8_t *to;

	if (UNLIKELY(p->len + sizeof(rec) + padded > part_limit(p)))
		return 1;
	if (UNLIKELY(part_room(p, sizeof(rec) + padded)))
		return -1;
	to = p->buf + p->len;
	memcpy(to, &rec, sizeof(rec));
	to += sizeof(rec);
	if (n) {
		if (padded != n)
			memset(to + padded - 8, 0, 8);
		copy_short(to, payload, n);
	}
	p->len += sizeof(rec) + padded;
	p->n_rec++;
	return 0;
}

int part_put(struct part *p, struct pm_rec rec, const void *payload,
	     uint64_t n)
{
	return put(p, rec, payload, n);
}

/* Bytes that the program may not touch are among them. */
static void pins_scan_quietly(struct part *p, uint64_t off, uint64_t len)
{
	memory_quiet(true);
	pins_scan(p, off, len);
	memory_quiet(false);
}

static __attribute__((cold)) int put_copy(struct part *p, struct pm_rec rec,
					  put_fn put)
{
	uint64_t off = PM_TAG_OFF(rec.tag);
	void *copy = malloc(rec.arg);
	int ret;

	if (!copy)
		return err_set(ENOMEM, "out of memory");
	pins_scan_quietly(p, off, rec.arg);
	memory_copy(copy, p->r->work + off, rec.arg);
	ret = put(p, rec, copy, rec.arg);
	free(copy);
	return ret;
}

SPECIALIZED int put_bytes(struct part *p, uint64_t off, uint64_t len, put_fn put)
{
	struct pm_rec rec = {PM_TAG(PM_REC_WRITE, off), len};

	if (alloc_back(p->r, off, len))
		return -1;
	if (debug_memory())
		return put_copy(p, rec, put);
	pins_scan(p, off, len);
	return put(p, rec, p->r->work + off, len);
}

SPECIALIZED int put_fill(struct part *p, uint64_t off, uint64_t len, int c,
		    put_fn put)
{
	struct pm_rec rec = {PM_TAG(PM_REC_FILL, off),
			     (uint64_t)(c & 0xff) << 56 | len};

	return alloc_back(p->r, off, len) ? -1 : put(p, rec, NULL, 0);
}

/* Takes up to max neighbours out of mask; how many, and where the first is. */
static unsigned take_row(const struct op *op, uint64_t *mask, unsigned max,
			 uint64_t *off)
{
	unsigned lo = (unsigned)__builtin_ctzll(*mask), n = 0;

	*off = slot_sibling(&op->u.slot, lo).off;
	while (n < max && lo + n < 64 && (*mask >> (lo + n) & 1))
		*mask &= ~(1ull << (lo + n++));
	return n;
}

/* The bytes of n neighbours, with what their slots have between them. */
static uint64_t row_len(const struct op *op, unsigned n)
{
	return (n - 1) * op->u.slot.usable + op->len;
}

/* One record for a row, if what is between the objects is less than the
 * records for each. */
SPECIALIZED int put_contents(struct part *p, const struct op *op, uint64_t live,
			     put_fn put)
{
	uint64_t gap = op->u.slot.usable - round_up(op->len, 8), off;
	unsigned max = gap <= sizeof(struct pm_rec) ? 64 : 1;
	int ret = 0;

	while (live && ret == 0) {
		unsigned n = take_row(op, &live, max, &off);

		ret = put_bytes(p, off, row_len(op, n), put);
	}
	return ret;
}

SPECIALIZED int alloc_records(struct part *p, const struct op *op, put_fn put)
{
	uint64_t live = op->mask & ~op->dead;
	struct slot s;
	int ret;

	if (!live)
		return 0;
	s = slot_sibling(&op->u.slot, (unsigned)__builtin_ctzll(live));
	if (live & (live - 1))
		ret = put(p, slot_mask_rec(&s, PM_REC_ALLOCMASK), &live, 8);
	else
		ret = put(p, slot_alloc_rec(&s), NULL, 0);
	if (ret)
		return ret;
	if (op->flags & OPF_NODATA)
		return op->flags & OPF_ZERO
			? put_fill(p, s.off, op->len, 0, put) : 0;
	return op->flags & OPF_DIRECT ? 0 : put_contents(p, op, live, put);
}

/* Not even a few bytes may lie where the log is spilled. */
static inline bool is_held(struct region *r, const struct op *op)
{
	return !(op->flags & OPF_UNSEEN) ||
	       LIKELY(region_holds_line(r, op->off)) ||
	       alloc_holds(r, op->off, op->len) == 0;
}

SPECIALIZED int records(struct part *p, const struct op *op, put_fn put,
			bool frees)
{
	switch (op->kind) {
	case OP_RANGE:
		if (UNLIKELY(!is_held(p->r, op)))
			return -1;
		return op->flags & OPF_NOLOG ? 0
			: put_bytes(p, op->off, op->len, put);
	case OP_FILL:
		return put_fill(p, op->off, op->len, op->u.c, put);
	case OP_ALLOC:
		p->has_slots = true;
		return alloc_records(p, op, put);
	case OP_FREE:
		p->has_slots = true;
		return !frees || op->alloc_op ? 0
			: put(p, slot_free_rec(&op->u.slot), NULL, 0);
	}
	/* OP_META */
	return put(p, op->u.rec, NULL, 0);
}

int op_records(struct part *p, const struct op *op, put_fn f, bool frees)
{
	return records(p, op, f, frees);
}

/* The id map learns which numbers the pointers being committed use. */
int part_put_pins(struct part *p)
{
	unsigned i;
	int ret = 0;

	if (LIKELY(!p->has_pins))
		return 0;
	for (i = 1; i < PM_NUMBERS_MAX && ret == 0; i++) {
		struct pm_rec rec;

		if (!(p->pins[i / 64] >> i % 64 & 1))
			continue;
		rec.tag = PM_TAG(PM_REC_IDMAP, 1u << 16 | i);
		rec.arg = pins_id(i);
		ret = part_put(p, rec, NULL, 0);
	}
	return ret;
}

int part_build(struct ctx *c, unsigned idx)
{
	struct part *p = c->part[idx];
	const struct op *op = c->op, *end = op + c->op_n;
	int ret = part_begin(p);

	for (; op < end && ret == 0; op++) {
		if (op->part == idx)
			ret = records(p, op, put, true);
	}
	return ret ? ret : part_put_pins(p);
}

/* Contents that may go to their home while it is still free. */
static bool is_fresh(const struct op *op, unsigned idx)
{
	return op->part == idx && op->kind == OP_ALLOC &&
	       op->mask != op->dead && !(op->flags & OPF_NODATA);
}

/*
 * The least length of contents that are written directly, 0: none are. They are
 * written once instead of twice, but at the price of a checkpoint. Where lines
 * are flushed one by one, many small ones are worth it as well; pages of a file,
 * which they may lie scattered over, would all have to be synced.
 */
static uint64_t direct_min(const struct ctx *c, const struct region *r,
			   unsigned idx)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < c->op_n && sum < DIRECT_MIN; i++)
		if (is_fresh(&c->op[i], idx))
			sum += c->op[i].len * (uint64_t)__builtin_popcountll(
				c->op[i].mask & ~c->op[i].dead);
	if (sum < DIRECT_MIN)
		return 0;
	return r->md.m.backend->traits & PM_BACKEND_CPU_FENCE ? 1 : DIRECT_MIN;
}

static void write_home(struct region *r, uint64_t off, uint64_t len)
{
	uint8_t copy[PM_PAGE];

	while (debug_memory() && len) {
		uint64_t n = min_u64(len, sizeof(copy));

		memory_copy(copy, r->work + off, n);
		med_write(&r->md, off, copy, n, PM_WRITE_FLUSH);
		off += n;
		len -= n;
	}
	if (len)
		med_write(&r->md, off, r->work + off, len, PM_WRITE_FLUSH);
}

static int write_rows(struct part *p, const struct op *op)
{
	struct region *r = p->r;
	uint64_t live = op->mask & ~op->dead, off;

	while (live) {
		uint64_t len = row_len(op, take_row(op, &live, 64, &off));

		if (alloc_back(r, off, len))
			return -1;
		if (debug_memory())
			pins_scan_quietly(p, off, len);
		else
			pins_scan(p, off, len);
		write_home(r, off, len);
	}
	return 0;
}

int part_write_direct(struct ctx *c, unsigned idx)
{
	struct part *p = c->part[idx];
	struct region *r = p->r;
	AO_t mine = 0;
	bool any = false;
	uint64_t least;
	uint32_t i;

	least = direct_min(c, r, idx);
	if (!least)
		return 0;
	for (i = 0; i < c->op_n; i++) {
		struct op *op = &c->op[i];

		if (!is_fresh(op, idx) || op->len < least)
			continue;
		/* Replay of entries from before the place was free must not
		 * overwrite it (T3). */
		if (!any && log_checkpoint_all(r))
			return -1;
		any = true;
		if (write_rows(p, op))
			return -1;
		op->flags |= OPF_DIRECT;
	}
	if (!any)
		return 0;
	/* ORDER T4: the contents before the entry that allocates their place.
	 * A crash before the entry leaves bytes in free space. */
	AO_fetch_and_add1(&r->log->direct_fences);
	return log_fence(r, &mine);
}
