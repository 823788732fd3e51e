/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fork.c: what a forked child sees of its parent's regions, and may not do.
 */
#include "support.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define PAGES 512
#define PAGE 4096

struct root {
	uint64_t cell[16];
	unsigned char *pages;
	char *object;
};

static struct root *root;

static void start(void)
{
	t_init("p");
	root = pm_root(sizeof *root);
	t_given(root);
}

/* Pages with known contents that this process has not touched yet. */
static void start_with_pages(void)
{
	int i;

	start();
	t_given(PM_SET(root->pages, pm_alloc(PAGES * PAGE)));
	for (i = 0; i < PAGES; i++)
		t_given(pm_fill(root->pages + i * PAGE, i % 251, PAGE));
	if (t_keeps())
		t_reopen("p");
}

static void pages_are_as_they_were(void)
{
	size_t i;

	for (i = 0; i < PAGES; i++)
		t_bytes(root->pages + i * PAGE, PAGE, (int)(i % 251));
}

/* The child waits for the parent to change everything, then reads. */
START_TEST(a_child_reads_the_data_as_it_was)
{
	int go[2], i;
	pid_t pid;
	char c;

	start_with_pages();
	ck_assert_int_eq(pipe(go), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(go[1]);
		(void)!read(go[0], &c, 1);
		pages_are_as_they_were();
		ck_assert_uint_eq(root->cell[0], 0);
		_exit(0);
	}
	t_given(PM_SET(root->cell[0], 1));
	for (i = 0; i < PAGES; i++)
		t_given(pm_fill(root->pages + i * PAGE, 255, PAGE));
	t_ok(pm_flush());
	close(go[1]);
	t_wait_ok(pid);
	ck_assert_uint_eq(root->pages[5 * PAGE], 255);
}
END_TEST

START_TEST(a_child_outlives_its_parents_close)
{
	int go[2];
	pid_t pid;
	char c;

	start_with_pages();
	ck_assert_int_eq(pipe(go), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(go[1]);
		(void)!read(go[0], &c, 1);
		pages_are_as_they_were();
		_exit(0);
	}
	t_given(pm_fill(root->pages, 255, PAGES * PAGE));
	t_ok(pm_close());
	close(go[1]);
	t_wait_ok(pid);
}
END_TEST

static void every_durable_call_fails(void)
{
	errno = 0;
	t_null(PM_SET(root->cell[0], 7), EPERM);
	ck_assert_str_ne(pm_errormsg(), "");
	t_null(pm_fill(&root->cell[0], 7, 8), EPERM);
	t_refused(pm_persist(&root->cell[0], 8), EPERM);
	t_null(pm_alloc(10), EPERM);
	t_null(pm_calloc(1, 10), EPERM);
	t_null(pm_strdup("x"), EPERM);
	t_null(pm_realloc(root->object, 10000), EPERM);
	t_null(pm_memalign(64, 10), EPERM);
	t_null(pm_alloc_type(PM_PRIMARY, 10, 3), EPERM);
	t_refused(pm_alloc_to(&root->object, 10, NULL, NULL), EPERM);
	t_null(pm_root(1 << 20), EPERM);
	t_refused(pm_flush(), EPERM);
	t_refused(pm_init(t_config("other")), EPERM);
	t_refused(pm_tx_begin(), EPERM);
	errno = 0;
	pm_free(root->object);
	ck_assert_int_eq(errno, EPERM);
	TX_START {
		ck_abort_msg("a transaction started");
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), EPERM);
}

START_TEST(every_durable_call_in_a_child_is_refused)
{
	PmStats s;
	pid_t pid;

	start();
	t_given(PM_SET(root->object, pm_strdup("an object")));
	s = t_stats(PM_PRIMARY);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		every_durable_call_fails();
		ck_assert_str_eq(root->object, "an object");
		ck_assert_uint_eq(root->cell[0], 0);
		exit(0);
	}
	t_wait_ok(pid);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, s.objects);
	ck_assert_str_eq(root->object, "an object");
	t_given(PM_SET(root->cell[0], 8));
	if (t_keeps())
		t_reopen("p");
	ck_assert_uint_eq(root->cell[0], 8);
	ck_assert_str_eq(root->object, "an object");
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, s.objects);
}
END_TEST

START_TEST(stores_of_a_child_stay_in_the_child)
{
	pid_t pid;

	start();
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		root->cell[3] = 3;
		(void)pm_close();
		exit(0);
	}
	t_wait_ok(pid);
	ck_assert_uint_eq(root->cell[3], 0);
	t_given(PM_SET(root->cell[4], 4));
	if (t_keeps())
		t_reopen("p");
	ck_assert_uint_eq(root->cell[3], 0);
	ck_assert_uint_eq(root->cell[4], 4);
}
END_TEST

START_TEST(a_child_forked_inside_a_transaction_cannot_commit_it)
{
	pid_t pid;

	start();
	t_ok(pm_tx_begin());
	t_ok(pm_tx_add(&root->cell[0], 8));
	root->cell[0] = 1;
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		t_refused(pm_tx_commit(), EPERM);
		exit(0);
	}
	t_wait_ok(pid);
	ck_assert_int_eq(pm_tx_level(), 1);
	t_ok(pm_tx_commit());
	ck_assert_uint_eq(root->cell[0], 1);
	if (t_keeps())
		t_reopen("p");
	ck_assert_uint_eq(root->cell[0], 1);
}
END_TEST

START_TEST(the_lock_stays_with_the_parent)
{
	int go[2];
	pid_t pid;
	char c;

	start();
	ck_assert_int_eq(pipe(go), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(go[1]);
		(void)!read(go[0], &c, 1);
		_exit(0);
	}
	close(go[0]);
	t_ok(pm_close());
	t_ok(pm_init(t_config_open("p", 0)));
	t_given(pm_root(0));
	close(go[1]);
	t_wait_ok(pid);
}
END_TEST

START_TEST(a_child_gets_nothing_of_a_dontfork_region)
{
	PmWrapperConfig c = t_config("p");
	int status;
	pid_t pid;

	c.flags |= PM_DONTFORK;
	t_ok(pm_init(c));
	root = pm_root(sizeof *root);
	t_given(root);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)signal(SIGSEGV, SIG_DFL);
		_exit((int)*(volatile uint64_t *)&root->cell[0]);
	}
	status = t_wait(pid);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV,
		      "wait status %#x", (unsigned)status);
	t_given(PM_SET(root->cell[0], 1));
}
END_TEST

START_TEST(many_forks_leave_nothing_behind)
{
	int fds = 0, maps = 0, i;
	pid_t pid;

	start();
	for (i = 0; i < 60; i++) {
		pid = fork();
		ck_assert_int_ge(pid, 0);
		if (pid == 0)
			_exit(root->cell[0] == (uint64_t)i ? 0 : 1);
		t_wait_ok(pid);
		t_given(PM_SET(root->cell[0], (uint64_t)i + 1));
		if (i == 5) {
			fds = t_fds();
			maps = t_maps();
		}
	}
	ck_assert_int_eq(t_fds(), fds);
	ck_assert_int_le(t_maps(), maps + 2);
}
END_TEST

/* What other threads do while one forks: transactions, and regions that come
 * and go with roots of their own. */
static int storm_ends;

static void *storm_of_transactions(void *arg)
{
	uint64_t *cell = arg;

	while (!__atomic_load_n(&storm_ends, __ATOMIC_RELAXED)) {
		TX_START {
			void *p = pm_alloc(300);

			TX_SET(cell[0], cell[0] + 1);
			pm_free(p);
			TX_SET(cell[1], cell[1] + 1);
		} TX_END
		ck_assert_int_eq(pm_tx_errno(), 0);
	}
	return NULL;
}

static void *storm_of_regions(void *arg)
{
	while (!__atomic_load_n(&storm_ends, __ATOMIC_RELAXED)) {
		int second = t_init_sec("second");
		uint64_t *cell = pm_root_in(second, 64);

		t_given(cell);
		TX_START {
			TX_SET(cell[0], cell[0] + 1);
			TX_SET(root->cell[2], root->cell[2] + 1);
		} TX_END
		ck_assert_int_eq(pm_tx_errno(), 0);
		t_ok(pm_close_sec(second));
	}
	return arg;
}

/* Lets go of the parent's regions and makes a pool of its own. */
static void child_of_a_storm(void)
{
	char name[32];
	uint64_t *own;

	t_null(pm_alloc(10), EPERM);
	t_ok(pm_close());
	snprintf(name, sizeof name, "child-%ld", (long)getpid());
	t_ok(pm_init(t_config(name)));
	own = pm_root(64);
	t_given(own);
	t_given(PM_SET(own[0], 5));
	t_ok(pm_close());
	if (t_keeps())
		ck_assert_int_eq(unlink(t_path(name)), 0);
	_exit(0);
}

START_TEST(a_child_of_busy_threads_finds_no_lock_held)
{
	pthread_t thread[3];
	int i;

	start();
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, i == 2 ?
			storm_of_regions : storm_of_transactions,
			&root->cell[4 * i + 4]), 0);
	for (i = 0; i < 40; i++) {
		pid_t pid = fork();

		ck_assert_int_ge(pid, 0);
		if (pid == 0)
			child_of_a_storm();
		t_wait_ok(pid);
	}
	__atomic_store_n(&storm_ends, 1, __ATOMIC_RELAXED);
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_join(thread[i], NULL), 0);
	ck_assert_uint_eq(root->cell[4], root->cell[5]);
	ck_assert_uint_eq(root->cell[8], root->cell[9]);
}
END_TEST

START_TEST(a_child_of_a_thread_without_operations_starts_afresh)
{
	pid_t pid;

	t_init("p");
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		t_ok(pm_close());
		t_init("q");
		t_given(pm_alloc(10));
		t_ok(pm_close());
		exit(0);
	}
	t_wait_ok(pid);
	t_given(pm_alloc(10));
}
END_TEST

int main(void)
{
	t_begin("fork");
	t_add(a_child_reads_the_data_as_it_was, T_ANY);
	t_add(a_child_outlives_its_parents_close, T_ANY);
	t_add(every_durable_call_in_a_child_is_refused, T_ANY);
	t_add(stores_of_a_child_stay_in_the_child, T_ANY);
	t_add(a_child_forked_inside_a_transaction_cannot_commit_it, T_ANY);
	t_add(the_lock_stays_with_the_parent, T_KEEPS);
	t_add(a_child_gets_nothing_of_a_dontfork_region, T_ANY);
	t_add(many_forks_leave_nothing_behind, T_ANY);
	t_add(a_child_of_busy_threads_finds_no_lock_held, T_ANY);
	t_add(a_child_of_a_thread_without_operations_starts_afresh, T_ANY);
	return t_end();
}
