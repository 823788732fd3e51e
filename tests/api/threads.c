/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * threads.c: many threads at once, and threads that come and go.
 */
#include "support.h"

#include <pmheap/backend.h>
#include <pthread.h>
#include <time.h>

#define THREADS 8
#define ROUNDS 200
#define COMERS 1000

struct item {
	struct item *next;
	uint64_t owner;
	uint64_t round;
};

struct root {
	pm_mutex lock;
	uint64_t shared;
	uint64_t history[THREADS * ROUNDS];
	uint64_t own[THREADS][8];
	struct item *list[THREADS];
};

static struct root *root;

static void start(void)
{
	t_ok(pm_init(t_config_of("p", 16 * MIB, 0)));
	root = pm_root(sizeof *root);
	t_given(root);
}

static void run(void *(*f)(void *))
{
	pthread_t thread[THREADS];
	uintptr_t i;

	for (i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, f,
						(void *)i), 0);
	for (i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_join(thread[i], NULL), 0);
}

static void *work_alone(void *arg)
{
	uintptr_t me = (uintptr_t)arg;
	struct item *it;
	uint64_t i;

	for (i = 0; i < ROUNDS; i++) {
		TX_START {
			it = PM_NEW(struct item);
			t_given(it);
			it->owner = me;
			it->round = i;
			it->next = root->list[me];
			TX_SET(root->list[me], it);
			TX_SET(root->own[me][i % 8], i);
			if (i % 5 == 4)
				TX_ABORT(1);
			if (i % 3 == 2 && it->next != NULL) {
				struct item *dead = it->next;

				it->next = dead->next;
				pm_free(dead);
			}
		} TX_END
	}
	return NULL;
}

static uint64_t count_items(void)
{
	struct item *it;
	uint64_t n = 0, i, last;

	for (i = 0; i < THREADS; i++) {
		last = ROUNDS;
		for (it = root->list[i]; it != NULL; it = it->next) {
			ck_assert_uint_eq(it->owner, i);
			ck_assert_uint_lt(it->round, last);
			ck_assert_uint_ne(it->round % 5, 4);
			last = it->round;
			n++;
		}
	}
	return n;
}

START_TEST(threads_allocate_and_free_side_by_side)
{
	uint64_t n;

	start();
	run(work_alone);
	n = count_items();
	ck_assert_uint_gt(n, 0);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, n + 1);
	if (!t_keeps())
		return;
	t_reopen("p");
	root = pm_root(0);
	ck_assert_uint_eq(count_items(), n);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, n + 1);
}
END_TEST

static void *work_together(void *arg)
{
	uint64_t i, n;

	for (i = 0; i < ROUNDS; i++) {
		TX_START {
			ck_assert_int_eq(TX_LOCK(&root->lock), 0);
			n = root->shared;
			TX_SET(root->history[n], (uintptr_t)arg + 1);
			TX_SET(root->shared, n + 1);
		} TX_END
		ck_assert_msg(pm_tx_errno() == 0, "%s", pm_errormsg());
	}
	return NULL;
}

static void all_work_together(void *arg)
{
	(void)arg;
	start();
	run(work_together);
}

static void expect_history(void)
{
	unsigned turns[THREADS + 1] = { 0 };
	size_t i;

	ck_assert_uint_eq(root->shared, THREADS * ROUNDS);
	for (i = 0; i < THREADS * ROUNDS; i++) {
		ck_assert(root->history[i] >= 1 && root->history[i] <= THREADS);
		turns[root->history[i]]++;
	}
	for (i = 1; i <= THREADS; i++)
		ck_assert_uint_eq(turns[i], ROUNDS);
}

START_TEST(threads_change_the_same_bytes_under_a_lock)
{
	all_work_together(NULL);
	expect_history();
}
END_TEST

START_TEST(bytes_changed_by_many_threads_replay_in_commit_order)
{
	t_crash(all_work_together, NULL);
	t_ok(pm_init(t_config_open("p", 0)));
	root = pm_root(0);
	expect_history();
}
END_TEST

static void *commit_elsewhere(void *arg)
{
	(void)arg;
	ck_assert_int_eq(pm_tx_level(), 0);
	t_refused(pm_tx_commit(), EINVAL);
	t_refused(pm_tx_add(root, 8), EINVAL);
	return NULL;
}

START_TEST(a_transaction_belongs_to_its_thread)
{
	pthread_t thread;

	start();
	t_ok(pm_tx_begin());
	t_ok(pm_tx_add(&root->shared, 8));
	root->shared = 5;
	ck_assert_int_eq(pthread_create(&thread, NULL, commit_elsewhere, NULL),
			 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	t_ok(pm_tx_commit());
	ck_assert_uint_eq(root->shared, 5);
}
END_TEST

static void *fail_quietly(void *arg)
{
	(void)arg;
	ck_assert_str_eq(pm_errormsg(), "");
	t_null(pm_alloc_in(500, 1), EINVAL);
	ck_assert_str_ne(pm_errormsg(), "");
	return NULL;
}

START_TEST(messages_belong_to_their_thread)
{
	char before[512];

	start();
	t_null(pm_alloc(1ul << 40), ENOMEM);
	(void)snprintf(before, sizeof before, "%s", pm_errormsg());
	run(fail_quietly);
	ck_assert_str_eq(pm_errormsg(), before);
}
END_TEST

static void *come_and_go(void *arg)
{
	void *p = NULL;

	TX_START {
		p = pm_alloc(100 + (uintptr_t)arg % 200);
		t_given(p);
		TX_SET(root->own[0][0], (uintptr_t)arg);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
	pm_free(p);
	return NULL;
}

START_TEST(a_thousand_threads_come_and_go_and_leak_nothing)
{
	int fds = 0, maps = 0;
	uintptr_t i;
	pthread_t thread;

	start();
	for (i = 0; i < COMERS; i++) {
		ck_assert_int_eq(pthread_create(&thread, NULL, come_and_go,
						(void *)i), 0);
		ck_assert_int_eq(pthread_join(thread, NULL), 0);
		if (i == 20) {
			fds = t_fds();
			maps = t_maps();
		}
	}
	ck_assert_int_eq(t_fds(), fds);
	/* Sanitizers map a few of their own. */
	ck_assert_int_le(t_maps(), maps + 64);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 1);
}
END_TEST

static void *die_in_transaction(void *arg)
{
	(void)arg;
	t_ok(pm_tx_begin());
	t_ok(pm_tx_add(&root->shared, 8));
	root->shared = 99;
	t_given(pm_alloc(100));
	return NULL;
}

START_TEST(a_thread_that_ends_inside_a_transaction_rolls_back)
{
	pthread_t thread;

	start();
	ck_assert_int_eq(pthread_create(&thread, NULL, die_in_transaction,
					NULL), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_eq(root->shared, 0);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 1);
	t_given(PM_SET(root->shared, 1));
	t_ok(pm_close());
}
END_TEST

static void *fill_own_region(void *arg)
{
	char name[16];
	int i, region;
	void *p;

	(void)snprintf(name, sizeof name, "r%d", (int)(uintptr_t)arg);
	for (i = 0; i < 6; i++) {
		region = pm_init_sec(t_config_of(name, MIB, 0));
		ck_assert_msg(region > 1, "%s", pm_errormsg());
		p = pm_alloc_in(region, 1000);
		t_given(p);
		ck_assert_ptr_eq(PM_R(pm_fat(p)), p);
		t_given(pm_fill(p, i, 1000));
		pm_free(p);
		t_ok(pm_close_sec(region));
	}
	return NULL;
}

START_TEST(threads_open_and_close_secondaries_side_by_side)
{
	start();
	run(fill_own_region);
	t_given(pm_alloc(10));
}
END_TEST

static int slow_fence(PmMedium *m)
{
	struct timespec two_ms = {0, 2000000};

	nanosleep(&two_ms, NULL);
	return pm_backend(t_backend())->fence(m);
}

static void *count_own(void *arg)
{
	uint64_t *own = root->own[(uintptr_t)arg], i;

	for (i = 0; i < 25; i++)
		PM_SET(own[0], own[0] + 1);
	return NULL;
}

/* Each fence takes so long that all others commit meanwhile. */
START_TEST(commits_of_many_threads_share_a_fence)
{
	PmBackend slow = *pm_backend(t_backend());
	PmWrapperConfig c = t_config_of("p", 16 * MIB, 0);
	PmStats before, after;
	int i;

	slow.name = "slow";
	slow.fence = slow_fence;
	slow.traits &= ~PM_BACKEND_CPU_FENCE;
	c.backend_name = NULL;
	c.backend = &slow;
	t_ok(pm_init(c));
	root = pm_root(sizeof *root);
	t_given(root);
	before = t_stats(PM_PRIMARY);
	run(count_own);
	after = t_stats(PM_PRIMARY);
	ck_assert_uint_eq(after.commits - before.commits, THREADS * 25);
	ck_assert_uint_le(after.commit_fences - before.commit_fences,
			  THREADS * 25 / 2);
	t_ok(pm_close());
	t_ok(pm_init(t_config("p")));
	root = pm_root(0);
	for (i = 0; i < THREADS; i++)
		ck_assert_uint_eq(root->own[i][0], 25);
}
END_TEST

int main(void)
{
	t_begin("threads");
	t_add(threads_allocate_and_free_side_by_side, T_ANY);
	t_add(threads_change_the_same_bytes_under_a_lock, T_ANY);
	t_add(bytes_changed_by_many_threads_replay_in_commit_order, T_KEEPS);
	t_add(a_transaction_belongs_to_its_thread, T_ANY);
	t_add(messages_belong_to_their_thread, T_ANY);
	t_add(a_thousand_threads_come_and_go_and_leak_nothing, T_ANY);
	t_add(a_thread_that_ends_inside_a_transaction_rolls_back, T_ANY);
	t_add(threads_open_and_close_secondaries_side_by_side, T_ANY);
	t_add(commits_of_many_threads_share_a_fence, T_KEEPS);
	return t_end();
}
