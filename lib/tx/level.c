/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * level.c: pm_tx_begin and its like: levels of a thread's transaction.
 */
#include "tx/internal.h"

#include <assert.h>

static int level_push(struct ctx *c)
{
	struct level *l;

	if (vec_room(&c->level, c->level_n, &c->level_cap, sizeof(*l)))
		return -1;
	l = &c->level[c->level_n++];
	l->ops = c->op_n;
	l->undo = c->undo_n;
	l->aborts = c->abort_n;
	l->commits = c->commit_n;
	l->doomed = 0;
	l->scope = false;
	l->aborted = false;
	l->serial = ++c->serial;
	return 0;
}

/* May this thread start an outermost transaction? */
static int check_start(void)
{
	if (UNLIKELY(table_in_child()))
		return err_set(EPERM, "a forked child cannot change its "
			       "parent's regions");
	if (UNLIKELY(!table_get(PM_PRIMARY)))
		return err_set(EINVAL, "no region is open");
	return 0;
}

static struct ctx *begin(void)
{
	struct ctx *c = ctx_get();

	if (!c)
		return NULL;
	if (c->level_n == 0) {
		if (check_start())
			return NULL;
		ctx_enter(c);
	}
	if (level_push(c)) {
		if (c->level_n == 0)
			AO_store_release(&c->depth, 0);
		return NULL;
	}
	return c;
}

/* A transaction that did not even begin has failed, too. */
static struct ctx *begin_tx(void)
{
	struct ctx *c = begin();

	if (UNLIKELY(!c && !tx_active()))
		tx_last = errno;
	return c;
}

PM_API int pm_tx_begin(void)
{
	struct ctx *c = begin_tx();

	if (debug_unlogged() && c && c->level_n == 1)
		debug_begin(&c->debug, NULL, __builtin_return_address(0));
	return c ? 0 : -1;
}

/* The calls that the levels above were to make at an abort. */
static void run_inner_aborts(struct ctx *c, uint32_t from)
{
	uint32_t n = c->abort_n;

	/* One of them may register others; these wait for their own abort. */
	while (n > from) {
		struct call k = c->abort_call[--n];

		c->abort_n = n;
		k.f(k.arg);
	}
}

/* Undoes the innermost level; it stays open. */
static void undo_level(struct ctx *c)
{
	ctx_rollback(c, top(c)->ops, top(c)->undo);
}

/* Undoes the innermost level and ends it with err. */
static int abort_level(struct ctx *c, int err)
{
	undo_level(c);
	if (c->level_n == 1) {
		ctx_end(c, err);
	} else {
		struct level *l = &c->level[--c->level_n];

		c->commit_n = l->commits;
		run_inner_aborts(c, l->aborts);
	}
	errno = err;
	return -1;
}

static int commit_level(struct ctx *c)
{
	int err;

	if (top(c)->doomed)
		return abort_level(c, top(c)->doomed);
	if (c->level_n > 1) {
		c->level_n--;
		return 0;
	}
	if (ctx_commit(c)) {
		err = errno ? errno : EIO;
		return abort_level(c, err);
	}
	ctx_end(c, 0);
	return 0;
}

static struct ctx *current(void)
{
	struct ctx *c = ctx_peek();

	if (c && c->level_n && !c->single)
		return c;
	err_set(EINVAL, "this thread has no transaction");
	return NULL;
}

PM_API int pm_tx_commit(void)
{
	struct ctx *c = current();

	if (c && !table_in_child())
		return commit_level(c);
	if (c)
		return abort_level(c, EPERM);
	err_misuse();
	return -1;
}

PM_API void pm_tx_abort(int err)
{
	struct ctx *c = current();

	if (!c) {
		err_misuse();
		return;
	}
	if (err == 0)
		err = ECANCELED;
	/* What made it fail before, in any level, tells more. */
	if (!c->failed)
		err_note("the transaction was aborted by the program");
	if (!top(c)->scope) {
		abort_level(c, err);
		return;
	}
	undo_level(c);
	if (!top(c)->doomed)
		top(c)->doomed = err;
	top(c)->aborted = true;
	errno = err;
}

PM_API int pm_tx_errno(void)
{
	return tx_last;
}

PM_API int pm_tx_level(void)
{
	struct ctx *c = ctx_peek();

	return c && !c->single ? (int)c->level_n : 0;
}

bool tx_active(void)
{
	return pm_tx_level() > 0;
}

int tx_doom(int err)
{
	struct ctx *c = ctx_peek();

	if (c && c->level_n) {
		c->failed = true;
		if (!top(c)->doomed)
			top(c)->doomed = err ? err : EIO;
	}
	errno = err;
	return -1;
}

/* An operation fails at once in a level that can only abort. */
static int usable(struct ctx *c)
{
	if (LIKELY(!top(c)->doomed))
		return 0;
	errno = top(c)->aborted ? ECANCELED : top(c)->doomed;
	return -1;
}

int op_begin(void)
{
	struct ctx *c = ctx_peek();

	if (c && c->level_n)
		return usable(c);
	c = begin();
	if (!c)
		return -1;
	c->single = true;
	return 0;
}

int op_end(int ret)
{
	struct ctx *c = ctx_peek();
	int err = errno;

	/* Nothing between op_begin() and here ends a level. */
	assert(c && c->level_n);
	if (c->single)
		return ret == 0 ? commit_level(c) : abort_level(c, err);
	if (ret)
		tx_doom(err);
	errno = err;
	return ret;
}

/*
 * Programs need not look at what pm_tx_add() returns: they store all the same,
 * and the rollback must find the old bytes. These are at home, as they were
 * before the outermost level, so every level can only abort.
 */
static int add_failed(struct ctx *c, struct region *r, const void *ptr,
		      size_t n)
{
	uint8_t *p = (uint8_t *)(uintptr_t)ptr;
	struct unsaved *u = &c->unsaved[c->unsaved_n];
	int err = errno;
	uint32_t i;

	c->failed = true;
	for (i = 0; i < c->level_n; i++)
		if (!c->level[i].doomed)
			c->level[i].doomed = err;
	if (c->unsaved_n && p >= u[-1].p && p <= u[-1].p + u[-1].n)
		u[-1].n = max_u64(u[-1].n, (uint64_t)(p + n - u[-1].p));
	else if (c->unsaved_n < UNSAVED_MAX)
		c->unsaved[c->unsaved_n++] = (struct unsaved){p, n};
	else
		log_poison(r, POISON_UNDO);
	errno = err;
	return -1;
}

/*
 * The common case, short so that the cache misses of several ranges overlap:
 * bytes of one line of the transaction's first region, in no range before, no
 * limit for the working copy, and nobody who looks for stores without a log.
 */
static inline bool add_quickly(struct ctx *c, const void *ptr, size_t n)
{
	struct region *r = table_of(ptr);
	uint64_t off, bit;
	struct op *op;

	if (UNLIKELY(!r || !c || !c->level_n || c->single || c->op_n >= FEW ||
		     c->op_n == c->op_cap || c->undo_cap - c->undo_n < n))
		return false;
	off = region_off(r, ptr);
	bit = line_bit(off / PM_LINE);
	if (UNLIKELY(n - 1 >= PM_LINE || off % PM_LINE + n > PM_LINE ||
		     !range_in(off, n, r->data_lo, r->data_hi) ||
		     (c->lines & bit) ||
		     top(c)->doomed || is_refused(r) || r->bounded ||
		     debug_objects() || part_of(c, r) != 0))
		return false;
	__builtin_prefetch(r->home + off, 1);
	c->lines |= bit;
	op = &c->op[c->op_n++];
	op->kind = OP_RANGE;
	op->flags = OPF_UNSEEN;
	op->part = 0;
	op->alloc_op = 0;
	op->off = off;
	op->len = n;
	op->undo = c->undo_n;
	copy_short(c->undo + c->undo_n, ptr, n);
	c->undo_n += n;
	return true;
}

static int add_any(const void *ptr, size_t n)
{
	struct ctx *c = current();
	struct region *r;

	if (UNLIKELY(!c)) {
		err_misuse();
		return -1;
	}
	r = alloc_owner_of(ptr, n);
	if (UNLIKELY(!r || region_writable(r)))
		return tx_doom(errno);
	/* A doomed level too must be able to restore what the program
	 * changes before its end. */
	if (UNLIKELY(tx_add_range(r, ptr, n)))
		return add_failed(c, r, ptr, n);
	return usable(c);
}

PM_API int pm_tx_add(const void *ptr, size_t n)
{
	return LIKELY(add_quickly(ctx_peek(), ptr, n)) ? 0 : add_any(ptr, n);
}

static int add_call(bool on_commit, void (*f)(void *), void *arg)
{
	struct ctx *c = current();
	struct call **vec;
	uint32_t *n, *cap;

	if (!c || !f)
		return c ? err_set(EINVAL, "no function to call") : -1;
	vec = on_commit ? &c->commit_call : &c->abort_call;
	n = on_commit ? &c->commit_n : &c->abort_n;
	cap = on_commit ? &c->commit_cap : &c->abort_cap;
	if (vec_room(vec, *n, cap, sizeof(**vec)))
		return tx_doom(ENOMEM);
	(*vec)[(*n)++] = (struct call){f, arg};
	return 0;
}

PM_API int pm_tx_on_commit(void (*f)(void *), void *arg)
{
	return add_call(true, f, arg);
}

PM_API int pm_tx_on_abort(void (*f)(void *), void *arg)
{
	return add_call(false, f, arg);
}

PM_API void pm_tx_scope_begin(PmTxScope *s)
{
	struct ctx *c = begin_tx();

	s->level = 0;
	s->serial = 0;
	s->state = PM_TX_ABORTED_;
	if (!c) {
		s->serial = (uint64_t)errno;
		return;
	}
	if (debug_unlogged() && c->level_n == 1)
		debug_begin(&c->debug, s->where, NULL);
	top(c)->scope = true;
	s->serial = top(c)->serial;
	s->level = (int)c->level_n;
	s->state = PM_TX_RUNNING_;
}

/* Is the scope's level still there? Ends levels opened inside it. */
static struct ctx *scope_ctx(PmTxScope *s)
{
	struct ctx *c = ctx_peek();

	if (!c || (int)c->level_n < s->level ||
	    c->level[s->level - 1].serial != s->serial)
		return NULL;
	while ((int)c->level_n > s->level)
		abort_level(c, ECANCELED);
	return c;
}

static void scope_failed(PmTxScope *s, int err)
{
	s->state = PM_TX_ABORTED_;
	s->serial = (uint64_t)err;
	errno = err;
}

PM_API void pm_tx_scope_commit(PmTxScope *s)
{
	struct ctx *c = ctx_peek();
	bool inner = c && (int)c->level_n > s->level;

	c = scope_ctx(s);
	if (!c) {
		err_set(EINVAL, "the transaction was ended inside its block");
		scope_failed(s, EINVAL);
		return;
	}
	if (inner)
		tx_doom(EINVAL);
	if (pm_tx_commit() == 0)
		s->state = PM_TX_COMMITTED_;
	else
		scope_failed(s, errno);
}

PM_API int pm_tx_scope_settle(PmTxScope *s)
{
	if (s->state == PM_TX_RUNNING_)
		pm_tx_scope_leave(s);
	if (s->state == PM_TX_ABORTED_)
		errno = (int)s->serial;
	return s->state;
}

/* The block was left, not passed: TX_ABORT, break, goto, return. */
PM_API void pm_tx_scope_leave(PmTxScope *s)
{
	struct ctx *c;
	int err;

	if (s->state != PM_TX_RUNNING_)
		return;
	c = scope_ctx(s);
	if (!c) {
		scope_failed(s, EINVAL);
		return;
	}
	err = top(c)->doomed ? top(c)->doomed : ECANCELED;
	if (!c->failed && !top(c)->aborted) {
		err_note("the block of the transaction at %s was left before "
			 "TX_END", s->where);
		say(PM_LOG_WARN, "%s", err_get());
	}
	abort_level(c, err);
	scope_failed(s, err);
}

PM_API void *pm_tx_none_(void)
{
	err_set(EINVAL, "this thread has no transaction");
	return NULL;
}
