/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ctx.h: a thread's transaction, and what is done to it at every TX_ADD, inline.
 */
#ifndef PMHEAP_LIB_TX_CTX_H
#define PMHEAP_LIB_TX_CTX_H

#include "tx/tx.h"

#define PARTS_MAX 8		/* regions of one transaction */

enum op_kind { OP_RANGE, OP_FILL, OP_ALLOC, OP_FREE, OP_META };

#define OPF_NOLOG	1u	/* only to be undone: inside a fresh object */
#define OPF_NODATA	2u	/* contents need not be logged              */
#define OPF_ZERO	4u	/* contents are zero                        */
#define OPF_DIRECT	8u	/* contents were written to their home      */
#define OPF_UNSEEN	16u	/* its extent was not looked at yet         */

/*
 * OP_ALLOC is all that one level has allocated in one word of a slab's bitmap:
 * slot is one of these objects, mask their bits, dead those that were freed
 * again in the transaction.
 */
struct op {
	uint8_t kind;
	uint8_t flags;
	uint16_t part;
	uint32_t alloc_op;	/* OP_FREE: index of its OP_ALLOC + 1     */
	uint64_t off;		/* region offset                          */
	uint64_t len;		/* bytes; OP_ALLOC: the most of an object */
	uint64_t undo;		/* OP_RANGE: position in undo; OP_ALLOC:
				   index + 1 of another level's for this
				   word                                   */
	uint64_t mask, dead;	/* OP_ALLOC                               */
	union {
		struct slot slot;
		struct pm_rec rec;
		int c;
	} u;
};

struct part {
	/* Kept from one transaction to the next: buf, cap. */
	struct region *r;
	struct lane *lane;
	uint64_t seq;
	uint8_t *buf;		/* the entry                              */
	uint64_t len, cap;
	uint64_t part_at;	/* place of the participants in buf       */
	uint64_t reserve;	/* room in it for the participants        */
	uint32_t n_rec;
	bool has_slots;		/* allocates or frees: rec_after() matters */
	bool has_pins;
	uint64_t pins[PM_NUMBERS_MAX / 64];
	struct spill *spill;
};

struct level {
	uint32_t ops, commits, aborts;	/* lengths when it began          */
	uint64_t undo;
	int doomed;		/* errno, 0: not                          */
	bool scope;		/* by TX_START                            */
	bool aborted;		/* rolled back, waits for its end         */
	uint64_t serial;
};

struct call {
	void (*f)(void *);
	void *arg;
};

struct held {
	void *lock;
	int kind;
};

/* Addresses to op indices; emptied by counting generations. */
struct addrmap {
	struct addrmap_entry {
		uint64_t key;
		uint32_t val, gen;
	} *e;
	uint32_t cap, n, gen;
};

#define UNSAVED_MAX 64		/* ranges to restore without undo bytes */

struct ctx {
	struct ctx *next, *prev;	/* all threads'; ctx_mu           */
	AO_t depth;			/* open levels                    */
	uint32_t level_n, level_cap;
	struct level *level;
	bool single;			/* a single operation             */
	bool failed;			/* something did, and has said so */
	bool committing;		/* all its stores are logged      */
	bool spilling;			/* holds the lock of spill.c      */
	uint64_t serial;
	struct op *op;
	uint32_t op_n, op_cap;
	uint32_t alloc_n, meta_n;	/* of their kinds in op           */
	uint32_t noted;			/* ranges up to it are in ranges  */
	uint64_t lines;			/* hashes of lines in any range
					   or object                      */
	uint32_t dead_op;		/* index + 1: has dead objects    */
	bool any_dead;			/* some OP_ALLOC has              */
	uint8_t *undo;
	uint64_t undo_n, undo_cap;
	struct part **part;
	AO_t part_n;
	uint32_t part_cap;
	struct call *commit_call, *abort_call;
	uint32_t commit_n, commit_cap, abort_n, abort_cap;
	struct held *held;
	uint32_t held_n, held_cap;
	struct addrmap ranges, fresh;
	struct unsaved {
		uint8_t *p;
		uint64_t n;
	} unsaved[UNSAVED_MAX];		/* no memory for the old bytes    */
	uint32_t unsaved_n;
	struct debug_tx *debug;		/* if debug_on asks for it        */
};

/* Result of this thread's last outermost transaction. */
extern THREAD_LOCAL int tx_last HIDDEN;
/* This thread's context, or NULL. */
extern THREAD_LOCAL struct ctx *tx_mine HIDDEN;
/* Closed while it is not zero. */
extern AO_t tx_gate HIDDEN;

/* ctx.c */
struct ctx *ctx_new(void);
static inline struct ctx *ctx_get(void)
{
	return LIKELY(tx_mine != NULL) ? tx_mine : ctx_new();
}

static inline struct ctx *ctx_peek(void)
{
	return tx_mine;
}

/* The innermost level; there is one. */
static inline struct level *top(const struct ctx *c)
{
	return &c->level[c->level_n - 1];
}

bool map_find(const struct addrmap *m, uint64_t key, uint32_t *val);
int map_put(struct addrmap *m, uint64_t key, uint32_t val);
void map_clear(struct addrmap *m);
/* Makes room for one more element; -1 ENOMEM. */
int vec_grow(void *vec, uint32_t n, uint32_t *cap, size_t elem);
static inline int vec_room(void *vec, uint32_t n, uint32_t *cap, size_t elem)
{
	return LIKELY(n < *cap) ? 0 : vec_grow(vec, n, cap, elem);
}

/* The index of r among the transaction's regions, or -1. */
int part_find(struct ctx *c, struct region *r);
static inline int part_of(struct ctx *c, struct region *r)
{
	if (LIKELY(c->part_n && c->part[0]->r == r))
		return 0;
	if (c->part_n || !c->part[0])
		return part_find(c, r);
	__atomic_store_n(&c->part[0]->r, r, __ATOMIC_RELAXED);
	AO_store_release(&c->part_n, 1);
	return 0;
}

/* A new operation, all but kind and part to be filled in; NULL with errno. */
static inline struct op *op_push(struct ctx *c, struct region *r, unsigned kind)
{
	struct op *op;
	int idx;

	if (UNLIKELY(vec_room(&c->op, c->op_n, &c->op_cap, sizeof(*c->op))))
		return NULL;
	idx = part_of(c, r);
	if (UNLIKELY(idx < 0))
		return NULL;
	op = &c->op[c->op_n++];
	op->kind = (uint8_t)kind;
	op->flags = 0;
	op->part = (uint16_t)idx;
	op->alloc_op = 0;
	return op;
}

/* By what c->fresh finds an OP_ALLOC: address of the first slot of its word. */
static inline uint64_t word_key(const struct region *r, const struct slot *s)
{
	return (uint64_t)(uintptr_t)(r->work + s->off -
				     s->idx % 64 * s->usable);
}

int undo_save(struct ctx *c, const void *p, uint64_t n, uint64_t *pos);
/* Up to so many operations are looked through one by one. */
#define FEW 8u

static inline uint64_t line_bit(uint64_t line)
{
	return 1ull << (line * 0x9e3779b97f4a7c15ull >> 58);
}

/* A range that begins in a line without its bit is in no range and no object
 * of this transaction yet. */
static inline void note_lines(struct ctx *c, uint64_t off, uint64_t n)
{
	uint64_t line = off / PM_LINE, last = (off + n - 1) / PM_LINE;

	if (last - line >= 64)
		c->lines = ~0ull;
	else
		for (; line <= last; line++)
			c->lines |= line_bit(line);
}

void ctx_wait_gate(struct ctx *c) __attribute__((cold));
/* Marks the thread inside a transaction; waits while pages are dropped. The
 * owner sets depth, then looks at the gate; membarrier(2) on the other side
 * makes that visible without a fence here. What was done behind the gate comes
 * before what is done when it is open. */
static inline void ctx_enter(struct ctx *c)
{
	AO_store(&c->depth, 1);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (UNLIKELY(AO_load_acquire(&tx_gate)))
		ctx_wait_gate(c);
}

/* No other thread is in a transaction, and this one logs no more stores. */
bool tx_others_are_idle(void);

#endif
