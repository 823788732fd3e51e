/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kill.c: a process is killed again and again at random moments, and the pool
 * is compared with a model after each.
 *
 * Each worker has cells and objects of its own and a count of its commits; what
 * commit n does follows from n alone, so the model is a replay of 1..n. The
 * child reports each returned commit through a pipe: the pool must hold that
 * many, or one more (killed between commit and report).
 *
 * PMHEAP_TEST_KILLS (30) kills for each test.
 */
#include "support.h"

#include <pthread.h>
#include <time.h>

#define WORKERS 4
#define CELLS 32
#define SLOTS 24
#define BIG_EVERY 61		/* commits with a large object */

struct cells {
	uint64_t cell[CELLS];
	uint64_t n;
};

struct worker {
	struct cells c;
	unsigned char *slot[SLOTS];
};

struct root {
	struct worker worker[WORKERS];
};

/* What the parent expects of one worker. */
struct model {
	uint64_t cell[CELLS];
	size_t len[SLOTS];
	uint64_t tag[SLOTS];
};

struct report {
	uint64_t worker;
	uint64_t n;
};

static struct root *root;
static struct cells *second[WORKERS];
static bool two_regions;
static int pipe_fd[2];

/* The random numbers of commit n of worker w. */
static uint64_t seed_of(uint64_t w, uint64_t n)
{
	uint64_t seed = (n << 8 | w) * 0x9e3779b97f4a7c15u | 1;

	(void)t_random(&seed);
	return seed;
}

static size_t object_len(uint64_t *seed, uint64_t n)
{
	uint64_t x = t_random(seed);

	return n % BIG_EVERY == 0 ? 30000 + x % 50000 : 1 + x % 600;
}

static void change_slot(struct worker *w, uint64_t i, size_t len, uint64_t n)
{
	unsigned char *p;

	pm_free(w->slot[i]);
	p = pm_alloc(len);
	t_given(p);
	memset(p, (int)(n & 255), len);
	TX_SET(w->slot[i], p);
}

static void commit(uint64_t me, uint64_t n)
{
	struct worker *w = &root->worker[me];
	uint64_t seed = seed_of(me, n), i, changes;

	TX_START {
		changes = 1 + t_random(&seed) % 6;
		for (i = 0; i < changes; i++) {
			uint64_t c = t_random(&seed) % CELLS;

			TX_SET(w->c.cell[c], n);
			if (two_regions)
				TX_SET(second[me]->cell[c], n);
		}
		i = t_random(&seed) % SLOTS;
		change_slot(w, i, object_len(&seed, n), n);
		if (n % 7 == 0) {
			TX_START {
				TX_SET(w->c.cell[0], ~n);
				t_given(pm_alloc(100));
				TX_ABORT(1);
			} TX_END
		}
		TX_SET(w->c.n, n);
		if (two_regions)
			TX_SET(second[me]->n, n);
	} TX_END
	ck_assert_msg(pm_tx_errno() == 0, "%s", pm_errormsg());
}

static void replay(struct model *m, uint64_t me, uint64_t n)
{
	uint64_t seed = seed_of(me, n), i, changes;

	changes = 1 + t_random(&seed) % 6;
	for (i = 0; i < changes; i++)
		m->cell[t_random(&seed) % CELLS] = n;
	i = t_random(&seed) % SLOTS;
	m->len[i] = object_len(&seed, n);
	m->tag[i] = n & 255;
}

static void open_pools(void)
{
	int region, i;

	t_ok(pm_init(t_config_of("p", 4 * MIB, 32 * MIB)));
	root = pm_root(sizeof *root);
	t_given(root);
	if (!two_regions)
		return;
	region = pm_init_sec(t_config_of("a", MIB, 0));
	ck_assert_msg(region > 1, "%s", pm_errormsg());
	second[0] = pm_root_in(region, WORKERS * sizeof *second[0]);
	t_given(second[0]);
	for (i = 1; i < WORKERS; i++)
		second[i] = second[0] + i;
}

static void *work(void *arg)
{
	uint64_t me = (uintptr_t)arg, n = root->worker[me].c.n;

	for (;;) {
		struct report r = { me, ++n };

		commit(me, n);
		if (write(pipe_fd[1], &r, sizeof r) != sizeof r)
			return NULL;
	}
}

static void child(int workers)
{
	pthread_t thread;
	uintptr_t i;

	open_pools();
	for (i = 1; i < (uintptr_t)workers; i++)
		ck_assert_int_eq(pthread_create(&thread, NULL, work,
						(void *)i), 0);
	work(NULL);
	_exit(0);
}

static void compare(uint64_t me, uint64_t reported, uint64_t *objects)
{
	const struct worker *w = &root->worker[me];
	struct model m = { { 0 }, { 0 }, { 0 } };
	uint64_t n = w->c.n, i;

	ck_assert_msg(n == reported || n == reported + 1,
		      "worker %lu: %lu commits reported, %lu found",
		      (unsigned long)me, (unsigned long)reported,
		      (unsigned long)n);
	for (i = 1; i <= n; i++)
		replay(&m, me, i);
	ck_assert_mem_eq(w->c.cell, m.cell, sizeof m.cell);
	if (two_regions)
		ck_assert_mem_eq(second[me], &w->c, sizeof w->c);
	for (i = 0; i < SLOTS; i++) {
		if (m.len[i] == 0) {
			ck_assert_ptr_null(w->slot[i]);
			continue;
		}
		++*objects;
		ck_assert_uint_ge(pm_usable_size(w->slot[i]), m.len[i]);
		t_bytes(w->slot[i], m.len[i], (int)m.tag[i]);
	}
}

static void check_pools(const uint64_t *reported, int workers)
{
	PmCheckReport c;
	uint64_t objects = 1;
	int i;

	t_ok(pm_check(t_path("p"), 0, &c));
	ck_assert_msg(c.faults == 0, "%s", c.message);
	open_pools();
	for (i = 0; i < workers; i++)
		compare((uint64_t)i, reported[i], &objects);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, objects);
	ck_assert_uint_eq(c.objects, objects);
	t_ok(pm_close());
}

/*
 * Reads reports until the child is dead; kills it a while after its first
 * commit, or after its start: then it may be in the midst of recovery.
 */
static void run_and_kill(pid_t pid, long ns, bool early, uint64_t *reported)
{
	struct timespec t = { 0, ns };
	struct report r;
	bool killed = early;

	if (early) {
		nanosleep(&t, NULL);
		ck_assert_int_eq(kill(pid, SIGKILL), 0);
	}
	while (read(pipe_fd[0], &r, sizeof r) == sizeof r) {
		ck_assert_uint_eq(r.n, reported[r.worker] + 1);
		reported[r.worker] = r.n;
		if (!killed) {
			nanosleep(&t, NULL);
			ck_assert_int_eq(kill(pid, SIGKILL), 0);
			killed = true;
		}
	}
	ck_assert_msg(killed, "the child died early");
	(void)t_wait(pid);
}

static void kill_loop(int workers, bool two)
{
	uint64_t reported[WORKERS] = { 0 }, seed = (uint64_t)time(NULL) + two;
	long i, kills = t_env("PMHEAP_TEST_KILLS", 30);
	pid_t pid;

	two_regions = two;
	for (i = 0; i < kills; i++) {
		long ns = (long)(t_random(&seed) % 12000000);

		ck_assert_int_eq(pipe(pipe_fd), 0);
		pid = fork();
		ck_assert_int_ge(pid, 0);
		if (pid == 0) {
			close(pipe_fd[0]);
			child(workers);
		}
		close(pipe_fd[1]);
		run_and_kill(pid, ns, i % 3 == 2, reported);
		close(pipe_fd[0]);
		check_pools(reported, workers);
		/* One commit may have been made and not reported. */
		open_pools();
		for (int w = 0; w < workers; w++)
			reported[w] = root->worker[w].c.n;
		t_ok(pm_close());
	}
}

START_TEST(one_thread_in_one_region)
{
	kill_loop(1, false);
}
END_TEST

START_TEST(four_threads_in_one_region)
{
	kill_loop(WORKERS, false);
}
END_TEST

START_TEST(one_thread_in_two_regions)
{
	kill_loop(1, true);
}
END_TEST

START_TEST(four_threads_in_two_regions)
{
	kill_loop(WORKERS, true);
}
END_TEST

int main(void)
{
	t_begin("kill");
	t_add(one_thread_in_one_region, T_KEEPS);
	t_add(four_threads_in_one_region, T_KEEPS);
	t_add(one_thread_in_two_regions, T_KEEPS);
	t_add(four_threads_in_two_regions, T_KEEPS);
	return t_end();
}
