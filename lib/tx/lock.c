/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lock.c: pm_mutex, pm_rwlock and pm_cond, known by their address.
 *
 * Nothing is stored in the persistent object: an abort that restores the
 * object, or a commit that logs it, cannot touch the state of a lock. The real
 * lock stands in a table while somebody holds it or waits for it, and goes
 * back to a free list after; so the table does not grow with the objects.
 *
 * Lock order: a bucket's mutex is a leaf.
 */
#include "tx/internal.h"

#include <stdlib.h>

#define BUCKETS 512

enum lock_kind { MUTEX, RWLOCK, COND };

struct entry {
	struct entry *next;
	const void *addr;
	enum lock_kind kind;
	unsigned refs;			/* holders and waiters            */
	bool forgotten;			/* its region is closed           */
	union {
		pthread_mutex_t mutex;
		pthread_rwlock_t rwlock;
		pthread_cond_t cond;
	} u;
};

static struct bucket {
	pthread_mutex_t mu;
	struct entry *list, *spare;
} CACHE_ALIGNED bucket[BUCKETS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init_buckets(void)
{
	int i;

	for (i = 0; i < BUCKETS; i++)
		pthread_mutex_init(&bucket[i].mu, NULL);
}

void locks_fork_child(void)
{
	int i;

	for (i = 0; i < BUCKETS; i++) {
		pthread_mutex_init(&bucket[i].mu, NULL);
		bucket[i].list = bucket[i].spare = NULL;
	}
}

static struct bucket *bucket_of(const void *addr)
{
	uint64_t h = (uint64_t)(uintptr_t)addr * 0x9e3779b97f4a7c15ull;

	pthread_once(&once, init_buckets);
	return &bucket[h >> 55];
}

static void entry_init(struct entry *e, enum lock_kind kind)
{
	pthread_mutexattr_t attr;

	if (kind == RWLOCK) {
		pthread_rwlock_init(&e->u.rwlock, NULL);
	} else if (kind == COND) {
		pthread_cond_init(&e->u.cond, NULL);
	} else {
		pthread_mutexattr_init(&attr);
		pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
		pthread_mutex_init(&e->u.mutex, &attr);
		pthread_mutexattr_destroy(&attr);
	}
}

static void entry_destroy(struct entry *e)
{
	if (e->kind == RWLOCK)
		pthread_rwlock_destroy(&e->u.rwlock);
	else if (e->kind == COND)
		pthread_cond_destroy(&e->u.cond);
	else
		pthread_mutex_destroy(&e->u.mutex);
}

/* The lock at addr with one more reference; make: also if it is idle. */
static struct entry *entry_get(const void *addr, enum lock_kind kind, bool make)
{
	struct bucket *b = bucket_of(addr);
	struct entry *e;

	pthread_mutex_lock(&b->mu);
	for (e = b->list; e; e = e->next)
		if (e->addr == addr && e->kind == kind)
			break;
	if (!e && make) {
		e = b->spare;
		if (e)
			b->spare = e->next;
		else
			e = malloc(sizeof(*e));
		if (e) {
			e->addr = addr;
			e->kind = kind;
			e->refs = 0;
			e->forgotten = false;
			entry_init(e, kind);
			e->next = b->list;
			b->list = e;
		}
	}
	if (e)
		e->refs++;
	pthread_mutex_unlock(&b->mu);
	if (!e && make)
		err_set(ENOMEM, "out of memory for the lock at %p", addr);
	return e;
}

static void entry_put(struct entry *e, unsigned refs)
{
	struct bucket *b = bucket_of(e->addr);
	struct entry **at;

	pthread_mutex_lock(&b->mu);
	e->refs -= refs;
	if (e->forgotten) {
		/* Who holds it can let go of it no more. */
		if (e->refs <= (e->kind != COND))
			free(e);
	} else if (e->refs == 0) {
		for (at = &b->list; *at != e; at = &(*at)->next)
			;
		*at = e->next;
		entry_destroy(e);
		e->next = b->spare;
		b->spare = e;
	}
	pthread_mutex_unlock(&b->mu);
}

/* Every lock is free after the next open: these are nobody's any more. An
 * entry that a thread still waits on is left to it. */
void locks_forget(const struct region *r)
{
	uint64_t len = (uint64_t)r->span << window.slot_bits;
	int i;

	pthread_once(&once, init_buckets);
	for (i = 0; i < BUCKETS; i++) {
		struct bucket *b = &bucket[i];
		struct entry **at = &b->list, *e;

		pthread_mutex_lock(&b->mu);
		while ((e = *at)) {
			if ((uint64_t)((const uint8_t *)e->addr - r->work) >=
			    len) {
				at = &e->next;
				continue;
			}
			*at = e->next;
			/* One reference is the holder; but a condition has
			 * waiters only. */
			e->forgotten = true;
			if (e->refs == 1 && e->kind != COND)
				free(e);
		}
		pthread_mutex_unlock(&b->mu);
	}
}

static int lock_mutex(pthread_mutex_t *m)
{
	return pthread_mutex_lock(m);
}

static int lock_with(const void *addr, enum lock_kind kind,
		     int (*mutex)(pthread_mutex_t *),
		     int (*rwlock)(pthread_rwlock_t *))
{
	struct entry *e;
	int ret;

	if (!addr)
		return EINVAL;
	e = entry_get(addr, kind, true);
	if (!e)
		return ENOMEM;
	ret = kind == MUTEX ? mutex(&e->u.mutex) : rwlock(&e->u.rwlock);
	if (ret)
		entry_put(e, 1);
	return ret;
}

static int unlock(const void *addr, enum lock_kind kind)
{
	struct entry *e;
	int ret;

	if (!addr)
		return EINVAL;
	e = entry_get(addr, kind, false);
	if (!e)
		return EPERM;
	ret = kind == MUTEX ? pthread_mutex_unlock(&e->u.mutex)
			    : pthread_rwlock_unlock(&e->u.rwlock);
	/* This call's reference, and the holder's. */
	entry_put(e, ret ? 1 : 2);
	return ret;
}

PM_API int pm_mutex_lock(pm_mutex *m)
{
	return lock_with(m, MUTEX, lock_mutex, NULL);
}

PM_API int pm_mutex_trylock(pm_mutex *m)
{
	return lock_with(m, MUTEX, pthread_mutex_trylock, NULL);
}

PM_API int pm_mutex_unlock(pm_mutex *m)
{
	return unlock(m, MUTEX);
}

PM_API int pm_rwlock_rdlock(pm_rwlock *l)
{
	return lock_with(l, RWLOCK, NULL, pthread_rwlock_rdlock);
}

PM_API int pm_rwlock_wrlock(pm_rwlock *l)
{
	return lock_with(l, RWLOCK, NULL, pthread_rwlock_wrlock);
}

PM_API int pm_rwlock_tryrdlock(pm_rwlock *l)
{
	return lock_with(l, RWLOCK, NULL, pthread_rwlock_tryrdlock);
}

PM_API int pm_rwlock_trywrlock(pm_rwlock *l)
{
	return lock_with(l, RWLOCK, NULL, pthread_rwlock_trywrlock);
}

PM_API int pm_rwlock_unlock(pm_rwlock *l)
{
	return unlock(l, RWLOCK);
}

PM_API int pm_cond_timedwait(pm_cond *c, pm_mutex *m,
			     const struct timespec *abstime)
{
	struct entry *ce, *me;
	int ret;

	if (!c || !m)
		return EINVAL;
	me = entry_get(m, MUTEX, false);
	if (!me)
		return EPERM;
	ce = entry_get(c, COND, true);
	if (!ce) {
		entry_put(me, 1);
		return ENOMEM;
	}
	ret = abstime ? pthread_cond_timedwait(&ce->u.cond, &me->u.mutex,
					       abstime)
		      : pthread_cond_wait(&ce->u.cond, &me->u.mutex);
	entry_put(ce, 1);
	entry_put(me, 1);
	return ret;
}

PM_API int pm_cond_wait(pm_cond *c, pm_mutex *m)
{
	return pm_cond_timedwait(c, m, NULL);
}

static int wake(pm_cond *c, int (*f)(pthread_cond_t *))
{
	struct entry *e;
	int ret;

	if (!c)
		return EINVAL;
	e = entry_get(c, COND, false);
	if (!e)
		return 0;	/* nobody waits */
	ret = f(&e->u.cond);
	entry_put(e, 1);
	return ret;
}

PM_API int pm_cond_signal(pm_cond *c)
{
	return wake(c, pthread_cond_signal);
}

PM_API int pm_cond_broadcast(pm_cond *c)
{
	return wake(c, pthread_cond_broadcast);
}

enum { HELD_MUTEX, HELD_READ, HELD_WRITE };

static int tx_take(void *lock, int kind)
{
	struct ctx *c = ctx_peek();
	uint32_t i;
	int ret;

	if (!pm_tx_level()) {
		err_set(EINVAL, "this thread has no transaction");
		return EINVAL;
	}
	for (i = 0; i < c->held_n; i++) {
		if (c->held[i].lock != lock)
			continue;
		if (kind != HELD_WRITE || c->held[i].kind == HELD_WRITE)
			return 0;
		err_set(EDEADLK, "a read lock cannot become a write lock");
		tx_doom(EDEADLK);
		return EDEADLK;
	}
	if (vec_room(&c->held, c->held_n, &c->held_cap, sizeof(*c->held))) {
		tx_doom(ENOMEM);
		return ENOMEM;
	}
	ret = kind == HELD_MUTEX ? pm_mutex_lock(lock)
	      : kind == HELD_READ ? pm_rwlock_rdlock(lock)
				  : pm_rwlock_wrlock(lock);
	if (ret) {
		err_set(ret, "cannot take the lock at %p", lock);
		tx_doom(ret);
		return ret;
	}
	c->held[c->held_n++] = (struct held){lock, kind};
	return 0;
}

PM_API int pm_tx_lock(pm_mutex *m)
{
	return tx_take(m, HELD_MUTEX);
}

PM_API int pm_tx_rdlock(pm_rwlock *l)
{
	return tx_take(l, HELD_READ);
}

PM_API int pm_tx_wrlock(pm_rwlock *l)
{
	return tx_take(l, HELD_WRITE);
}

/* In the reverse order of taking, after the commit is durable. */
void locks_release(struct ctx *c)
{
	while (c->held_n) {
		struct held *h = &c->held[--c->held_n];

		unlock(h->lock, h->kind == HELD_MUTEX ? MUTEX : RWLOCK);
	}
}
