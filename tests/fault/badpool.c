/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * badpool.c: pools that lie. Each is a good pool with one named mutation, and
 * must give its errno at pm_init() and pm_check(), never a crash or a hang.
 *
 * Every attempt runs in a process of its own with a time and a memory limit.
 */
#include "badpool.h"
#include "support.h"

static void judge(const struct mutation *m, const struct image *good)
{
	struct image bad = { malloc(good->len), good->len };
	int got[ATTEMPTS];
	enum attempt how;

	ck_assert_ptr_nonnull(bad.bytes);
	memcpy(bad.bytes, good->bytes, good->len);
	m->change(&bad);
	for (how = CHECK; how < ATTEMPTS; how++) {
		t_spill(t_path("bad"), bad.bytes, bad.len);
		got[how] = attempt_apart(m->name, how);
	}
	free(bad.bytes);
	if (m->expect == AT_CHECK) {
		ck_assert_msg(got[CHECK] == EUCLEAN, "%s: check gives %s",
			      m->name, strerror(got[CHECK]));
		ck_assert_msg(got[OPEN] == 0 || got[OPEN] == EUCLEAN,
			      "%s: open gives %s", m->name,
			      strerror(got[OPEN]));
		return;
	}
	for (how = CHECK; how < REPAIR; how++) {
		int want = m->expect;

		if (want == AT_WRITE)
			want = how == OPEN ? EPROTONOSUPPORT : 0;
		ck_assert_msg(got[how] == want,
			      "%s: attempt %d gives %s, not %s", m->name,
			      (int)how, strerror(got[how]), strerror(want));
	}
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
	static const struct mutation none = { "none", change_nothing, 0 };
	struct image good;

	t_exit(make_pool, NULL);
	good = load();
	judge(&none, &good);
	free(good.bytes);
	t_crash(make_pool, "crash");
	good = load();
	judge(&none, &good);
	free(good.bytes);
}
END_TEST

START_TEST(each_lie_of_a_closed_pool_gets_its_error)
{
	struct image good;
	size_t i;

	t_exit(make_pool, NULL);
	good = load();
	for (i = 0; i < mutations_n; i++)
		judge(&mutations[i], &good);
	free(good.bytes);
}
END_TEST

START_TEST(lies_in_the_header_of_a_crashed_pool_get_their_error)
{
	struct image good;
	size_t i;

	t_crash(make_pool, "crash");
	good = load();
	for (i = 0; i < mutations_n; i++)
		if (mutations[i].expect != AT_CHECK)
			judge(&mutations[i], &good);
	free(good.bytes);
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

int main(void)
{
	/* What is on the medium is the same on all; this one is fast. */
	(void)setenv("PMHEAP_TEST_BACKEND", "shm", 0);
	t_begin("badpool");
	t_add(the_good_pool_is_good, T_KEEPS);
	t_add(each_lie_of_a_closed_pool_gets_its_error, T_KEEPS);
	t_add(lies_in_the_header_of_a_crashed_pool_get_their_error, T_KEEPS);
	t_add(random_damage_of_a_closed_pool_is_survived, T_KEEPS);
	t_add(random_damage_of_a_crashed_pool_is_survived, T_KEEPS);
	t_add(one_damaged_header_copy_is_repaired, T_KEEPS);
	return t_end();
}
