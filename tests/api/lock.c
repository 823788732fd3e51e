/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lock.c: locks in persistent objects, and locks held by transactions.
 */
#include "support.h"

#include <pthread.h>
#include <semaphore.h>
#include <sys/wait.h>
#include <time.h>

#define WAITERS 6

struct root {
	pm_mutex m, m2;
	pm_rwlock rw;
	pm_cond cond;
	uint64_t value;
};

static struct root *root;

static void start(void)
{
	t_init("p");
	root = pm_root(sizeof *root);
	t_given(root);
}

/* Runs f in a thread of its own and gives what it returns. */
static int elsewhere(void *(*f)(void *))
{
	pthread_t thread;
	void *result;

	ck_assert_int_eq(pthread_create(&thread, NULL, f, NULL), 0);
	ck_assert_int_eq(pthread_join(thread, &result), 0);
	return (int)(intptr_t)result;
}

static void *try_mutex(void *arg)
{
	int err = pm_mutex_trylock(&root->m);

	(void)arg;
	if (err == 0)
		ck_assert_int_eq(pm_mutex_unlock(&root->m), 0);
	return (void *)(intptr_t)err;
}

static void *unlock_mutex(void *arg)
{
	(void)arg;
	return (void *)(intptr_t)pm_mutex_unlock(&root->m);
}

static void *try_read(void *arg)
{
	int err = pm_rwlock_tryrdlock(&root->rw);

	(void)arg;
	if (err == 0)
		ck_assert_int_eq(pm_rwlock_unlock(&root->rw), 0);
	return (void *)(intptr_t)err;
}

static void *try_write(void *arg)
{
	int err = pm_rwlock_trywrlock(&root->rw);

	(void)arg;
	if (err == 0)
		ck_assert_int_eq(pm_rwlock_unlock(&root->rw), 0);
	return (void *)(intptr_t)err;
}

START_TEST(a_mutex_keeps_other_threads_out)
{
	start();
	ck_assert_int_eq(elsewhere(try_mutex), 0);
	ck_assert_int_eq(pm_mutex_lock(&root->m), 0);
	ck_assert_int_eq(elsewhere(try_mutex), EBUSY);
	ck_assert_int_eq(pm_mutex_lock(&root->m2), 0);
	ck_assert_int_eq(pm_mutex_unlock(&root->m2), 0);
	ck_assert_int_eq(pm_mutex_unlock(&root->m), 0);
	ck_assert_int_eq(elsewhere(try_mutex), 0);
}
END_TEST

START_TEST(misuse_of_a_mutex_is_refused)
{
	start();
	ck_assert_int_eq(pm_mutex_unlock(&root->m), EPERM);
	ck_assert_int_eq(pm_mutex_lock(&root->m), 0);
	ck_assert_int_eq(pm_mutex_lock(&root->m), EDEADLK);
	ck_assert_int_eq(elsewhere(unlock_mutex), EPERM);
	ck_assert_int_eq(elsewhere(try_mutex), EBUSY);
	ck_assert_int_eq(pm_mutex_unlock(&root->m), 0);
	ck_assert_int_eq(pm_mutex_unlock(&root->m), EPERM);
	ck_assert_int_eq(pm_mutex_lock(NULL), EINVAL);
	ck_assert_int_eq(pm_mutex_trylock(NULL), EINVAL);
	ck_assert_int_eq(pm_mutex_unlock(NULL), EINVAL);
	ck_assert_int_eq(pm_rwlock_rdlock(NULL), EINVAL);
	ck_assert_int_eq(pm_rwlock_wrlock(NULL), EINVAL);
	ck_assert_int_eq(pm_rwlock_unlock(NULL), EINVAL);
	ck_assert_int_eq(pm_rwlock_unlock(&root->rw), EPERM);
	ck_assert_int_eq(pm_cond_signal(NULL), EINVAL);
	ck_assert_int_eq(pm_cond_broadcast(NULL), EINVAL);
}
END_TEST

START_TEST(readers_share_and_a_writer_is_alone)
{
	start();
	ck_assert_int_eq(pm_rwlock_rdlock(&root->rw), 0);
	ck_assert_int_eq(elsewhere(try_read), 0);
	ck_assert_int_eq(elsewhere(try_write), EBUSY);
	ck_assert_int_eq(pm_rwlock_unlock(&root->rw), 0);
	ck_assert_int_eq(pm_rwlock_wrlock(&root->rw), 0);
	ck_assert_int_eq(elsewhere(try_read), EBUSY);
	ck_assert_int_eq(elsewhere(try_write), EBUSY);
	ck_assert_int_eq(pm_rwlock_unlock(&root->rw), 0);
	ck_assert_int_eq(elsewhere(try_write), 0);
}
END_TEST

START_TEST(nothing_is_stored_in_a_lock)
{
	struct root zero;

	memset(&zero, 0, sizeof zero);
	start();
	ck_assert_int_eq(pm_mutex_lock(&root->m), 0);
	ck_assert_int_eq(pm_rwlock_wrlock(&root->rw), 0);
	ck_assert_mem_eq(root, &zero, sizeof zero);
}
END_TEST

static void die_with_locks(void *arg)
{
	(void)arg;
	start();
	ck_assert_int_eq(pm_mutex_lock(&root->m), 0);
	ck_assert_int_eq(pm_rwlock_wrlock(&root->rw), 0);
	t_ok(pm_tx_begin());
	ck_assert_int_eq(TX_LOCK(&root->m2), 0);
	t_ok(pm_tx_add(&root->value, 8));
}

START_TEST(locks_are_free_after_a_crash)
{
	t_crash(die_with_locks, NULL);
	start();
	ck_assert_int_eq(pm_mutex_trylock(&root->m), 0);
	ck_assert_int_eq(pm_mutex_trylock(&root->m2), 0);
	ck_assert_int_eq(pm_rwlock_trywrlock(&root->rw), 0);
}
END_TEST

START_TEST(locks_are_free_after_close_and_open)
{
	start();
	ck_assert_int_eq(pm_mutex_lock(&root->m), 0);
	ck_assert_int_eq(pm_rwlock_rdlock(&root->rw), 0);
	t_reopen("p");
	root = pm_root(0);
	ck_assert_int_eq(elsewhere(try_mutex), 0);
	ck_assert_int_eq(elsewhere(try_write), 0);
	ck_assert_int_eq(pm_mutex_trylock(&root->m), 0);
}
END_TEST

START_TEST(a_transaction_holds_its_lock_to_the_outermost_end)
{
	start();
	TX_START {
		TX_START {
			ck_assert_int_eq(TX_LOCK(&root->m), 0);
			ck_assert_int_eq(TX_LOCK(&root->m), 0);
		} TX_END
		ck_assert_int_eq(elsewhere(try_mutex), EBUSY);
		TX_START {
			ck_assert_int_eq(TX_WRLOCK(&root->rw), 0);
			TX_ABORT(1);
		} TX_END
		ck_assert_int_eq(elsewhere(try_read), EBUSY);
	} TX_END
	ck_assert_int_eq(elsewhere(try_mutex), 0);
	ck_assert_int_eq(elsewhere(try_write), 0);
	TX_START {
		ck_assert_int_eq(TX_LOCK(&root->m), 0);
		ck_assert_int_eq(TX_RDLOCK(&root->rw), 0);
		ck_assert_int_eq(elsewhere(try_read), 0);
		ck_assert_int_eq(elsewhere(try_write), EBUSY);
		TX_ABORT(1);
	} TX_END
	ck_assert_int_eq(elsewhere(try_mutex), 0);
	ck_assert_int_eq(elsewhere(try_write), 0);
}
END_TEST

START_TEST(misuse_of_transaction_locks_is_refused)
{
	start();
	ck_assert_int_eq(TX_LOCK(&root->m), EINVAL);
	ck_assert_int_eq(TX_RDLOCK(&root->rw), EINVAL);
	ck_assert_int_eq(TX_WRLOCK(&root->rw), EINVAL);
	ck_assert_int_eq(elsewhere(try_mutex), 0);
	TX_START {
		TX_SET(root->value, 1);
		ck_assert_int_eq(TX_RDLOCK(&root->rw), 0);
		ck_assert_int_eq(TX_WRLOCK(&root->rw), EDEADLK);
		ck_assert_int_eq(errno, EDEADLK);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), EDEADLK);
	ck_assert_uint_eq(root->value, 0);
	ck_assert_int_eq(elsewhere(try_write), 0);
}
END_TEST

static void *wait_for_go(void *arg)
{
	(void)arg;
	ck_assert_int_eq(pm_mutex_lock(&root->m), 0);
	TX_START {
		TX_SET(root->value, root->value + 1);
	} TX_END
	while (root->value < 100)
		ck_assert_int_eq(pm_cond_wait(&root->cond, &root->m), 0);
	ck_assert_int_eq(pm_mutex_unlock(&root->m), 0);
	return NULL;
}

START_TEST(a_broadcast_wakes_all)
{
	pthread_t thread[WAITERS];
	int i, ready = 0;

	start();
	for (i = 0; i < WAITERS; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, wait_for_go,
						NULL), 0);
	while (!ready) {
		ck_assert_int_eq(pm_mutex_lock(&root->m), 0);
		ready = root->value == WAITERS;
		if (ready)
			t_given(PM_SET(root->value, 100));
		ck_assert_int_eq(pm_mutex_unlock(&root->m), 0);
	}
	ck_assert_int_eq(pm_cond_broadcast(&root->cond), 0);
	for (i = 0; i < WAITERS; i++)
		ck_assert_int_eq(pthread_join(thread[i], NULL), 0);
}
END_TEST

START_TEST(a_signal_wakes_one)
{
	pthread_t thread;
	int ready = 0;

	start();
	ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_go, NULL), 0);
	while (!ready) {
		ck_assert_int_eq(pm_mutex_lock(&root->m), 0);
		ready = root->value == 1;
		if (ready)
			t_given(PM_SET(root->value, 100));
		ck_assert_int_eq(pm_cond_signal(&root->cond), 0);
		ck_assert_int_eq(pm_mutex_unlock(&root->m), 0);
	}
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

START_TEST(a_timed_wait_ends_with_the_mutex_held)
{
	struct timespec t;

	start();
	ck_assert_int_eq(clock_gettime(CLOCK_REALTIME, &t), 0);
	t.tv_nsec += 20 * 1000 * 1000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	ck_assert_int_eq(pm_mutex_lock(&root->m), 0);
	ck_assert_int_eq(pm_cond_timedwait(&root->cond, &root->m, &t),
			 ETIMEDOUT);
	ck_assert_int_eq(elsewhere(try_mutex), EBUSY);
	ck_assert_int_eq(pm_mutex_unlock(&root->m), 0);
	ck_assert_int_eq(pm_cond_wait(&root->cond, &root->m), EPERM);
	ck_assert_int_eq(pm_cond_wait(NULL, &root->m), EINVAL);
	ck_assert_int_eq(pm_cond_wait(&root->cond, NULL), EINVAL);
}
END_TEST

static pm_mutex *waiting_on;
static pm_cond *never;
static sem_t waits;

static void *wait_in_vain(void *arg)
{
	struct timespec t;
	int *result = arg;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += 1;
	ck_assert_int_eq(pm_mutex_lock(waiting_on), 0);
	sem_post(&waits);
	*result = pm_cond_timedwait(never, waiting_on, &t);
	return NULL;
}

START_TEST(a_wait_outlives_its_region)
{
	struct {
		pm_mutex m;
		pm_cond c;
	} *r;
	pthread_t thread;
	int result = -1;

	t_init("p");
	r = pm_root(sizeof *r);
	t_given(r);
	waiting_on = &r->m;
	never = &r->c;
	ck_assert_int_eq(sem_init(&waits, 0, 0), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, wait_in_vain, &result),
			 0);
	ck_assert_int_eq(sem_wait(&waits), 0);
	/* It has let go of the mutex, so it waits. */
	ck_assert_int_eq(pm_mutex_lock(waiting_on), 0);
	ck_assert_int_eq(pm_mutex_unlock(waiting_on), 0);
	t_ok(pm_close());
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(result, ETIMEDOUT);
}
END_TEST

int main(void)
{
	t_begin("lock");
	t_add(a_mutex_keeps_other_threads_out, T_ANY);
	t_add(misuse_of_a_mutex_is_refused, T_ANY);
	t_add(readers_share_and_a_writer_is_alone, T_ANY);
	t_add(nothing_is_stored_in_a_lock, T_ANY);
	t_add(locks_are_free_after_a_crash, T_KEEPS);
	t_add(locks_are_free_after_close_and_open, T_KEEPS);
	t_add(a_transaction_holds_its_lock_to_the_outermost_end, T_ANY);
	t_add(misuse_of_transaction_locks_is_refused, T_ANY);
	t_add(a_broadcast_wakes_all, T_ANY);
	t_add(a_signal_wakes_one, T_ANY);
	t_add(a_timed_wait_ends_with_the_mutex_held, T_ANY);
	t_add(a_wait_outlives_its_region, T_ANY);
	return t_end();
}
