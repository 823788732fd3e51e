/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * relaxed.c: PM_RELAXED: after a crash a prefix of all commits is there.
 */
#include "support.h"

#include <pmheap/backend.h>
#include <pthread.h>
#include <sys/wait.h>
#include <time.h>

#define SLOTS 4000
#define THREADS 4

struct root {
	uint64_t n;
	uint64_t slot[SLOTS];
	char *object[SLOTS];
};

/* Where the child reports how many commits pm_flush() promised. */
static int report[2];
static struct root *root;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static PmWrapperConfig relaxed(unsigned flush_ms)
{
	PmWrapperConfig c = t_config("p");

	c.durability = PM_RELAXED;
	c.flush_ms = flush_ms;
	return c;
}

static void start(unsigned flush_ms)
{
	t_ok(pm_init(relaxed(flush_ms)));
	root = pm_root(sizeof *root);
	t_given(root);
}

/* The next commit: slot n belongs to commit n. */
static void commit_one(void)
{
	uint64_t n = root->n;

	TX_START {
		TX_SET(root->slot[n], n + 1);
		TX_SET(root->object[n], pm_alloc(40 + n % 100));
		t_given(root->object[n]);
		memset(root->object[n], (int)n, 40);
		if (n % 3 == 2) {
			pm_free(root->object[n - 1]);
			TX_SET(root->object[n - 1], NULL);
		}
		TX_SET(root->n, n + 1);
	} TX_END
	ck_assert_msg(pm_tx_errno() == 0, "%s", pm_errormsg());
}

static void tell(uint64_t n)
{
	ck_assert_int_eq(write(report[1], &n, sizeof n), sizeof n);
}

static void *work(void *arg)
{
	uint64_t n = 0;

	while (n < SLOTS) {
		pthread_mutex_lock(&turn);
		n = root->n;
		if (n < SLOTS)
			commit_one();
		pthread_mutex_unlock(&turn);
		if (arg != NULL && n % 97 == 0) {
			t_ok(pm_flush());
			tell(n + 1);
		}
	}
	return NULL;
}

static void work_until_killed(void *arg)
{
	pthread_t thread[THREADS];
	int i, n = *(int *)arg;

	start(3);
	for (i = 0; i < n; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, work,
						i == 0 ? arg : NULL), 0);
	for (i = 0; i < n; i++)
		ck_assert_int_eq(pthread_join(thread[i], NULL), 0);
}

/* What the pool holds must be what the first n commits leave; gives n. */
static uint64_t prefix_that_survived(void)
{
	uint64_t n, i, objects = 1;

	t_ok(pm_init(t_config_open("p", 0)));
	root = pm_root(sizeof *root);
	t_given(root);
	n = root->n;
	for (i = 0; i < SLOTS; i++) {
		bool freed = i % 3 == 1 && i + 1 < n;

		ck_assert_uint_eq(root->slot[i], i < n ? i + 1 : 0);
		if (i >= n || freed) {
			ck_assert_ptr_null(root->object[i]);
			continue;
		}
		objects++;
		ck_assert_uint_ge(pm_usable_size(root->object[i]), 40);
		ck_assert_int_eq((unsigned char)root->object[i][39], i % 256);
	}
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, objects);
	t_ok(pm_close());
	return n;
}

static void kill_and_compare(int threads, uint64_t seed)
{
	uint64_t flushed = 0, n;
	struct timespec t = { 0, 0 };
	pid_t pid;

	ck_assert_int_eq(pipe(report), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(report[0]);
		work_until_killed(&threads);
		_exit(0);
	}
	close(report[1]);
	/* Or the others did it all before the one that flushes got its turn. */
	if (read(report[0], &flushed, sizeof flushed) != sizeof flushed)
		flushed = 0;
	t.tv_nsec = (long)(t_random(&seed) % 40000000);
	nanosleep(&t, NULL);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	(void)t_wait(pid);
	while (read(report[0], &n, sizeof n) == sizeof n)
		flushed = n;
	close(report[0]);
	n = prefix_that_survived();
	ck_assert_msg(n >= flushed, "%lu commits survived, %lu were flushed",
		      (unsigned long)n, (unsigned long)flushed);
	ck_assert_int_eq(unlink(t_path("p")), 0);
}

START_TEST(a_kill_leaves_a_prefix_of_one_threads_commits)
{
	uint64_t i;

	for (i = 1; i <= 8; i++)
		kill_and_compare(1, i);
}
END_TEST

START_TEST(a_kill_leaves_a_prefix_of_all_threads_commits)
{
	uint64_t i;

	for (i = 1; i <= 8; i++)
		kill_and_compare(THREADS, i);
}
END_TEST

START_TEST(relaxed_commits_are_seen_at_once_and_saved_by_close)
{
	int i;

	start(100);
	ck_assert_str_eq(t_stats(PM_PRIMARY).durability, "relaxed");
	for (i = 0; i < 500; i++)
		commit_one();
	ck_assert_uint_eq(root->n, 500);
	t_ok(pm_close());
	ck_assert_uint_eq(prefix_that_survived(), 500);
}
END_TEST

START_TEST(relaxed_commits_share_their_fences)
{
	uint64_t fences;
	int i;

	start(50);
	t_ok(pm_flush());
	fences = t_stats(PM_PRIMARY).commit_fences;
	for (i = 0; i < 1000; i++)
		commit_one();
	ck_assert_uint_le(t_stats(PM_PRIMARY).commit_fences, fences + 300);
}
END_TEST

static void commit_and_wait(void *arg)
{
	struct timespec t = { 1, 0 };
	int i;

	start(*(unsigned *)arg);
	for (i = 0; i < 50; i++)
		commit_one();
	nanosleep(&t, NULL);
}

START_TEST(commits_are_durable_after_the_interval)
{
	unsigned ms = 20;

	t_crash(commit_and_wait, &ms);
	ck_assert_uint_eq(prefix_that_survived(), 50);
}
END_TEST

START_TEST(a_root_that_grew_is_found_before_the_next_flush)
{
	PmWrapperConfig c = relaxed(1000000);
	uint64_t *small, *large;

	t_ok(pm_init(c));
	small = pm_root(64);
	t_given(small);
	t_given(PM_SET(small[0], 7));
	large = pm_root(5000);
	t_given(large);
	ck_assert_ptr_eq(pm_root(0), large);
	ck_assert_ptr_eq(pm_root(64), large);
	ck_assert_uint_eq(large[0], 7);
	t_given(PM_SET(((uint64_t *)pm_root(0))[1], 8));
	ck_assert_uint_eq(large[1], 8);
}
END_TEST

START_TEST(an_aborted_relaxed_transaction_leaves_nothing)
{
	start(10);
	commit_one();
	TX_START {
		TX_SET(root->n, 77);
		t_given(pm_alloc(100));
		TX_ABORT(1);
	} TX_END
	ck_assert_uint_eq(root->n, 1);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 2);
}
END_TEST

static void expect_one_root(void)
{
	void *first = pm_root(64), *larger;

	t_given(first);
	ck_assert_ptr_eq(pm_root(64), first);
	errno = 0;
	pm_free(first);
	ck_assert_int_eq(errno, EINVAL);
	larger = pm_root(5000);
	t_given(larger);
	ck_assert_ptr_eq(pm_root(64), larger);
	TX_START {
		t_given(pm_root(20000));
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
	ck_assert_ptr_nonnull(pm_root(20000));
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 1);
}

START_TEST(the_root_is_the_same_before_it_is_flushed)
{
	PmWrapperConfig c = relaxed(1000000);

	t_ok(pm_init(c));
	expect_one_root();
	t_ok(pm_close());
	if (t_keeps())
		ck_assert_int_eq(unlink(t_path("p")), 0);
	c = t_config("p");
	c.flags |= PM_FLUSH_MANUAL;
	t_ok(pm_init(c));
	expect_one_root();
}
END_TEST

/* The backend under test; while `armed`, its next fence waits for set_twice(),
 * and what the working copy shows is noted when `cell` becomes 2 at home. */
static PmBackend watched;
static const PmBackend *real;
static pthread_t changer;
static uint64_t *cell, seen;
static bool armed;

static void *set_twice(void *arg)
{
	(void)arg;
	t_given(PM_SET(*cell, 2));
	t_given(PM_SET(*cell, 1));
	return NULL;
}

static int fence_during_changes(PmMedium *m)
{
	if (armed) {
		armed = false;
		ck_assert_int_eq(pthread_create(&changer, NULL, set_twice,
						NULL), 0);
		ck_assert_int_eq(pthread_join(changer, NULL), 0);
	}
	return real->fence(m);
}

static void write_and_look(PmMedium *m, uint64_t off, const void *src, size_t n,
			   unsigned how)
{
	uint64_t two = 2;

	real->write(m, off, src, n, how);
	if (cell != NULL && off == pm_fat(cell).offset && n == sizeof two &&
	    memcmp(src, &two, n) == 0)
		seen = *cell;
}

START_TEST(a_page_is_not_given_back_before_its_commits_are_applied)
{
	PmWrapperConfig c = relaxed(1000000);
	char *other, *p;
	size_t i;

	real = pm_backend(t_backend());
	t_given(real);
	watched = *real;
	watched.fence = fence_during_changes;
	watched.write = write_and_look;
	c.backend = &watched;
	c.backend_name = NULL;
	c.work_budget = 64 * KIB;
	t_ok(pm_init(c));
	p = pm_calloc(1, 64 * KIB);
	other = pm_calloc(1, MIB);
	t_given(p);
	t_given(other);
	cell = (uint64_t *)(p + 32 * KIB);
	t_given(PM_SET(*cell, 1));
	t_ok(pm_flush());
	armed = true;
	for (i = 0; armed; i++)
		t_given(pm_fill(other + i * 512 % MIB, 'x', 512));
	t_ok(pm_flush());
	ck_assert_uint_eq(seen, 1);
}
END_TEST

int main(void)
{
	t_begin("relaxed");
	t_add(a_kill_leaves_a_prefix_of_one_threads_commits, T_KEEPS);
	t_add(a_kill_leaves_a_prefix_of_all_threads_commits, T_KEEPS);
	t_add(relaxed_commits_are_seen_at_once_and_saved_by_close, T_KEEPS);
	t_add(relaxed_commits_share_their_fences, T_ANY);
	t_add(commits_are_durable_after_the_interval, T_KEEPS);
	t_add(a_root_that_grew_is_found_before_the_next_flush, T_ANY);
	t_add(an_aborted_relaxed_transaction_leaves_nothing, T_ANY);
	t_add(the_root_is_the_same_before_it_is_flushed, T_ANY);
	t_add(a_page_is_not_given_back_before_its_commits_are_applied, T_KEEPS);
	return t_end();
}
