/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * commits.c: a process that commits is killed again and again, and its pools
 * are compared with a model after each kill.
 *
 * Kills come at random times and at counted steps, in turn; some come early,
 * while the pools are being opened. The pools live on from kill to kill, and
 * every world (work.c) gets its part of the kills.
 *
 * PMHEAP_TEST_KILLS (30) kills for each test, PMHEAP_TEST_SEED (the time).
 */
#include "kill.h"

#include <pthread.h>
#include <sys/wait.h>
#include <time.h>

struct loop {
	const char *name;
	int workers;
	bool two_regions;
	unsigned durability, flags;
};

static const struct loop *loop;
static struct model model[WORKERS];
static uint64_t seed;

static void *work(void *arg)
{
	uint64_t me = (uintptr_t)arg, n = root->worker[me].c.n;

	for (;;)
		commit(me, ++n);
	return NULL;
}

/* arg: if not NULL, the step after the first commit to die at. */
static void child(void *arg)
{
	const uint64_t *kill_at = arg;
	pthread_t thread;
	uintptr_t i;

	for (i = 0; i < (uintptr_t)loop->workers; i++)
		tell(&shared->phase[i], AT_OPEN);
	open_pools();
	for (i = 1; i < (uintptr_t)loop->workers; i++)
		if (pthread_create(&thread, NULL, work, (void *)i) != 0)
			child_fails("pthread_create");
	commit(0, root->worker[0].c.n + 1);
	if (kill_at != NULL)
		steps_arm(*kill_at);
	work(NULL);
}

static uint64_t commits_reported(void)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < loop->workers; i++)
		sum += look(&shared->reported[i]);
	return sum;
}

/* Waits for a commit; a child that fails before does not make us wait. */
static void wait_for_commit(pid_t pid, uint64_t before)
{
	siginfo_t ended = { 0 };

	while (commits_reported() == before && ended.si_pid == 0) {
		pause_ns(100000);
		ck_assert_int_eq(waitid(P_PID, (id_t)pid, &ended, WEXITED |
					WNOHANG | WNOWAIT), 0);
	}
}

/* One child, from its start to its death. */
static void run_and_kill(long i, struct tally *tally)
{
	uint64_t before = commits_reported();
	uint64_t step = 1 + t_random(&seed) % (i % 4 == 1 ? 40 : 4000);
	long ns = (long)(t_random(&seed) % 12000000);
	bool by_step = i % 2 == 1, early = i % 6 == 4;
	pid_t pid;

	shared->killed_in = 0;
	pid = start_child(child, by_step ? &step : NULL);
	if (!by_step) {
		if (!early)
			wait_for_commit(pid, before);
		pause_ns(early ? ns / 4 : ns);
		ck_assert_int_eq(kill(pid, SIGKILL), 0);
	}
	ck_assert_msg(was_killed(pid), "the child came to an end");
	tally_add(tally, loop->workers);
	tally->early += commits_reported() == before;
}

static void new_world(int k)
{
	int i;

	remove_pools();
	shared_reset();
	world = worlds[k];
	world.two_regions = loop->two_regions;
	world.durability = loop->durability;
	world.flush_ms = 2;
	world.flags |= loop->flags;
	for (i = 0; i < WORKERS; i++)
		model_reset(&model[i]);
}

/* What is found is where the next child goes on. */
static void compare(struct tally *tally)
{
	int i;

	tally->healed += check_pools();
	open_pools();
	tally->replayed += (long)t_stats(PM_PRIMARY).recovered;
	tally->grown |= t_stats(PM_PRIMARY).size > world.size;
	if (world.two_regions)
		tally->grown |= t_stats(pm_region_of(second)).size > MIB;
	compare_pools(model, loop->workers);
	for (i = 0; i < loop->workers; i++) {
		tell(&shared->reported[i], root->worker[i].c.n);
		tell(&shared->flushed[i], root->worker[i].c.n);
	}
	t_ok(pm_close());
	ck_assert_int_eq(check_pools(), 0);
}

static void add_kinds(uint64_t *kinds)
{
	int i, k;

	for (i = 0; i < loop->workers; i++)
		for (k = 0; k < KINDS; k++)
			kinds[k] += model[i].kinds[k];
}

/*
 * Kills that hit nothing, or not what they are for, are a failure. Growth and
 * the rarer kinds need a machine that lets the children do some work.
 */
static void judge(const struct tally *t, const uint64_t *kinds)
{
	long at_work = t->phase[AT_BODY] + t->phase[AT_COMMIT] +
		       t->phase[AT_SINGLE] + t->phase[AT_ABORT] +
		       t->phase[AT_SECONDARY] + t->phase[AT_FLUSH];
	long threads = t->kills * loop->workers;
	uint64_t commits = 0;
	int k;

	tally_print(t, loop->name);
	printf("  %ld entries replayed; %ld torn headers; %ld kills before the "
	       "first commit;\n  commits by kind:", t->replayed, t->healed,
	       t->early);
	for (k = 0; k < KINDS; k++) {
		printf(" %lu", (unsigned long)kinds[k]);
		commits += kinds[k];
	}
	printf("\n");
	ck_assert_int_ge(t->by_step, t->kills / 3);
	ck_assert_int_ge(at_work, threads / 3);
	ck_assert_int_ge(t->phase[AT_COMMIT], threads / 10);
	ck_assert_int_le(t->early, t->kills / 3);
	ck_assert_int_ge(t->replayed, t->kills / 5);
	ck_assert(t->grown || kinds[LARGE] < 200);
	for (k = 0; k < KINDS; k++)
		ck_assert(kinds[k] > 0 || commits < 1000);
}

static void kill_loop(const struct loop *l)
{
	long i, kills = t_env("PMHEAP_TEST_KILLS", 30);
	uint64_t kinds[KINDS] = { 0 };
	struct tally tally = { 0 };
	int k, last = -1;

	loop = l;
	seed = (uint64_t)t_env("PMHEAP_TEST_SEED", time(NULL));
	printf("%s: %s: seed %lu\n", t_backend(), l->name,
	       (unsigned long)seed);
	for (i = 0; i < kills; i++, last = k) {
		k = (int)(i * n_worlds / kills);
		if (k != last) {
			add_kinds(kinds);
			new_world(k);
		}
		run_and_kill(i, &tally);
		compare(&tally);
	}
	add_kinds(kinds);
	judge(&tally, kinds);
	remove_pools();
}

#define LOOP(test, n_workers, two, durable, more_flags)			\
START_TEST(test)							\
{									\
	static const struct loop l = {					\
		.name = #test, .workers = n_workers, .two_regions = two, \
		.durability = durable, .flags = more_flags,		\
	};								\
									\
	kill_loop(&l);							\
}									\
END_TEST

LOOP(one_thread_in_one_region, 1, false, PM_STRICT, 0)
LOOP(four_threads_in_one_region, WORKERS, false, PM_STRICT, 0)
LOOP(one_thread_in_two_regions, 1, true, PM_STRICT, 0)
LOOP(four_threads_in_two_regions, WORKERS, true, PM_STRICT, 0)
LOOP(one_relaxed_thread_in_one_region, 1, false, PM_RELAXED, 0)
LOOP(four_relaxed_threads_in_one_region, WORKERS, false, PM_RELAXED, 0)
LOOP(one_relaxed_thread_in_two_regions, 1, true, PM_RELAXED, 0)
LOOP(four_relaxed_threads_in_two_regions, WORKERS, true, PM_RELAXED, 0)
LOOP(four_threads_that_flush_by_hand, WORKERS, false, PM_STRICT,
     PM_FLUSH_MANUAL)

int main(void)
{
	t_begin("kill-commits");
	t_add(one_thread_in_one_region, T_KEEPS);
	t_add(four_threads_in_one_region, T_KEEPS);
	t_add(one_thread_in_two_regions, T_KEEPS);
	t_add(four_threads_in_two_regions, T_KEEPS);
	t_add(one_relaxed_thread_in_one_region, T_KEEPS);
	t_add(four_relaxed_threads_in_one_region, T_KEEPS);
	t_add(one_relaxed_thread_in_two_regions, T_KEEPS);
	t_add(four_relaxed_threads_in_two_regions, T_KEEPS);
	t_add(four_threads_that_flush_by_hand, T_KEEPS);
	return t_end();
}
