/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * group.c: one thread makes durable what many have committed. Whoever needs a
 * number durable leads the next group, or waits while another thread leads.
 * What is committed while a group is synced makes the next one.
 *
 * Where a fence is expensive (no PM_BACKEND_CPU_FENCE), commits that are durable
 * on return go this way too: log->grouped. Their entries go to one lane, so that
 * a group is one or two pages and not one for each thread.
 */
#include "tx/internal.h"

#include <linux/futex.h>
#include <limits.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Waiting for others may make a group so much later: this part of what its
 * fence takes, and at most that. Those that were woken have to get a processor,
 * which takes a while if they are more than it has. */
#define PATIENCE 2
#define PATIENCE_NS 50000u

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/*
 * Those whose commits the last group made durable are on their way to their
 * next ones. They share this group's fence if it is not begun at once; else
 * two halves of the threads would take turns, each waiting for two fences.
 */
static void gather(struct log *log)
{
	uint64_t until, durable = AO_load(&log->durable);

	if (log->group_most <= 1)
		return;
	until = now_ns() + min_u64(log->fence_ns / PATIENCE, PATIENCE_NS);
	while (AO_load(&log->seq) - durable < log->group_most &&
	       now_ns() < until)
		sched_yield();
}

static int lead(struct region *r)
{
	struct log *log = r->log;
	uint64_t before = AO_load(&log->durable), start;
	int ret;

	if (!log->grouped)
		return log_flush_group(r);
	gather(log);
	start = now_ns();
	ret = log_flush_group(r);
	log->fence_ns = now_ns() - start;
	/* All that committed since the group before this one began. */
	log->group_most = AO_load(&log->seq) - before;
	return ret;
}

/* Until the thread that leads now, or led when turn was read, is done. Either
 * it sees that somebody waits, or its turn is over before this begins to. */
static void wait_turn(struct log *log, uint32_t turn)
{
	AO_fetch_and_add1_full(&log->waiting);
	syscall(SYS_futex, &log->turn, FUTEX_WAIT_PRIVATE, turn, NULL);
	AO_fetch_and_sub1_full(&log->waiting);
}

static void end_turn(struct log *log)
{
	AO_store_release(&log->led, 0);
	__atomic_add_fetch(&log->turn, 1, __ATOMIC_SEQ_CST);
	AO_nop_full();
	if (AO_load(&log->waiting))
		syscall(SYS_futex, &log->turn, FUTEX_WAKE_PRIVATE, INT_MAX);
}

int log_flush_upto(struct region *r, uint64_t seq)
{
	struct log *log = r->log;
	int ret = 0;

	while (ret == 0 && AO_load_acquire(&log->durable) < seq) {
		uint32_t turn = __atomic_load_n(&log->turn, __ATOMIC_ACQUIRE);

		if (!AO_compare_and_swap_full(&log->led, 0, 1)) {
			wait_turn(log, turn);
			continue;
		}
		if (AO_load_acquire(&log->durable) < seq)
			ret = lead(r);
		end_turn(log);
		/* A lower number may still be in flight. */
		if (ret == 0 && AO_load_acquire(&log->durable) < seq)
			sched_yield();
	}
	return ret;
}

/* A lane with room for need bytes, the one that the last commit took if it can
 * be. Only when all are full the caller has to make room. */
struct lane *group_lane(struct log *log, uint64_t need)
{
	unsigned first = (unsigned)AO_load(&log->group_lane), i;

	for (i = 0; i < log->n_lanes; i++) {
		unsigned idx = (first + i) % log->n_lanes;
		struct lane *l = lane_try(log, idx);

		if (!l) {
			/* It is held for as long as it takes to copy an entry. */
			sched_yield();
			l = lane_try(log, idx);
		}
		if (!l)
			continue;
		if (lane_has_room(log, l, need)) {
			AO_store(&log->group_lane, idx);
			return l;
		}
		lane_release(l);
	}
	return lane_acquire(log);
}
