/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * badpool.c: pools that lie. Each is a good pool with one named mutation, and
 * must give its errno at pm_init() and pm_check(), never a crash or a hang.
 *
 * Every attempt runs in a process of its own with a time and a memory limit.
 */
#include "badpool.h"
#include "support.h"

/* The errno that an attempt must give; negative: that or none. */
static int wanted(const struct mutation *m, enum attempt how, bool pending)
{
	bool writes = how == OPEN || how == BESIDE ||
		      (how == REPAIR && pending);

	switch (m->expect) {
	case AT_CHECK:
		return how == CHECK || how == REPAIR ? EUCLEAN : -EUCLEAN;
	case AT_WRITE:
		return writes ? EPROTONOSUPPORT : 0;
	case AT_OPEN:
		return how == READ || how == OPEN ? EADDRINUSE :
		       how == BESIDE ? -EADDRINUSE : 0;
	}
	return m->expect;
}

static void judge(const struct mutation *m, const struct image *good,
		  bool pending)
{
	struct image bad = { malloc(good->len), good->len };
	enum attempt how;
	int got, want;

	ck_assert_ptr_nonnull(bad.bytes);
	memcpy(bad.bytes, good->bytes, good->len);
	m->change(&bad);
	for (how = CHECK; how < ATTEMPTS; how++) {
		t_spill(t_path("bad"), bad.bytes, bad.len);
		got = attempt_apart(m->name, how);
		want = wanted(m, how, pending);
		if (want < 0)
			want = got == -want ? got : 0;
		ck_assert_msg(got == want, "%s: attempt %d gives %s, not %s",
			      m->name, (int)how, strerror(got),
			      strerror(want));
		/* What repair says it did is done. */
		if (how == REPAIR && got == 0)
			ck_assert_int_eq(attempt_apart(m->name, CHECK), 0);
	}
	free(bad.bytes);
}

/* A pool with slabs, runs, a root, a known secondary and two zones. */
static void make_pool(void *arg)
{
	int a, i;

	(void)unlink(t_path("good"));
	(void)unlink(t_path("second"));
	t_ok(pm_init(t_config_of("good", MIB, 4 * MIB)));
	t_given(pm_root(300));
	a = pm_init_sec(t_config_of("second", MIB, 0));
	ck_assert_msg(a > 1, "%s", pm_errormsg());
	TX_START {
		t_given(pm_fill(pm_root_in(a, 64), 1, 64));
		for (i = 0; i < 100; i++)
			t_given(pm_alloc(16 + (size_t)i * 30));
		t_given(pm_alloc(1500 * KIB));
	} TX_END
	ck_assert_msg(pm_tx_errno() == 0, "%s", pm_errormsg());
	ck_assert_uint_gt(t_stats(PM_PRIMARY).size, MIB);
	t_ok(pm_close_sec(a));
	if (arg == NULL)
		return;
	/* Work that recovery will find in the log. */
	t_ok(pm_close());
	t_ok(pm_init(t_config_open("good", 0)));
	for (i = 0; i < 40; i++) {
		TX_START {
			t_given(pm_fill(pm_root(0), i, 200));
			pm_free(pm_alloc(500));
			t_given(pm_alloc(40 + (size_t)i));
		} TX_END
		ck_assert_int_eq(pm_tx_errno(), 0);
	}
}

static struct image load(void)
{
	struct image im;

	im.bytes = t_slurp(t_path("good"), &im.len);
	return im;
}

START_TEST(the_good_pool_is_good)
{
	static const struct mutation none = { "none", "none", change_nothing,
					      0, false };
	struct image good;

	t_exit(make_pool, NULL);
	good = load();
	judge(&none, &good, false);
	free(good.bytes);
	t_crash(make_pool, "crash");
	good = load();
	judge(&none, &good, true);
	free(good.bytes);
}
END_TEST

static void judge_all(const struct mutation *m, size_t n, bool pending)
{
	struct image good = load();
	size_t i;

	for (i = 0; i < n; i++)
		if (!pending || !m[i].closed_only)
			judge(&m[i], &good, pending);
	free(good.bytes);
}

START_TEST(each_lie_of_a_closed_pool_gets_its_error)
{
	t_exit(make_pool, NULL);
	judge_all(mutations, mutations_n, false);
	judge_all(zone_mutations, zone_mutations_n, false);
}
END_TEST

START_TEST(each_lie_of_a_crashed_pool_gets_its_error)
{
	t_crash(make_pool, "crash");
	judge_all(mutations, mutations_n, true);
	judge_all(zone_mutations, zone_mutations_n, true);
}
END_TEST

/* Random bytes: any error or none, but no crash, and repair makes it clean. */
static void fuzz(const struct image *good, uint64_t seed, bool log_too)
{
	struct image bad = { malloc(good->len), good->len };
	char name[64];
	enum attempt how;
	int i, n, result;

	ck_assert_ptr_nonnull(bad.bytes);
	for (i = 0, n = (int)t_env("PMHEAP_TEST_FUZZ", 60); i < n; i++) {
		uint64_t s = seed + (uint64_t)i;

		(void)snprintf(name, sizeof name, "seed %lu", (unsigned long)s);
		memcpy(bad.bytes, good->bytes, good->len);
		scramble(&bad, s, log_too);
		for (how = CHECK; how < ATTEMPTS; how++) {
			t_spill(t_path("bad"), bad.bytes, bad.len);
			result = attempt_apart(name, how);
			ck_assert_msg(result >= 0, "%s: attempt %d: no errno",
				      name, (int)how);
			if (how == REPAIR && result == 0)
				ck_assert_msg(attempt_apart(name, CHECK) == 0,
					      "%s: repair was none", name);
		}
	}
	free(bad.bytes);
}

START_TEST(random_damage_of_a_closed_pool_is_survived)
{
	struct image good;

	t_exit(make_pool, NULL);
	good = load();
	fuzz(&good, 1000, false);
	free(good.bytes);
}
END_TEST

START_TEST(random_damage_of_a_crashed_pool_is_survived)
{
	struct image good;

	t_crash(make_pool, "crash");
	good = load();
	fuzz(&good, 2000, true);
	free(good.bytes);
}
END_TEST

START_TEST(a_header_copy_that_a_crash_cut_off_is_no_fault)
{
	struct image im;
	PmCheckReport c;

	t_crash(make_pool, NULL);
	im = load();
	header_of(&im, 1)->root_size ^= 1;
	t_spill(t_path("bad"), im.bytes, im.len);
	t_ok(pm_check(t_path("bad"), 0, &c));
	ck_assert_int_eq(c.status, PM_CHECK_PENDING);
	ck_assert_uint_eq(c.faults, 0);
	t_ok(pm_init(t_config_open("bad", 0)));
	t_ok(pm_close());
	t_ok(pm_check(t_path("bad"), 0, &c));
	ck_assert_int_eq(c.status, PM_CHECK_CLEAN);
	free(im.bytes);
}
END_TEST

START_TEST(one_damaged_header_copy_is_repaired)
{
	struct pm_header *h;
	struct image im;
	PmCheckReport c;
	int copy;

	t_exit(make_pool, NULL);
	for (copy = 0; copy < 2; copy++) {
		im = load();
		h = header_of(&im, copy);
		h->root_size ^= 1;
		t_spill(t_path("bad"), im.bytes, im.len);
		t_ok(pm_check(t_path("bad"), 0, &c));
		ck_assert_int_eq(c.status, PM_CHECK_REPAIRABLE);
		t_ok(pm_init(t_config_open("bad", 0)));
		ck_assert_uint_ge(pm_usable_size(pm_root(0)), 300);
		t_ok(pm_close());
		t_ok(pm_check(t_path("bad"), 0, &c));
		ck_assert_int_eq(c.status, PM_CHECK_CLEAN);
		t_spill(t_path("bad"), im.bytes, im.len);
		t_ok(pm_check(t_path("bad"), PM_REPAIR, &c));
		ck_assert_int_eq(c.status, PM_CHECK_REPAIRED);
		t_ok(pm_check(t_path("bad"), 0, &c));
		ck_assert_int_eq(c.status, PM_CHECK_CLEAN);
		free(im.bytes);
	}
}
END_TEST

/* What lies.sh compares with lib/layout.h. */
static int list(const struct mutation *m, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		printf("%s %s\n", m[i].field, m[i].name);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--list") == 0)
		return list(mutations, mutations_n) |
		       list(zone_mutations, zone_mutations_n);
	/* What is on the medium is the same on all; this one is fast. */
	(void)setenv("PMHEAP_TEST_BACKEND", "shm", 0);
	t_begin("badpool");
	t_add(the_good_pool_is_good, T_KEEPS);
	t_add(each_lie_of_a_closed_pool_gets_its_error, T_KEEPS);
	t_add(each_lie_of_a_crashed_pool_gets_its_error, T_KEEPS);
	t_add(random_damage_of_a_closed_pool_is_survived, T_KEEPS);
	t_add(random_damage_of_a_crashed_pool_is_survived, T_KEEPS);
	t_add(a_header_copy_that_a_crash_cut_off_is_no_fault, T_KEEPS);
	t_add(one_damaged_header_copy_is_repaired, T_KEEPS);
	return t_end();
}
