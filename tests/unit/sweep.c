/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sweep.c: what a thread flushes of its own lane, and what a checkpoint makes
 * of that while other things are going on.
 */
#include "unit.h"

#include <pmheap.h>
#include <stdio.h>
#include <unistd.h>

static int number;
static struct region *r;
static struct log *rlog;
static struct lane *mine;	/* where this thread commits */
static uint64_t *word;

static void set_up(void)
{
	const char *dir = getenv("TMPDIR");
	char path[4096];
	PmWrapperConfig primary = {.size = 4 << 20};
	PmWrapperConfig config = {.path = path, .size = 8 << 20,
				  .flags = PM_CREATE | PM_EXCL |
					   PM_ASSUME_PMEM,
				  .backend_name = "dax"};

	snprintf(path, sizeof(path), "%s/pmheap-sweep-%ld",
		 dir && *dir ? dir : "/tmp", (long)getpid());
	ck_assert_int_eq(pm_init(primary), 0);
	number = pm_init_sec(config);
	ck_assert_msg(number > 0, "%s", pm_errormsg());
	unlink(path);
	r = table_get(number);
	rlog = r->log;
	ck_assert(!rlog->deferred && rlog->n_lanes > 1);
	mine = &rlog->lane[lane_thread() % rlog->n_lanes];
	word = pm_calloc_in(number, 1, sizeof(*word));
	ck_assert_ptr_nonnull(word);
}

static void tear_down(void)
{
	ck_assert_int_eq(pm_close_sec(number), 0);
	ck_assert_int_eq(pm_close(), 0);
}

static void commit(void)
{
	uint64_t tail = mine->tail;

	ck_assert_int_eq(pm_tx_begin(), 0);
	ck_assert_int_eq(pm_tx_add(word, sizeof(*word)), 0);
	++*word;
	ck_assert_int_eq(pm_tx_commit(), 0);
	ck_assert_uint_gt(mine->tail, tail);
}

/* Enough for a sweep, too few to fill the lane. */
static void commit_a_part(void)
{
	uint64_t end = mine->tail + rlog->lane_size / SWEEPS + 4 * PM_LINE;

	while (mine->tail < end)
		commit();
}

START_TEST(a_part_that_is_full_is_swept_and_clean_after_the_next_fence)
{
	set_up();
	ck_assert_int_eq(log_checkpoint(r), 0);
	commit_a_part();
	ck_assert_uint_gt(mine->clean, mine->head);
	ck_assert_uint_le(mine->clean, mine->tail);
	ck_assert_uint_le(mine->clean_seq, rlog->seq);
	ck_assert_int_eq(log_checkpoint(r), 0);
	ck_assert_uint_eq(mine->head, mine->tail);
	tear_down();
}
END_TEST

/* Recovery takes a number above the record's that is in no lane for one that
 * was lost, and tells other regions so. */
START_TEST(what_is_clean_is_not_retired_above_a_number_in_flight)
{
	struct lane *other;
	uint64_t head, taken;

	set_up();
	other = &rlog->lane[mine == rlog->lane];
	ck_assert_int_eq(log_checkpoint(r), 0);
	ck_assert_ptr_eq(lane_try(rlog, (unsigned)(other - rlog->lane)), other);
	taken = lane_take_seq(rlog, other);
	head = mine->head;
	commit_a_part();
	ck_assert_uint_gt(mine->clean, head);
	ck_assert_int_eq(log_checkpoint(r), 0);
	ck_assert_uint_lt(rlog->watermark, taken);
	ck_assert_uint_eq(mine->head, head);

	AO_store_release(&other->inflight, NOT_IN_FLIGHT);
	lane_release(other);
	ck_assert_int_eq(log_checkpoint(r), 0);
	ck_assert_uint_eq(mine->head, mine->tail);
	tear_down();
}
END_TEST

START_TEST(a_lane_is_not_swept_beside_a_checkpoint)
{
	uint64_t swept;

	set_up();
	ck_assert_int_eq(log_checkpoint(r), 0);
	swept = mine->swept;
	pthread_mutex_lock(&rlog->ckpt_mu);
	commit_a_part();
	pthread_mutex_unlock(&rlog->ckpt_mu);
	ck_assert_uint_eq(mine->swept, swept);
	commit();
	ck_assert_uint_eq(mine->swept, mine->tail);
	tear_down();
}
END_TEST

START_TEST(what_another_thread_swept_is_swept_again)
{
	uint64_t clean;

	set_up();
	ck_assert_int_eq(log_checkpoint(r), 0);
	clean = mine->clean;
	while (mine->swept == clean)
		commit();
	mine->sweeper++;
	commit();
	ck_assert_uint_eq(mine->clean, clean);
	ck_assert_uint_eq(mine->swept, mine->tail);
	ck_assert_uint_eq(mine->sweeper, lane_thread());
	tear_down();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_part_that_is_full_is_swept_and_clean_after_the_next_fence,
		what_is_clean_is_not_retired_above_a_number_in_flight,
		a_lane_is_not_swept_beside_a_checkpoint,
		what_another_thread_swept_is_swept_again, NULL,
	};

	return unit_main("sweep", tests);
}
