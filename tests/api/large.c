/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * large.c: transactions larger than a lane, many ranges, full pools.
 */
#include "support.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define BIG (5 * MIB)

struct root {
	unsigned char *big;
	uint64_t done;
};

static struct root *start(size_t big)
{
	struct root *r;

	t_init("p");
	r = pm_root(sizeof *r);
	t_given(r);
	if (r->big == NULL)
		t_given(PM_SET(r->big, pm_calloc(1, big)));
	t_given(r->big);
	return r;
}

static void write_most_of_the_pool(void *arg)
{
	struct root *r = start(BIG);

	TX_START {
		if (TX_ADD_RANGE(r->big, BIG) == 0)
			memset(r->big, 0x5a, BIG);
		TX_SET(r->done, 1);
	} TX_END
	*(int *)arg = pm_tx_errno();
}

/* More than half the pool: commits, or fails cleanly with ENOSPC. */
START_TEST(a_transaction_of_most_of_the_pool_is_all_or_nothing)
{
	struct root *r;
	int err;

	write_most_of_the_pool(&err);
	ck_assert_msg(err == 0 || err == ENOSPC, "%s: %s", strerror(err),
		      pm_errormsg());
	r = pm_root(0);
	ck_assert_uint_eq(r->done, err == 0);
	t_bytes(r->big, BIG, err == 0 ? 0x5a : 0);
	if (t_keeps())
		t_reopen("p");
	ck_assert_uint_eq(r->done, err == 0);
	t_bytes(r->big, BIG, err == 0 ? 0x5a : 0);
	t_given(PM_SET(r->done, 2));
}
END_TEST

START_TEST(a_large_transaction_survives_a_crash_whole)
{
	struct root *r;
	int err;

	t_crash(write_most_of_the_pool, &err);
	t_ok(pm_init(t_config_open("p", 0)));
	r = pm_root(0);
	t_given(r);
	t_bytes(r->big, BIG, r->done ? 0x5a : 0);
}
END_TEST

static void spill_in_pieces(void *arg)
{
	struct root *r = start(2 * MIB);
	size_t i;

	(void)arg;
	TX_START {
		for (i = 0; i < 2 * MIB; i += 4 * KIB)
			t_given(pm_fill(r->big + i, 0x33, 3 * KIB));
		TX_SET(r->done, 1);
	} TX_END
	ck_assert_msg(pm_tx_errno() == 0, "%s", pm_errormsg());
}

START_TEST(a_transaction_larger_than_a_lane_spills)
{
	struct root *r;
	size_t i;

	if (t_keeps()) {
		t_crash(spill_in_pieces, NULL);
		t_ok(pm_init(t_config_open("p", 0)));
	} else {
		spill_in_pieces(NULL);
	}
	r = pm_root(0);
	t_given(r);
	ck_assert_uint_eq(r->done, 1);
	for (i = 0; i < 2 * MIB; i += 4 * KIB) {
		t_bytes(r->big + i, 3 * KIB, 0x33);
		t_bytes(r->big + i + 3 * KIB, KIB, 0);
	}
}
END_TEST

START_TEST(a_large_transaction_is_undone)
{
	struct root *r = start(2 * MIB);
	PmStats before = t_stats(PM_PRIMARY);

	t_given(pm_fill(r->big, 1, 2 * MIB));
	TX_START {
		ck_assert_int_eq(TX_ADD_RANGE(r->big, 2 * MIB), 0);
		memset(r->big, 2, 2 * MIB);
		TX_ABORT(EIO);
	} TX_END
	t_bytes(r->big, 2 * MIB, 1);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).used_bytes, before.used_bytes);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).largest_free,
			  before.largest_free);
}
END_TEST

START_TEST(ranges_may_overlap_in_every_way)
{
	struct root *r = start(64 * KIB);
	unsigned char model[64 * KIB], saved[64 * KIB];
	uint64_t seed = 99;
	int round, i;

	memset(model, 0, sizeof model);
	for (round = 0; round < 40; round++) {
		memcpy(saved, model, sizeof saved);
		t_ok(pm_tx_begin());
		for (i = 0; i < 60; i++) {
			size_t off = t_random(&seed) % (sizeof model - 1);
			size_t len = 1 + t_random(&seed) % 900;

			if (off + len > sizeof model)
				len = sizeof model - off;
			t_ok(pm_tx_add(r->big + off, len));
			memset(r->big + off, i, len);
			memset(model + off, i, len);
		}
		if (round % 2 != 0) {
			pm_tx_abort(1);
			memcpy(model, saved, sizeof model);
		} else {
			t_ok(pm_tx_commit());
		}
		ck_assert_mem_eq(r->big, model, sizeof model);
	}
	if (t_keeps())
		t_reopen("p");
	ck_assert_mem_eq(r->big, model, sizeof model);
}
END_TEST

START_TEST(a_range_added_often_costs_little)
{
	struct root *r = start(64 * KIB);
	uint64_t logged;
	int i;

	logged = t_stats(PM_PRIMARY).logged_bytes;
	TX_START {
		for (i = 0; i < 100000; i++)
			TX_SET(r->done, (uint64_t)i);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
	ck_assert_uint_eq(r->done, 99999);
	ck_assert_uint_le(t_stats(PM_PRIMARY).logged_bytes, logged + 4096);
}
END_TEST

START_TEST(ten_thousand_ranges_commit)
{
	struct root *r = start(2 * MIB);
	size_t i;

	TX_START {
		for (i = 0; i < 10000; i++)
			TX_SET(r->big[i * 200], 7);
	} TX_END
	ck_assert_msg(pm_tx_errno() == 0, "%s", pm_errormsg());
	if (t_keeps())
		t_reopen("p");
	for (i = 0; i < 10000; i++) {
		ck_assert_uint_eq(r->big[i * 200], 7);
		ck_assert_uint_eq(r->big[i * 200 + 1], 0);
	}
}
END_TEST

START_TEST(a_transaction_that_fills_the_pool_is_rolled_back)
{
	PmStats before;
	int n = 0, aborted = 0;
	void *p = NULL;

	(void)start(64 * KIB);
	before = t_stats(PM_PRIMARY);
	TX_START {
		do {
			errno = 0;
			p = pm_alloc(30000);
			n++;
		} while (p != NULL);
		ck_assert_int_eq(errno, ENOMEM);
	} TX_ONABORT {
		aborted = errno;
	} TX_END
	ck_assert_int_gt(n, 100);
	ck_assert_int_eq(aborted, ENOMEM);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, before.objects);
	t_given(pm_alloc(before.largest_free));
}
END_TEST

START_TEST(a_full_pool_still_commits_small_changes)
{
	struct root *r = start(64 * KIB);
	size_t size;

	for (size = 256 * KIB; size >= 16; size /= 4)
		while (pm_alloc(size) != NULL)
			;
	TX_START {
		TX_SET(r->done, 5);
		TX_SET(r->big[9], 5);
	} TX_END
	ck_assert_msg(pm_tx_errno() == 0, "%s", pm_errormsg());
	TX_START {
		pm_free(r->big);
		TX_SET(r->big, NULL);
	} TX_END
	ck_assert_msg(pm_tx_errno() == 0, "%s", pm_errormsg());
	t_given(pm_alloc(32 * KIB));
}
END_TEST

/* Changes far more pages than config allows to be held, then compares. */
static void change_everything_twice(PmWrapperConfig c)
{
	struct root *r;
	size_t i, round;

	t_ok(pm_init(c));
	r = pm_root(sizeof *r);
	t_given(r);
	t_given(PM_SET(r->big, pm_calloc(1, BIG)));
	for (round = 1; round <= 2; round++) {
		for (i = 0; i < BIG; i += 16 * KIB)
			t_given(pm_fill(r->big + i, (int)(i / KIB + round),
					16 * KIB));
		for (i = 0; i < BIG; i += KIB)
			ck_assert_uint_eq(r->big[i],
				(unsigned char)(i / (16 * KIB) * 16 + round));
	}
	if (t_keeps()) {
		t_reopen("p");
		for (i = 0; i < BIG; i += KIB)
			ck_assert_uint_eq(r->big[i],
				(unsigned char)(i / (16 * KIB) * 16 + 2));
	}
}

START_TEST(a_small_working_copy_loses_nothing)
{
	PmWrapperConfig c = t_config("p");

	c.work_budget = MIB;
	change_everything_twice(c);
}
END_TEST

/* DRAM that the working copy takes after 5 MiB were changed under a budget. */
static uint64_t work_after_changes(void)
{
	static const char bytes[2 * KIB];
	PmWrapperConfig c = t_config("p");
	struct root *r;
	size_t i;

	c.work_budget = MIB;
	t_ok(pm_init(c));
	r = pm_root(sizeof *r);
	t_given(r);
	t_given(PM_SET(r->big, pm_calloc(1, BIG)));
	for (i = 0; i < BIG; i += 8 * KIB)
		t_given(pm_write(r->big + i, "changed", 8));
	/* A look is taken now and then, by how much was logged. */
	for (i = 0; i < 1000; i++)
		t_given(pm_write(r->big, bytes, sizeof bytes));
	return t_stats(PM_PRIMARY).work_bytes;
}

START_TEST(a_working_copy_keeps_to_its_budget)
{
	ck_assert_uint_le(work_after_changes(), 2 * MIB);
}
END_TEST

/* Whether another thread is just beginning a transaction is not known then. */
START_TEST(no_page_is_given_back_where_membarrier_is_refused)
{
	struct sock_filter refuse[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { T_N(refuse), refuse };

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		return;		/* this machine cannot refuse it */
	ck_assert_uint_gt(work_after_changes(), 2 * MIB);
}
END_TEST

START_TEST(a_resident_region_works_the_same)
{
	PmWrapperConfig c = t_config("p");

	c.flags |= PM_RESIDENT;
	/* Which it does not keep to: all of it is to stay. */
	c.work_budget = 1;
	change_everything_twice(c);
}
END_TEST

#define PIECES 400

START_TEST(a_log_in_too_many_pieces_is_refused)
{
	static char *p[PIECES];
	size_t n = 0, i;

	t_init("p");
	/* Runs of nine extents, and holes of as many between them. */
	while (n < PIECES && (p[n] = pm_alloc(35 * KIB)) != NULL) {
		t_given(pm_fill(p[n], 'o', 35 * KIB));
		n++;
	}
	ck_assert_uint_gt(n, 150);
	ck_assert_uint_lt(n, PIECES);
	for (i = 0; i < n; i += 2)
		pm_free(p[i]);
	TX_START {
		for (i = 1; i < n; i += 2) {
			TX_ADD_RANGE(p[i], 35 * KIB);
			memset(p[i], 'n', 35 * KIB);
		}
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), ENOSPC);
	for (i = 1; i < n; i += 2)
		t_bytes(p[i], 35 * KIB, 'o');
	TX_START {
		for (i = 1; i < n / 4; i += 2) {
			TX_ADD_RANGE(p[i], 35 * KIB);
			memset(p[i], 'n', 35 * KIB);
		}
	} TX_END
	ck_assert_msg(pm_tx_errno() == 0, "%s", pm_errormsg());
	if (t_keeps())
		t_reopen("p");
	for (i = 1; i < n; i += 2)
		t_bytes(p[i], 35 * KIB, i < n / 4 ? 'n' : 'o');
}
END_TEST

int main(void)
{
	t_begin("large");
	t_add(a_transaction_of_most_of_the_pool_is_all_or_nothing, T_ANY);
	t_add(a_large_transaction_survives_a_crash_whole, T_KEEPS);
	t_add(a_transaction_larger_than_a_lane_spills, T_ANY);
	t_add(a_large_transaction_is_undone, T_ANY);
	t_add(ranges_may_overlap_in_every_way, T_ANY);
	t_add(a_range_added_often_costs_little, T_ANY);
	t_add(ten_thousand_ranges_commit, T_ANY);
	t_add(a_transaction_that_fills_the_pool_is_rolled_back, T_ANY);
	t_add(a_full_pool_still_commits_small_changes, T_ANY);
	t_add(a_small_working_copy_loses_nothing, T_ANY);
	t_add(a_working_copy_keeps_to_its_budget, T_KEEPS);
	t_add(no_page_is_given_back_where_membarrier_is_refused, T_KEEPS);
	t_add(a_resident_region_works_the_same, T_ANY);
	t_add(a_log_in_too_many_pieces_is_refused, T_ANY);
	return t_end();
}
