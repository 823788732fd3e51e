/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * group.c: one thread makes durable what many have committed. Whoever needs a
 * number durable leads the next group, or waits while another thread leads.
 * What is committed while a group is synced makes the next one.
 *
 * Where a fence is expensive (no PM_BACKEND_CPU_FENCE), commits that are durable
 * on return go this way too: log->grouped. Their entries go to one lane, so that
 * a group is one or two pages and not one for each thread.
 *
 * Lock order: group_mu is a leaf; who leads does not hold it.
 */
#include "tx/internal.h"

#include <sched.h>
#include <time.h>

/* Waiting for others may make a group so much later: this part of what its
 * fence takes, and at most that. */
#define PATIENCE 8
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

int log_flush_upto(struct region *r, uint64_t seq)
{
	struct log *log = r->log;
	int ret = 0;

	if (AO_load_acquire(&log->durable) >= seq)
		return 0;
	pthread_mutex_lock(&log->group_mu);
	while (ret == 0 && AO_load_acquire(&log->durable) < seq) {
		if (log->led) {
			pthread_cond_wait(&log->group_cv, &log->group_mu);
			continue;
		}
		log->led = true;
		pthread_mutex_unlock(&log->group_mu);
		ret = lead(r);
		/* A lower number may still be in flight. */
		if (ret == 0 && AO_load_acquire(&log->durable) < seq)
			sched_yield();
		pthread_mutex_lock(&log->group_mu);
		log->led = false;
		pthread_cond_broadcast(&log->group_cv);
	}
	pthread_mutex_unlock(&log->group_mu);
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
