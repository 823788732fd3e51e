/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pmheap/tx.h: transactions.
 *
 *	TX_START {
 *		TX_ADD(&node->value);
 *		node->value = 2;
 *		TX_SET(node->next, other);
 *	} TX_ONCOMMIT {
 *	} TX_ONABORT {
 *	} TX_FINALLY {
 *	} TX_END
 *
 * TX_ONCOMMIT, TX_ONABORT and TX_FINALLY are optional, in this order. A
 * transaction belongs to the thread that started it, may change up to eight
 * regions (else ENOTSUP), and is durable when the outermost TX_END is passed
 * (PM_RELAXED: at the next group flush). Transactions nest: an inner one that aborts undoes
 * only itself. The program locks its own data; locks taken by TX_LOCK() are
 * held to the end of the outermost transaction.
 *
 * An operation that fails inside a transaction returns its error and dooms the
 * innermost level: TX_END then rolls back and TX_ONABORT runs with errno set.
 * Leaving the block by break, goto, return or a C++ exception rolls back too
 * (ECANCELED). `continue` that leaves the block is the normal end of it.
 */
#ifndef PMHEAP_TX_H
#define PMHEAP_TX_H

#include <pmheap/base.h>

/* State of one TX_START block; its fields are the library's. */
typedef struct PmTxScope {
	uint64_t serial;
	int level;
	int state;
	const char *where;	/* file:line of TX_START */
} PmTxScope;

PM_BEGIN_DECLS

/* Starts a transaction or a nested level. 0; -1: EINVAL no region is open,
 * EPERM in a forked child, ENOMEM. */
PM_API int pm_tx_begin(void) PM_MUST_CHECK;

/*
 * The n bytes at ptr may be changed from here on: they are logged at commit
 * and restored by an abort. Adding a range again is cheap. 0; -1 and doomed:
 * EINVAL no transaction, or the bytes are not inside one open region; EROFS;
 * EPERM; ENOMEM; EIO.
 */
PM_API int pm_tx_add(const void *ptr, size_t n) PM_ACCESS(none, 1, 2);

/*
 * Ends the innermost level. 0: committed. -1: rolled back (errno: what doomed
 * it, or ENOSPC, EIO), or EINVAL if this thread has no transaction.
 */
PM_API int pm_tx_commit(void) PM_MUST_CHECK;

/*
 * Rolls back the innermost level and ends it (inside TX_START: it ends at
 * TX_END, and every call until there fails with ECANCELED; use TX_ABORT to
 * leave the block at once). err 0 is taken as ECANCELED. Without a transaction
 * only sets errno to EINVAL.
 */
PM_API void pm_tx_abort(int err);

/* Result of this thread's last outermost transaction: 0 or an errno value. */
PM_API int pm_tx_errno(void);

/* Nesting level of this thread's transaction; 0: none. */
PM_API int pm_tx_level(void);

/*
 * Registers a call for when the outermost transaction has committed, in order
 * of registration, dropped if the level that registered it is rolled back; or
 * for when that level (or one around it) is rolled back, in reverse order. The
 * calls run outside the level that ended. 0, or -1: EINVAL no transaction, ENOMEM (and doomed).
 */
PM_API int pm_tx_on_commit(void (*f)(void *arg), void *arg) PM_NONNULL(1);
PM_API int pm_tx_on_abort(void (*f)(void *arg), void *arg) PM_NONNULL(1);

/* What the macros call. */
PM_API void pm_tx_scope_begin(PmTxScope *scope);
PM_API void pm_tx_scope_commit(PmTxScope *scope);
PM_API int pm_tx_scope_settle(PmTxScope *scope);
PM_API void pm_tx_scope_leave(PmTxScope *scope);

PM_END_DECLS

/* Ranges: the object p points to, one field of it, n bytes. 0 or -1. */
#define TX_ADD(p) pm_tx_add((p), sizeof *(p))
#define TX_ADD_FIELD(p, f) pm_tx_add(&(p)->f, sizeof (p)->f)
#define TX_ADD_RANGE(p, n) pm_tx_add((p), (n))

/* Logs the lvalue and assigns to it; does neither if logging fails. */
#define TX_SET(lvalue, value)						\
	do {								\
		if (pm_tx_add(&(lvalue), sizeof(lvalue)) == 0)		\
			(lvalue) = (value);				\
	} while (0)

/* memcpy and memset with logging; dst, or NULL when logging fails. */
#define TX_MEMCPY(dst, src, n)						\
	(pm_tx_level() ? pm_write((dst), (src), (n)) : pm_tx_none_())
#define TX_MEMSET(dst, c, n)						\
	(pm_tx_level() ? pm_fill((dst), (c), (n)) : pm_tx_none_())

#include <pmheap/write.h>

PM_BEGIN_DECLS
/* NULL with EINVAL: what TX_MEMCPY gives without a transaction. */
PM_API void *pm_tx_none_(void);
PM_END_DECLS

/*
 * Not for -Wpedantic: local labels have no form in which gcc would accept them
 * silently, but in a header of the system. It is so from here to the end.
 */
#pragma GCC system_header

#define PM_TX_LINE_(line) PM_TX_STRING_(line)
#define PM_TX_STRING_(x) #x

#define PM_TX_NEW_	0
#define PM_TX_RUNNING_	1
#define PM_TX_COMMITTED_ 2
#define PM_TX_ABORTED_	3

#define TX_START							\
	{								\
		__label__ pm_tx_out_;					\
		PmTxScope pm_tx_scope_					\
			__attribute__((cleanup(pm_tx_scope_leave)));	\
		pm_tx_scope_.where = __FILE__ ":" PM_TX_LINE_(__LINE__); \
		for (pm_tx_scope_begin(&pm_tx_scope_);			\
		     pm_tx_scope_.state == PM_TX_RUNNING_;		\
		     pm_tx_scope_commit(&pm_tx_scope_))			\
			if (0) {					\
			pm_tx_out_: __attribute__((unused));		\
				break;					\
			} else

/* TX_ABORT in one of these parts aborts the block around this one, and must
 * not bring control back here. */
#define PM_TX_ONCE_ (pm_tx_scope_.level >= 0 && (pm_tx_scope_.level = -1))

#define TX_ONCOMMIT							\
		if (pm_tx_scope_settle(&pm_tx_scope_) == PM_TX_COMMITTED_ && \
		    PM_TX_ONCE_)

#define TX_ONABORT							\
		if (pm_tx_scope_settle(&pm_tx_scope_) == PM_TX_ABORTED_ && \
		    PM_TX_ONCE_)

#define TX_FINALLY							\
		(void)pm_tx_scope_settle(&pm_tx_scope_);

#define TX_END								\
		(void)pm_tx_scope_settle(&pm_tx_scope_);		\
	}

/* Rolls back the innermost TX_START block with err and leaves it at once. */
#define TX_ABORT(err)							\
	do {								\
		pm_tx_abort(err);					\
		goto pm_tx_out_;					\
	} while (0)

#endif
