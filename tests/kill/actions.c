/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * actions.c: the calls that opening.c cuts off, the pools that they start
 * from, and what must come out of them.
 */
#include "opening.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>

#define COMMITS 40
#define MORE 12

static const char *const pools[] = { "p", "a" };
static struct model model[WORKERS];
static uint64_t commits[WORKERS], at_least[WORKERS];
static uint64_t old_id;

/* --- pools that were killed --- */

static void *commit_next(void *arg)
{
	uint64_t me = (uintptr_t)arg;

	commit(me, root->worker[me].c.n + 1);
	return NULL;
}

/* A thread of its own for each commit, so that all lanes are used. */
static void commit_in_threads(int n)
{
	pthread_t thread;
	int i;

	for (i = 0; i < n; i++) {
		void *me = (void *)(uintptr_t)(i % WORKERS);

		ck_assert_int_eq(pthread_create(&thread, NULL, commit_next,
						me), 0);
		ck_assert_int_eq(pthread_join(thread, NULL), 0);
	}
}

/* The last commit dies at its second step: an entry is torn, or one of two. */
static void build(void *closes)
{
	open_pools();
	if (world.durability == PM_RELAXED) {
		commit_in_threads(COMMITS / 2);
		t_ok(pm_flush());
		memcpy(shared->flushed, shared->reported,
		       sizeof shared->flushed);
	}
	commit_in_threads(COMMITS);
	if (closes != NULL) {
		t_ok(pm_close());
		_exit(0);
	}
	steps_arm(2);
	for (;;)
		commit_next(NULL);
}

static const char *image_of(const char *pool)
{
	static char name[16];

	(void)snprintf(name, sizeof name, "%s.image", pool);
	return t_path(name);
}

static void build_pools(struct world w, bool closes)
{
	size_t i;

	shared_reset();
	world = w;
	ck_assert_int_eq(was_killed(start_child(build, closes ? &w : NULL)),
			 !closes);
	for (i = 0; i < T_N(pools); i++)
		if (access(t_path(pools[i]), F_OK) == 0)
			t_copy(t_path(pools[i]), image_of(pools[i]));
	memcpy(commits, shared->reported, sizeof commits);
	memcpy(at_least, shared->flushed, sizeof at_least);
}

static const struct world one_region = {
	.size = MIB, .max_size = 16 * MIB, .lanes = 3, .lane_size = 64 * KIB,
	.no_large = true,
};

static struct world two_regions(void)
{
	struct world w = one_region;

	w.two_regions = true;
	return w;
}

static struct world relaxed(void)
{
	struct world w = one_region;

	w.durability = PM_RELAXED;
	w.flush_ms = 100000;
	return w;
}

/* --- before and after --- */

static void restore_pools(void)
{
	size_t i;

	for (i = 0; i < T_N(pools); i++)
		if (access(image_of(pools[i]), F_OK) == 0)
			t_copy(image_of(pools[i]), t_path(pools[i]));
	memcpy(shared->reported, commits, sizeof commits);
	memcpy(shared->flushed, at_least, sizeof at_least);
}

static void nothing(void)
{
}

static void verify_pools(bool done)
{
	int i;

	(void)done;
	(void)check_pools();
	for (i = 0; i < WORKERS; i++)
		model_reset(&model[i]);
	open_pools();
	compare_pools(model, WORKERS);
	t_ok(pm_close());
	ck_assert_int_eq(check_pools(), 0);
}

/* --- opening and closing --- */

START_TEST(recovery_of_one_region)
{
	const struct action a = {
		.name = "recovery_of_one_region", .phase = AT_OPEN,
		.repeats = true, .restore = restore_pools,
		.prepare = nothing, .run = open_pools,
		.verify = verify_pools,
	};

	build_pools(one_region, false);
	kill_during(&a);
}
END_TEST

START_TEST(recovery_of_two_regions)
{
	const struct action a = {
		.name = "recovery_of_two_regions", .phase = AT_OPEN,
		.repeats = true, .restore = restore_pools,
		.prepare = nothing, .run = open_pools,
		.verify = verify_pools,
	};

	build_pools(two_regions(), false);
	kill_during(&a);
}
END_TEST

START_TEST(recovery_of_a_relaxed_region)
{
	const struct action a = {
		.name = "recovery_of_a_relaxed_region", .phase = AT_OPEN,
		.repeats = true, .restore = restore_pools,
		.prepare = nothing, .run = open_pools,
		.verify = verify_pools,
	};

	build_pools(relaxed(), false);
	kill_during(&a);
}
END_TEST

static void open_and_commit(void)
{
	open_pools();
	commit_in_threads(MORE);
}

static void close_pools(void)
{
	t_ok(pm_close());
}

START_TEST(closing)
{
	const struct action a = {
		.name = "closing", .phase = AT_CLOSE,
		.restore = restore_pools, .prepare = open_and_commit,
		.run = close_pools, .verify = verify_pools,
	};

	build_pools(two_regions(), false);
	kill_during(&a);
}
END_TEST

START_TEST(closing_a_relaxed_region)
{
	const struct action a = {
		.name = "closing_a_relaxed_region", .phase = AT_CLOSE,
		.restore = restore_pools, .prepare = open_and_commit,
		.run = close_pools, .verify = verify_pools,
	};

	build_pools(relaxed(), false);
	kill_during(&a);
}
END_TEST

/* --- repair --- */

static void restore_with_a_torn_header(void)
{
	static const char junk[100] = "torn";
	int fd;

	restore_pools();
	fd = open(t_path("p"), O_WRONLY);
	ck_assert_int_eq(pwrite(fd, junk, sizeof junk, 16384 + 300),
			 sizeof junk);
	close(fd);
}

static void repair_pool(void)
{
	PmCheckReport c;

	t_ok(pm_check(t_path("p"), PM_REPAIR, &c));
	ck_assert_int_ne(c.status, PM_CHECK_DAMAGED);
	ck_assert_uint_eq(c.pending, 0);
}

static void verify_repair(bool done)
{
	ck_assert_int_le(check_pools(), !done);
	verify_pools(done);
}

START_TEST(repairing)
{
	const struct action a = {
		.name = "repairing", .phase = AT_CHECK, .repeats = true,
		.restore = restore_with_a_torn_header, .prepare = nothing,
		.run = repair_pool, .verify = verify_repair,
	};

	build_pools(one_region, false);
	kill_during(&a);
}
END_TEST

/* --- creation --- */

static int files(void)
{
	DIR *d = opendir(t_path("."));
	int n = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2;
}

static void create_pool(void)
{
	t_ok(pm_init(t_config_of("p", MIB, 4 * MIB)));
}

static void verify_creation(bool done)
{
	ck_assert_int_le(files(), 1);
	if (done)
		ck_assert_int_eq(check_pools(), 0);
	create_pool();
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 0);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).max_size, 4 * MIB);
	t_given(pm_root(100));
	t_ok(pm_close());
	ck_assert_int_eq(check_pools(), 0);
}

START_TEST(creation)
{
	const struct action a = {
		.name = "creation", .phase = AT_OPEN, .repeats = true,
		.restore = remove_pools, .prepare = nothing,
		.run = create_pool, .verify = verify_creation,
	};

	shared_reset();
	world = one_region;
	kill_during(&a);
}
END_TEST

static void restore_empty_file(void)
{
	t_spill(t_path("p"), "", 0);
}

START_TEST(creation_in_an_empty_file)
{
	const struct action a = {
		.name = "creation_in_an_empty_file", .phase = AT_OPEN,
		.repeats = true, .restore = restore_empty_file,
		.prepare = nothing, .run = create_pool,
		.verify = verify_creation,
	};

	shared_reset();
	world = one_region;
	kill_during(&a);
}
END_TEST

/* --- copies --- */

static uint64_t id_of(const char *name)
{
	PmCheckReport c;

	t_ok(pm_check(t_path(name), 0, &c));
	ck_assert_uint_ne(c.region_id, 0);
	return c.region_id;
}

static void give_new_id(void)
{
	t_ok(pm_reid(t_path("p")));
}

static void verify_id(bool done)
{
	if (done)
		ck_assert_uint_ne(id_of("p"), old_id);
	verify_pools(done);
	if (done)
		ck_assert_uint_ne(id_of("p"), old_id);
}

START_TEST(a_new_id)
{
	const struct action a = {
		.name = "a_new_id", .phase = AT_CHECK, .repeats = true,
		.restore = restore_pools, .prepare = nothing,
		.run = give_new_id, .verify = verify_id,
	};

	build_pools(one_region, false);
	old_id = id_of("p");
	kill_during(&a);
}
END_TEST

static void restore_without_a_copy(void)
{
	restore_pools();
	(void)unlink(t_path("c"));
}

static void clone_pool(void)
{
	t_ok(pm_clone(t_path("p"), t_path("c")));
}

static void remove_leftovers(void)
{
	DIR *d = opendir(t_path("."));
	struct dirent *e;

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d)) != NULL)
		if (strncmp(e->d_name, "c.new-", 6) == 0)
			(void)unlink(t_path(e->d_name));
	closedir(d);
}

/* The source is as it was; the copy is whole, or there is none. */
static void verify_clone(bool done)
{
	size_t len, image_len;
	unsigned char *bytes = t_slurp(t_path("p"), &len);
	unsigned char *image = t_slurp(image_of("p"), &image_len);

	ck_assert_uint_eq(len, image_len);
	ck_assert(memcmp(bytes, image, len) == 0);
	free(bytes);
	free(image);
	remove_leftovers();
	if (access(t_path("c"), F_OK) != 0) {
		ck_assert(!done);
		clone_pool();
	}
	ck_assert_uint_ne(id_of("c"), old_id);
	ck_assert_int_eq(rename(t_path("c"), t_path("p")), 0);
	verify_pools(done);
}

START_TEST(cloning)
{
	const struct action a = {
		.name = "cloning", .phase = AT_CHECK,
		.restore = restore_without_a_copy, .prepare = nothing,
		.run = clone_pool, .verify = verify_clone,
	};

	build_pools(one_region, true);
	old_id = id_of("p");
	kill_during(&a);
}
END_TEST

START_TEST(cloning_after_a_kill)
{
	const struct action a = {
		.name = "cloning_after_a_kill", .phase = AT_CHECK,
		.restore = restore_without_a_copy, .prepare = nothing,
		.run = clone_pool, .verify = verify_clone,
	};

	build_pools(one_region, false);
	old_id = id_of("p");
	kill_during(&a);
}
END_TEST

int main(void)
{
	t_begin("kill-opening");
	t_add(recovery_of_one_region, T_KEEPS);
	t_add(recovery_of_two_regions, T_KEEPS);
	t_add(recovery_of_a_relaxed_region, T_KEEPS);
	t_add(closing, T_KEEPS);
	t_add(closing_a_relaxed_region, T_KEEPS);
	t_add(repairing, T_KEEPS);
	t_add(creation, T_KEEPS);
	t_add(creation_in_an_empty_file, T_KEEPS);
	t_add(a_new_id, T_KEEPS);
	t_add(cloning, T_KEEPS);
	t_add(cloning_after_a_kill, T_KEEPS);
	return t_end();
}
