/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * opening.c: a process is killed while it opens, recovers, creates, checks,
 * repairs, copies or closes pools: at the first step, at the second, and so on
 * to the last, often several times in a row before anybody gets through; and
 * at random times. What comes out in the end must be what it would be without.
 *
 * PMHEAP_TEST_KILLS (30): kills at random times for each test; twice as many
 * steps are tried, spread over all if there are more. PMHEAP_TEST_SEED.
 */
#include "opening.h"

#include <time.h>

#define STEPS_PER_KILL 2
#define ATTEMPTS_PER_KILL 60

static uint64_t seed;
static int ready[2];

/* What the child does; it says when it begins and when it is through. */
static void child(void *arg)
{
	const struct action *a = arg;

	a->prepare();
	tell(&shared->phase[0], a->phase);
	steps_arm(shared->kill_at);
	(void)!write(ready[1], "r", 1);
	a->run();
	steps_disarm();
	tell(&shared->phase[0], AT_END);
}

static pid_t start(const struct action *a, uint64_t kill_at)
{
	tell(&shared->phase[0], AT_START);
	shared->kill_at = kill_at;
	shared->steps = shared->killed_in = shared->torn = 0;
	return start_child(child, (void *)(uintptr_t)a);
}

static void wait_until_ready(void)
{
	char c;

	ck_assert_int_eq(read(ready[0], &c, 1), 1);
}

/* Steps of an action that nobody cuts off; its result is looked at too. */
static uint64_t count_steps(const struct action *a)
{
	a->restore();
	ck_assert(!was_killed(start(a, 0)));
	wait_until_ready();
	a->verify(true);
	ck_assert_uint_gt(shared->steps, 0);
	return shared->steps;
}

/* Killed at this step, then perhaps again at others before it gets through. */
static void kill_at(const struct action *a, uint64_t n, uint64_t steps,
		    struct tally *tally)
{
	unsigned again = a->repeats ? (unsigned)(t_random(&seed) % 4) : 0;
	bool done = false;

	a->restore();
	ck_assert_msg(was_killed(start(a, n)), "%s has no step %lu", a->name,
		      (unsigned long)n);
	wait_until_ready();
	tally_add(tally, 1);
	while (again-- > 0 && !done) {
		done = !was_killed(start(a, 1 + t_random(&seed) % steps));
		wait_until_ready();
		if (!done)
			tally_add(tally, 1);
	}
	a->verify(done);
}

/* Aims at the action's time until enough kills have hit it. */
static void kill_at_random_times(const struct action *a, long kills,
				 struct tally *tally)
{
	long hits, tries, span = 1000000;

	for (hits = tries = 0; hits < kills; tries++) {
		bool done;
		pid_t pid;

		ck_assert_msg(tries < kills * ATTEMPTS_PER_KILL,
			      "only %ld of %ld kills hit", hits, tries);
		a->restore();
		pid = start(a, 0);
		wait_until_ready();
		pause_ns((long)(t_random(&seed) % (uint64_t)span));
		ck_assert_int_eq(kill(pid, SIGKILL), 0);
		done = !was_killed(pid) || look(&shared->phase[0]) == AT_END;
		if (done) {
			span -= span / 8;
		} else {
			span += span / 8;
			tally_add(tally, 1);
			hits++;
		}
		a->verify(done);
	}
}

void kill_during(const struct action *a)
{
	long kills = t_env("PMHEAP_TEST_KILLS", 30);
	uint64_t steps, n, stride, most = (uint64_t)kills * STEPS_PER_KILL;
	struct tally tally = { 0 };

	seed = (uint64_t)t_env("PMHEAP_TEST_SEED", time(NULL));
	printf("%s: %s: seed %lu\n", t_backend(), a->name,
	       (unsigned long)seed);
	ck_assert_int_eq(pipe(ready), 0);
	steps = count_steps(a);
	stride = (steps + most - 1) / most;
	for (n = 1 + t_random(&seed) % stride; n <= steps; n += stride)
		kill_at(a, n, steps, &tally);
	kill_at_random_times(a, kills, &tally);
	tally_print(&tally, a->name);
	printf("  one in %lu of %lu steps\n", (unsigned long)stride,
	       (unsigned long)steps);
	ck_assert_int_eq(tally.phase[a->phase], tally.kills);
	ck_assert_int_ge(tally.by_step, (long)(steps / stride));
	ck_assert_int_ge(tally.by_time, kills);
	close(ready[0]);
	close(ready[1]);
}
