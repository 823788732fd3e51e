/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * add.c: what a transaction is going to change: ranges, allocations, frees,
 * the root. Old bytes are kept for an abort. A range added again, or inside an
 * object that this transaction allocated, is not logged twice.
 */
#include "tx/internal.h"

#include <assert.h>
#include <string.h>

static bool holds(const struct ctx *c, const struct op *op,
		  const struct region *r, uint64_t off, uint64_t n)
{
	return op->kind == OP_RANGE && !(op->flags & OPF_NOLOG) &&
	       off >= op->off && off + n <= op->off + op->len &&
	       c->part[op->part]->r == r;
}

/* Words are found by address, larger ranges by their first line. */
static uint64_t key_of(const void *ptr, uint64_t n)
{
	uint64_t p = (uint64_t)(uintptr_t)ptr;

	return n <= 8 ? p : p / PM_LINE;
}

static bool is_found(struct ctx *c, uint64_t key, struct region *r,
		     uint64_t off, uint64_t n)
{
	uint32_t i;

	return map_find(&c->ranges, key, &i) && i < c->op_n &&
	       i >= top(c)->ops && holds(c, &c->op[i], r, off, n);
}

/* Did this level already save these bytes? */
static bool is_covered(struct ctx *c, struct region *r, const void *ptr,
		       uint64_t off, uint64_t n)
{
	uint32_t i;

	if (c->op_n > FEW)
		return is_found(c, key_of(ptr, n), r, off, n) ||
		       (n <= 8 && is_found(c, key_of(ptr, 9), r, off, n));
	for (i = top(c)->ops; i < c->op_n; i++)
		if (holds(c, &c->op[i], r, off, n))
			return true;
	return false;
}

/* By a table, once they are too many to look through. */
static int note_range(struct ctx *c)
{
	int ret = 0;

	for (; c->noted < c->op_n && ret == 0; c->noted++) {
		uint32_t i = c->noted;
		struct op *op = &c->op[i];
		const void *p = c->part[op->part]->r->work + op->off;

		if (op->kind == OP_RANGE && !(op->flags & OPF_NOLOG))
			ret = map_put(&c->ranges, key_of(p, op->len), i);
	}
	return ret;
}

static bool is_word_op(const struct ctx *c, const struct region *r,
		       const struct slot *s, const struct op *op)
{
	return op->kind == OP_ALLOC && op->u.slot.owner == s->owner &&
	       op->u.slot.idx / 64 == s->idx / 64 &&
	       c->part[op->part]->r == r;
}

/* This level's op for the word of this slot, if it is where the last one of its
 * slab was; or NULL. */
static struct op *noted_op(const struct ctx *c, const struct region *r,
			   const struct slot *s)
{
	uint32_t idx = owner_note(s->owner);

	return idx < c->op_n && idx >= top(c)->ops &&
	       is_word_op(c, r, s, &c->op[idx]) ? &c->op[idx] : NULL;
}

/* The last level's op for the word of this slot, or NULL. */
static struct op *word_op(struct ctx *c, struct region *r, const struct slot *s,
			  uint32_t *idx)
{
	struct op *op;

	if (!map_find(&c->fresh, word_key(r, s), idx) || *idx >= c->op_n)
		return NULL;
	op = &c->op[*idx];
	return is_word_op(c, r, s, op) ? op : NULL;
}

/* This slot's op if this transaction has allocated it, or NULL. */
static struct op *fresh_op(struct ctx *c, struct region *r,
			   const struct slot *s, uint32_t *idx)
{
	struct op *op;

	if (!c->fresh.n)
		return NULL;
	op = noted_op(c, r, s);
	if (op && (op->mask >> s->idx % 64 & 1)) {
		*idx = (uint32_t)(op - c->op);
		return op;
	}
	op = word_op(c, r, s, idx);
	while (op && !(op->mask >> s->idx % 64 & 1)) {
		*idx = (uint32_t)op->undo - 1;
		op = op->undo ? &c->op[*idx] : NULL;
	}
	return op;
}

/* Its op, if this transaction has allocated the object at off; or NULL. */
static struct op *fresh_at(struct ctx *c, struct region *r, uint64_t off,
			   struct slot *s, uint32_t *idx)
{
	if (!c->fresh.n || alloc_containing(r, off, s))
		return NULL;
	return fresh_op(c, r, s, idx);
}

int tx_add_range(struct region *r, const void *ptr, uint64_t n)
{
	struct ctx *c = ctx_peek();
	uint64_t off = region_off(r, ptr);
	struct op *op, *fresh;
	struct slot s;
	uint32_t idx = 0;
	bool known = c->lines & line_bit(off / PM_LINE), nolog = false;

	/* The commit stores there: its cache miss overlaps with ours. */
	__builtin_prefetch(r->home + off, 1);
	if (n == 0 || (known && is_covered(c, r, ptr, off, n)))
		return 0;
	if (UNLIKELY(r->bounded))
		work_touch(r, off, n, true);
	if (debug_unlogged())
		debug_note(&c->debug, r, off, n);
	fresh = known ? fresh_at(c, r, off, &s, &idx) : NULL;
	if (fresh && off + n <= s.off + fresh->len) {
		/* The commit logs the whole object; only an abort of an inner
		 * level needs the old bytes. */
		if (idx >= top(c)->ops)
			return 0;
		nolog = true;
	}
	op = op_push(c, r, OP_RANGE);
	if (UNLIKELY(!op))
		return -1;
	op->off = off;
	op->len = n;
	op->flags = nolog ? OPF_NOLOG : 0;
	if (UNLIKELY(undo_save(c, ptr, n, &op->undo))) {
		c->op_n--;
		return -1;
	}
	note_lines(c, off, n);
	return LIKELY(c->op_n <= FEW) ? 0 : note_range(c);
}

int tx_add_fill(struct region *r, void *ptr, int ch, uint64_t n)
{
	struct ctx *c = ctx_peek();
	struct op *op = op_push(c, r, OP_FILL);

	if (!op)
		return -1;
	op->off = region_off(r, ptr);
	op->len = n;
	op->u.c = ch;
	if (UNLIKELY(r->bounded))
		work_touch(r, op->off, n, false);
	return 0;
}

static int reserve(struct region *r, uint64_t size, uint64_t align,
		   uint32_t type, struct slot *s)
{
	int ret = alloc_reserve(r, size, align, type, s);

	if (ret == ALLOC_FULL && log_collect(r))
		ret = alloc_reserve(r, size, align, type, s);
	/* Other threads may take what was added; then there is more to add. */
	while (ret == ALLOC_FULL && size <= r->hdr->max_size &&
	       align <= window_slot_size()) {
		ret = log_grow(r, size + align);
		if (ret)
			break;
		ret = alloc_reserve(r, size, align, type, s);
	}
	if (ret == ALLOC_FULL)
		return err_set(ENOMEM, "%s: no room for an object of %llu "
			       "bytes in a region of %llu, which may grow to "
			       "%llu (max_size)", region_name(r),
			       (unsigned long long)size,
			       (unsigned long long)AO_load(&r->size),
			       (unsigned long long)r->hdr->max_size);
	return ret;
}

/* The same while somebody looks for stores that were not logged. */
static int reserve_noted(struct ctx *c, struct region *r, uint64_t size,
			 uint64_t align, uint32_t type, struct slot *s)
{
	int ret;

	debug_reserve();
	ret = reserve(r, size, align, type, s);
	debug_reserved(&c->debug, r, ret ? NULL : s);
	return ret;
}

static int reserve_some(struct ctx *c, struct region *r, uint64_t size,
			uint64_t align, uint32_t type, struct slot *s)
{
	return debug_unlogged() ? reserve_noted(c, r, size, align, type, s)
				: reserve(r, size, align, type, s);
}

/* The same with a gap behind it, if there is room for one. */
static int reserve_watched(struct ctx *c, struct region *r, uint64_t size,
			   uint64_t align, uint32_t type, struct slot *s)
{
	return size <= r->hdr->max_size &&
	       reserve_some(c, r, size + MEMORY_GAP, align, type, s) == 0
		? 0 : reserve_some(c, r, size, align, type, s);
}

/* What this level has allocated and freed is taken again: in the log there is
 * nothing of it, and it was noted before. */
static uint8_t *revive(struct ctx *c, struct region *r, uint64_t size,
		       uint64_t align, uint32_t type)
{
	struct op *op = &c->op[c->dead_op - 1];
	unsigned bit;

	/* It may have been undone, and be another one now. */
	if (c->dead_op > c->op_n || c->dead_op <= top(c)->ops ||
	    op->kind != OP_ALLOC || !op->dead || c->part[op->part]->r != r ||
	    !alloc_suits(r, &op->u.slot, size, align, type))
		return NULL;
	bit = (unsigned)__builtin_ctzll(op->dead);
	alloc_show(&op->u.slot, bit);
	op->dead &= op->dead - 1;
	op->len = max_u64(op->len, size);
	return r->work + slot_sibling(&op->u.slot, bit).off;
}

/* A single operation never asks what is fresh. */
static int push_alloc(struct ctx *c, struct region *r, const struct slot *s,
		      uint64_t size)
{
	uint32_t idx = 0;
	struct op *last = NULL, *op = noted_op(c, r, s);

	/* There is none in a single operation. */
	if (LIKELY(op)) {
		op->mask |= 1ull << s->idx % 64;
		op->len = max_u64(op->len, size);
		return 0;
	}
	if (!c->single) {
		last = word_op(c, r, s, &idx);
		if (last && idx >= top(c)->ops) {
			last->mask |= 1ull << s->idx % 64;
			last->len = max_u64(last->len, size);
			return 0;
		}
		if (map_put(&c->fresh, word_key(r, s), c->op_n))
			return -1;
	}
	op = op_push(c, r, OP_ALLOC);
	if (!op)
		return -1;
	__atomic_store_n(&s->owner->note, c->op_n - 1, __ATOMIC_RELAXED);
	op->off = s->off;
	op->len = size;
	op->u.slot = *s;
	op->mask = 1ull << s->idx % 64;
	op->dead = 0;
	op->undo = last ? idx + 1 : 0;
	if (c->single)
		op->flags = OPF_NODATA;
	c->alloc_n++;
	return 0;
}

void *tx_alloc(struct region *r, uint64_t size, uint64_t align, uint32_t type,
	       bool zero)
{
	struct ctx *c = ctx_peek();
	uint8_t *p = NULL;
	struct slot s;

	if (c->dead_op)
		p = revive(c, r, size + (debug_memory() ? MEMORY_GAP : 0),
			   align, type);
	if (!p) {
		if (debug_memory()
		    ? reserve_watched(c, r, size, align, type, &s)
		    : reserve_some(c, r, size, align, type, &s))
			return NULL;
		if (push_alloc(c, r, &s, size)) {
			alloc_cancel(r, &s);
			return NULL;
		}
		p = r->work + s.off;
	}
	if (debug_memory())
		memory_alloc(r, region_off(r, p), size);
	if (UNLIKELY(r->bounded))
		work_touch(r, region_off(r, p), size, false);
	note_lines(c, region_off(r, p), size);
	if (UNLIKELY(zero)) {
		if (c->single)
			c->op[c->op_n - 1].flags |= OPF_ZERO;
		memset(p, 0, size);
	}
	return p;
}

/* The object is live; the caller has found it by alloc_find(). */
int tx_free(struct region *r, const struct slot *s)
{
	struct ctx *c = ctx_peek();
	uint32_t idx = 0;
	struct op *fresh = fresh_op(c, r, s, &idx), *op;
	uint64_t bit = 1ull << s->idx % 64;
	bool here = fresh && idx >= top(c)->ops;

	if (here ? alloc_hide(r, s, s->idx % 64) : alloc_unlive(r, s)) {
		errno = EINVAL;
		return -1;
	}
	/* What this transaction freed is not live. */
	assert(!fresh || !(fresh->dead & bit));
	if (debug_memory())
		memory_free(r, s);
	if (here) {
		fresh->dead |= bit;
		c->dead_op = idx + 1;
		c->any_dead = true;
		return 0;
	}
	op = op_push(c, r, OP_FREE);
	if (!op) {
		if (debug_memory())
			memory_alloc(r, s->off, s->usable);
		alloc_relive(s);
		return -1;
	}
	op->off = s->off;
	op->u.slot = *s;
	if (fresh) {
		/* op_push() may have moved the array. */
		c->op[idx].dead |= bit;
		op->alloc_op = idx + 1;
		c->any_dead = true;
	}
	return 0;
}

void tx_use_whole(struct region *r, const struct slot *s)
{
	struct op *op;
	uint32_t idx;

	note_lines(ctx_peek(), s->off, s->usable);
	op = fresh_op(ctx_peek(), r, s, &idx);
	if (op)
		op->len = s->usable;
}

int tx_set_root(struct region *r, uint64_t off, uint64_t size)
{
	struct ctx *c = ctx_peek();
	struct op *op = op_push(c, r, OP_META);

	if (!op)
		return -1;
	op->u.rec = (struct pm_rec){PM_TAG(PM_REC_ROOT, off), size};
	c->meta_n++;
	return 0;
}

void tx_get_root(struct region *r, uint64_t *off, uint64_t *size)
{
	struct ctx *c = ctx_peek();
	uint32_t i = c && c->meta_n ? c->op_n : 0;

	while (i-- > 0) {
		struct op *op = &c->op[i];

		if (op->kind == OP_META && c->part[op->part]->r == r &&
		    PM_TAG_TYPE(op->u.rec.tag) == PM_REC_ROOT) {
			*off = PM_TAG_OFF(op->u.rec.tag);
			*size = op->u.rec.arg;
			return;
		}
	}
	/* In this order: never the old root with the new size. */
	*size = __atomic_load_n(&r->hdr->root_size, __ATOMIC_ACQUIRE);
	*off = __atomic_load_n(&r->hdr->root_off, __ATOMIC_ACQUIRE);
}
