/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stats.c: pm_stats() and pm_check().
 */
#include "support.h"

struct root {
	uint64_t cell[16];
};

static struct root *start(void)
{
	struct root *r;

	t_init("p");
	r = pm_root(sizeof *r);
	t_given(r);
	return r;
}

START_TEST(the_backend_is_reported)
{
	static const struct { const char *backend, *survives; } want[] = {
		{ "file", "power" }, { "shm", "process" },
		{ "volatile", "nothing" }, { "dax", "power" },
	};
	PmStats s;
	size_t i;

	(void)start();
	s = t_stats(PM_PRIMARY);
	ck_assert_str_eq(s.backend, t_backend());
	for (i = 0; i < T_N(want); i++)
		if (t_is(want[i].backend))
			ck_assert_str_eq(s.survives, want[i].survives);
	ck_assert_str_eq(s.durability, "strict");
	ck_assert_uint_eq(s.poisoned, 0);
}
END_TEST

START_TEST(sizes_are_reported)
{
	PmStats s;

	t_ok(pm_init(t_config_of("p", 4 * MIB, 16 * MIB)));
	s = t_stats(PM_PRIMARY);
	ck_assert_uint_eq(s.size, 4 * MIB);
	ck_assert_uint_eq(s.max_size, 16 * MIB);
	ck_assert_uint_eq(s.region_id, pm_region_id(PM_PRIMARY));
	ck_assert_uint_lt(s.heap_bytes, s.size);
	ck_assert_uint_gt(s.heap_bytes, s.size / 2);
	ck_assert_uint_eq(s.used_bytes, 0);
	ck_assert_uint_eq(s.objects, 0);
	ck_assert_uint_le(s.largest_free, s.heap_bytes);
	ck_assert_uint_gt(s.lanes, 0);
	ck_assert_uint_gt(s.lane_size, 0);
	ck_assert(s.extent_size >= 4096 &&
		  (s.extent_size & (s.extent_size - 1)) == 0);
}
END_TEST

START_TEST(objects_are_counted_with_their_bytes)
{
	PmStats s;
	void *p[50];
	size_t i, used = 0;

	t_init("p");
	for (i = 0; i < T_N(p); i++) {
		p[i] = pm_alloc(1 + i * i * 20);
		t_given(p[i]);
		used += pm_usable_size(p[i]);
		s = t_stats(PM_PRIMARY);
		ck_assert_uint_eq(s.objects, i + 1);
		ck_assert_uint_eq(s.used_bytes, used);
		ck_assert_uint_eq(s.free_bytes, s.heap_bytes - used);
		ck_assert_uint_ge(s.held_bytes, used);
		ck_assert_uint_eq(s.fragmentation,
				  (s.held_bytes - used) * 1000 / s.held_bytes);
	}
	for (i = 0; i < T_N(p); i++)
		pm_free(p[i]);
	s = t_stats(PM_PRIMARY);
	ck_assert(s.objects == 0 && s.used_bytes == 0);
}
END_TEST

START_TEST(commits_and_aborts_are_counted)
{
	struct root *r = start();
	PmStats a = t_stats(PM_PRIMARY), b;
	int i;

	for (i = 0; i < 10; i++) {
		TX_START {
			TX_SET(r->cell[i], 1);
			if (i >= 7)
				TX_ABORT(1);
		} TX_END
	}
	b = t_stats(PM_PRIMARY);
	ck_assert_uint_eq(b.commits, a.commits + 7);
	ck_assert_uint_eq(b.aborts, a.aborts + 3);
	ck_assert_uint_gt(b.logged_bytes, a.logged_bytes);
	ck_assert_uint_ge(b.sequence, a.sequence + 7);
	ck_assert_uint_le(b.watermark, b.sequence);
}
END_TEST

START_TEST(a_commit_costs_one_fence)
{
	struct root *r = start();
	PmStats a = t_stats(PM_PRIMARY), b;
	uint64_t i;

	for (i = 0; i < 20; i++) {
		TX_START {
			TX_SET(r->cell[i % 16], i);
			t_given(pm_alloc(100));
		} TX_END
	}
	b = t_stats(PM_PRIMARY);
	ck_assert_uint_eq(b.commits - a.commits, 20);
	ck_assert_uint_eq(b.commit_fences - a.commit_fences, 20);
	ck_assert_uint_le(b.fences - a.fences,
			  20 + 3 * (b.checkpoints - a.checkpoints));
}
END_TEST

START_TEST(a_transaction_that_changes_nothing_costs_no_fence)
{
	struct root *r = start();
	PmStats a = t_stats(PM_PRIMARY);
	uint64_t sum = 0;

	TX_START {
		sum += r->cell[0];
	} TX_END
	ck_assert_uint_eq(sum, 0);
	ck_assert_int_eq(pm_tx_errno(), 0);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).fences, a.fences);
}
END_TEST

START_TEST(stats_of_what_is_not_open_are_refused)
{
	PmStats s;

	t_refused(pm_stats(PM_PRIMARY, &s), EINVAL);
	t_init("p");
	t_refused(pm_stats(0, &s), EINVAL);
	t_refused(pm_stats(-5, &s), EINVAL);
	t_refused(pm_stats(2000000, &s), EINVAL);
}
END_TEST

static void make_objects(void *arg)
{
	struct root *r = start();
	int i;

	(void)arg;
	for (i = 0; i < 30; i++) {
		TX_START {
			TX_SET(r->cell[i % 16], 1);
			t_given(pm_alloc(64));
		} TX_END
	}
}

START_TEST(recovery_is_counted)
{
	t_crash(make_objects, NULL);
	t_ok(pm_init(t_config_open("p", 0)));
	ck_assert_uint_ge(t_stats(PM_PRIMARY).recovered, 1);
	t_reopen("p");
	ck_assert_uint_eq(t_stats(PM_PRIMARY).recovered, 0);
}
END_TEST

START_TEST(check_judges_a_closed_and_a_crashed_pool)
{
	unsigned char *before, *after;
	PmCheckReport c;
	size_t len, len2;

	t_crash(make_objects, NULL);
	before = t_slurp(t_path("p"), &len);
	t_ok(pm_check(t_path("p"), 0, &c));
	after = t_slurp(t_path("p"), &len2);
	ck_assert_uint_eq(len, len2);
	ck_assert_mem_eq(before, after, len);
	free(before);
	free(after);
	ck_assert_int_eq(c.status, PM_CHECK_PENDING);
	ck_assert_uint_gt(c.pending, 0);
	ck_assert_uint_eq(c.objects, 31);
	ck_assert_uint_eq(c.faults, 0);
	t_ok(pm_check(t_path("p"), PM_REPAIR, &c));
	t_ok(pm_check(t_path("p"), 0, &c));
	ck_assert_int_eq(c.status, PM_CHECK_CLEAN);
	ck_assert_uint_eq(c.pending, 0);
	ck_assert_uint_eq(c.objects, 31);
	ck_assert_uint_eq(c.size, 8 * MIB);
	ck_assert_str_eq(c.layout, "test");
	ck_assert_str_eq(c.message, "");
	t_ok(pm_init(t_config_open("p", 0)));
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 31);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).region_id, c.region_id);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).used_bytes, c.used_bytes);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).heap_bytes, c.heap_bytes);
}
END_TEST

START_TEST(check_of_what_cannot_be_judged_is_refused)
{
	PmCheckReport c;

	t_refused(pm_check(t_path("none"), 0, &c), ENOENT);
	t_assert_message(t_path("none"));
	t_spill(t_path("text"), "no pool", 7);
	t_refused(pm_check(t_path("text"), 0, &c), EMEDIUMTYPE);
	t_refused(pm_check(NULL, 0, &c), EINVAL);
	(void)start();
	t_refused(pm_check(t_path("p"), 0, &c), EBUSY);
	t_refused(pm_check(t_path("p"), PM_REPAIR, &c), EBUSY);
	t_ok(pm_close());
	t_refused(pm_check(t_path("p"), 0x8000u, &c), EINVAL);
}
END_TEST

int main(void)
{
	t_begin("stats");
	t_add(the_backend_is_reported, T_ANY);
	t_add(sizes_are_reported, T_ANY);
	t_add(objects_are_counted_with_their_bytes, T_ANY);
	t_add(commits_and_aborts_are_counted, T_ANY);
	t_add(a_commit_costs_one_fence, T_KEEPS);
	t_add(a_transaction_that_changes_nothing_costs_no_fence, T_ANY);
	t_add(stats_of_what_is_not_open_are_refused, T_ANY);
	t_add(recovery_is_counted, T_KEEPS);
	t_add(check_judges_a_closed_and_a_crashed_pool, T_KEEPS);
	t_add(check_of_what_cannot_be_judged_is_refused, T_KEEPS);
	return t_end();
}
