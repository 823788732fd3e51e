/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pmheap/lock.h: locks that live in persistent objects.
 *
 * A lock is identified by its address; nothing is ever stored in it, so every
 * lock is unlocked after every open, needs no initialisation and no destroy,
 * and may be logged or copied with its object. Threads of one process only.
 *
 * The calls return 0 or an errno value, as those of pthreads do: EBUSY from the
 * try calls, ENOMEM, EINVAL (NULL), EPERM unlock of a lock that nobody holds.
 * Unlocking a pm_mutex that another thread holds is EPERM; locking one that the
 * thread holds is EDEADLK.
 */
#ifndef PMHEAP_LOCK_H
#define PMHEAP_LOCK_H

#include <pmheap/base.h>
#include <time.h>

typedef struct pm_mutex { uint64_t pm_reserved; } pm_mutex;
typedef struct pm_rwlock { uint64_t pm_reserved; } pm_rwlock;
typedef struct pm_cond { uint64_t pm_reserved; } pm_cond;

PM_BEGIN_DECLS

PM_API int pm_mutex_lock(pm_mutex *m) PM_NONNULL(1);
PM_API int pm_mutex_trylock(pm_mutex *m) PM_NONNULL(1) PM_MUST_CHECK;
PM_API int pm_mutex_unlock(pm_mutex *m) PM_NONNULL(1);

PM_API int pm_rwlock_rdlock(pm_rwlock *l) PM_NONNULL(1);
PM_API int pm_rwlock_wrlock(pm_rwlock *l) PM_NONNULL(1);
PM_API int pm_rwlock_tryrdlock(pm_rwlock *l) PM_NONNULL(1) PM_MUST_CHECK;
PM_API int pm_rwlock_trywrlock(pm_rwlock *l) PM_NONNULL(1) PM_MUST_CHECK;
PM_API int pm_rwlock_unlock(pm_rwlock *l) PM_NONNULL(1);

/* Wait with m held; abstime is CLOCK_REALTIME, ETIMEDOUT when it has passed. */
PM_API int pm_cond_wait(pm_cond *c, pm_mutex *m) PM_NONNULL(1, 2);
PM_API int pm_cond_timedwait(pm_cond *c, pm_mutex *m,
			     const struct timespec *abstime) PM_NONNULL(1, 2);
PM_API int pm_cond_signal(pm_cond *c) PM_NONNULL(1);
PM_API int pm_cond_broadcast(pm_cond *c) PM_NONNULL(1);

/*
 * Take a lock for the length of the thread's outermost transaction; released
 * after it is durable, or rolled back. Taking one again that the transaction
 * holds is fine (a read lock is not upgraded: EDEADLK). 0; or an errno value
 * (also in errno, and the transaction is doomed); EINVAL without one.
 */
PM_API int pm_tx_lock(pm_mutex *m);
PM_API int pm_tx_rdlock(pm_rwlock *l);
PM_API int pm_tx_wrlock(pm_rwlock *l);

PM_END_DECLS

#define TX_LOCK(m) pm_tx_lock(m)
#define TX_RDLOCK(l) pm_tx_rdlock(l)
#define TX_WRLOCK(l) pm_tx_wrlock(l)

#endif
