/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * badinput.c: what is refused at pm_init(): paths, files, configs.
 */
#include "support.h"

#include <pmheap/backend.h>
#include <pmheap/crash.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Opening name fails with err, and the message has the path. */
static void refused(const char *name, int err)
{
	PmWrapperConfig c = t_config_open(name, 0);

	t_refused(pm_init(c), err);
	t_assert_message(c.path);
	c.flags = PM_RDONLY;
	t_refused(pm_init(c), err);
	t_assert_message(c.path);
}

START_TEST(a_missing_file_is_named)
{
	PmWrapperConfig c = t_config("none");

	refused("none", ENOENT);
	refused("no/such/dir", ENOENT);
	c.path = t_path("no/such/dir");
	t_refused(pm_init(c), ENOENT);
	c.path = "";
	t_refused(pm_init(c), ENOENT);
}
END_TEST

START_TEST(a_directory_is_refused)
{
	ck_assert_int_eq(mkdir(t_path("dir"), 0700), 0);
	t_refused(pm_init(t_config_open("dir", 0)), EISDIR);
	t_assert_message(t_path("dir"));
	t_refused(pm_init(t_config("dir")), EISDIR);
	ck_assert_int_eq(pm_init(t_config_open("dir", PM_RDONLY)), -1);
	t_assert_message(t_path("dir"));
}
END_TEST

START_TEST(what_is_no_regular_file_is_refused_and_does_not_hang)
{
	PmWrapperConfig c = t_config_open("fifo", 0);

	ck_assert_int_eq(mkfifo(t_path("fifo"), 0600), 0);
	errno = 0;
	ck_assert_int_eq(pm_init(c), -1);
	ck_assert_int_ne(errno, 0);
	t_assert_message(c.path);
	c.flags = PM_RDONLY;
	ck_assert_int_eq(pm_init(c), -1);
	t_assert_message(c.path);
	c.path = "/dev/null";
	ck_assert_int_eq(pm_init(c), -1);
	t_assert_message("/dev/null");
	c.flags = PM_CREATE;
	c.size = MIB;
	ck_assert_int_eq(pm_init(c), -1);
}
END_TEST

START_TEST(what_is_not_a_pool_is_refused)
{
	char *bytes = calloc(1, 2 * MIB);
	uint64_t seed = 5;
	size_t i;

	ck_assert_ptr_nonnull(bytes);
	t_spill(t_path("zeros"), bytes, 2 * MIB);
	refused("zeros", EMEDIUMTYPE);
	memset(bytes, 0xff, 2 * MIB);
	t_spill(t_path("ones"), bytes, 2 * MIB);
	refused("ones", EMEDIUMTYPE);
	for (i = 0; i < 2 * MIB; i++)
		bytes[i] = (char)t_random(&seed);
	t_spill(t_path("noise"), bytes, 2 * MIB);
	refused("noise", EMEDIUMTYPE);
	t_spill(t_path("text"), "This is no pool.\n", 17);
	refused("text", EMEDIUMTYPE);
	t_spill(t_path("one"), "x", 1);
	refused("one", EMEDIUMTYPE);
	free(bytes);
}
END_TEST

START_TEST(a_file_that_is_not_a_pool_is_not_overwritten)
{
	size_t len;
	unsigned char *bytes;

	t_spill(t_path("text"), "my precious notes", 17);
	t_refused(pm_init(t_config("text")), EMEDIUMTYPE);
	bytes = t_slurp(t_path("text"), &len);
	ck_assert_uint_eq(len, 17);
	ck_assert_mem_eq(bytes, "my precious notes", 17);
	free(bytes);
}
END_TEST

START_TEST(an_empty_file_is_no_pool_without_create)
{
	t_spill(t_path("empty"), "", 0);
	refused("empty", EMEDIUMTYPE);
}
END_TEST

START_TEST(another_layout_name_is_refused_with_both)
{
	PmWrapperConfig c = t_config("p");

	c.layout = "address book";
	t_ok(pm_init(c));
	t_ok(pm_close());
	c.layout = "diary";
	t_refused(pm_init(c), EINVAL);
	t_assert_message("address book");
	t_assert_message("diary");
	c.layout = "address boo";
	t_refused(pm_init(c), EINVAL);
	c.layout = "address book";
	t_ok(pm_init(c));
}
END_TEST

static void bad_config(PmWrapperConfig c)
{
	t_refused(pm_init(c), EINVAL);
	ck_assert_str_ne(pm_errormsg(), "");
	if (c.path != NULL)
		ck_assert_int_ne(access(c.path, F_OK), 0);
}

START_TEST(a_bad_config_is_refused_and_creates_nothing)
{
	PmWrapperConfig good = t_config("p"), c;
	char name[80];

	c = good;
	c.size = MIB - 1;
	bad_config(c);
	c.size = 1;
	bad_config(c);
	c = good;
	c.max_size = MIB;
	bad_config(c);
	c = good;
	c.flags |= 0x8000u;
	bad_config(c);
	c = good;
	c.durability = 2;
	bad_config(c);
	c = good;
	c.lanes = 65;
	bad_config(c);
	c = good;
	c.reserved[7] = 1;
	bad_config(c);
	c = good;
	c.backend_name = "floppy";
	bad_config(c);
	memset(name, 'n', sizeof name);
	name[64] = '\0';
	c = good;
	c.layout = name;
	bad_config(c);
	name[63] = '\0';
	t_ok(pm_init(c));
}
END_TEST

START_TEST(sizes_that_cannot_be_are_refused)
{
	PmWrapperConfig c = t_config("p");

	c.size = SIZE_MAX;
	ck_assert_int_eq(pm_init(c), -1);
	c.size = (size_t)1 << 60;
	ck_assert_int_eq(pm_init(c), -1);
	c.size = MIB;
	c.max_size = SIZE_MAX;
	ck_assert_int_eq(pm_init(c), -1);
	c.max_size = 0;
	c.lane_size = SIZE_MAX;
	ck_assert_int_eq(pm_init(c), -1);
	c.lane_size = MIB;
	ck_assert_int_eq(pm_init(c), -1);
	ck_assert_str_ne(pm_errormsg(), "");
	if (c.path != NULL)
		ck_assert_int_ne(access(c.path, F_OK), 0);
	c.lane_size = 0;
	t_ok(pm_init(c));
}
END_TEST

START_TEST(a_failed_open_leaves_nothing_behind)
{
	int i, fds = 0, maps = 0;

	t_spill(t_path("text"), "This is no pool.\n", 17);
	for (i = 0; i < 100; i++) {
		ck_assert_int_eq(pm_init(t_config_open("none", 0)), -1);
		ck_assert_int_eq(pm_init(t_config_open("text", 0)), -1);
		ck_assert_int_eq(pm_init(t_config_open(".", 0)), -1);
		if (i == 3) {
			fds = t_fds();
			maps = t_maps();
		}
	}
	ck_assert_int_eq(t_fds(), fds);
	if (!T_SANITIZED)	/* which map more by and by */
		ck_assert_int_eq(t_maps(), maps);
	t_init("p");
	for (i = 0; i < 100; i++) {
		ck_assert_int_eq(pm_init_sec(t_config_open("text", 0)), -1);
		ck_assert_int_eq(pm_init_sec(t_config_open("none", 0)), -1);
		if (i == 3) {
			fds = t_fds();
			maps = t_maps();
		}
	}
	ck_assert_int_eq(t_fds(), fds);
	if (!T_SANITIZED)	/* which map more by and by */
		ck_assert_int_eq(t_maps(), maps);
	t_given(pm_alloc(10));
}
END_TEST

START_TEST(a_truncated_pool_is_refused)
{
	size_t cut[] = { 100, 4096, 20000, 40000, 500000, 8 * MIB - 1 }, i;

	for (i = 0; i < T_N(cut); i++) {
		t_init("p");
		t_given(pm_root(64));
		t_ok(pm_close());
		ck_assert_int_eq(truncate(t_path("p"), (off_t)cut[i]), 0);
		errno = 0;
		ck_assert_int_eq(pm_init(t_config_open("p", 0)), -1);
		ck_assert_msg(errno == EUCLEAN || errno == EMEDIUMTYPE,
			      "%s", strerror(errno));
		if (cut[i] >= 40000)
			ck_assert_int_eq(errno, EUCLEAN);
		ck_assert_int_eq(unlink(t_path("p")), 0);
	}
}
END_TEST

START_TEST(the_dax_backend_is_never_taken_on_trust)
{
	PmWrapperConfig c = t_config("p");

	c.backend_name = "dax";
	c.flags = PM_CREATE;
	if (pm_init(c) == 0) {
		ck_assert_str_eq(t_stats(PM_PRIMARY).backend, "dax");
		ck_assert_str_eq(t_stats(PM_PRIMARY).survives, "power");
		return;
	}
	ck_assert_int_eq(errno, ENOTSUP);
	c.flags |= PM_ASSUME_PMEM;
	t_ok(pm_init(c));
	ck_assert_str_eq(t_stats(PM_PRIMARY).backend, "dax");
	t_ok(pm_close());
	ck_assert_int_eq(setenv("PMHEAP_ASSUME_PMEM", "1", 1), 0);
	c.flags = PM_CREATE;
	t_ok(pm_init(c));
}
END_TEST

START_TEST(the_environment_names_the_backend)
{
	const char *name = t_is("file") ? "file" : "shm";
	PmWrapperConfig c = t_config("p");

	c.backend_name = NULL;
	c.flags = PM_CREATE;
	ck_assert_int_eq(setenv("PMHEAP_BACKEND", name, 1), 0);
	t_ok(pm_init(c));
	ck_assert_str_eq(t_stats(PM_PRIMARY).backend, name);
	t_ok(pm_close());
	ck_assert_int_eq(setenv("PMHEAP_BACKEND", "floppy", 1), 0);
	t_refused(pm_init(c), EINVAL);
	t_assert_message("floppy");
}
END_TEST

START_TEST(an_unknown_backend_has_no_table)
{
	t_null((const void *)pm_backend("floppy"), EINVAL);
	t_null((const void *)pm_backend(NULL), EINVAL);
	ck_assert_str_eq(pm_backend("file")->name, "file");
	ck_assert_str_eq(pm_backend("dax")->name, "dax");
	ck_assert_str_eq(pm_backend("shm")->name, "shm");
	ck_assert_str_eq(pm_backend("volatile")->name, "volatile");
}
END_TEST

START_TEST(versions_agree)
{
	ck_assert_int_eq(pm_version(), PM_VERSION);
}
END_TEST

START_TEST(flags_and_sizes_that_contradict_each_other_are_refused)
{
	PmWrapperConfig c = t_config("p");

	c.flags = PM_RDONLY | PM_CREATE;
	bad_config(c);
	c.flags = PM_RDONLY | PM_SCRATCH;
	bad_config(c);
	c.flags = PM_CREATE;
	c.path = NULL;
	c.size = 0;
	bad_config(c);
	t_assert_message("volatile");
}
END_TEST

START_TEST(nothing_is_created_without_a_size)
{
	PmWrapperConfig c = t_config_of("p", 0, 0);
	struct stat st;

	t_refused(pm_init(c), ENOENT);
	t_assert_message(c.path);
	ck_assert_int_ne(access(c.path, F_OK), 0);
	t_spill(c.path, "", 0);
	t_refused(pm_init(c), EMEDIUMTYPE);
	t_assert_message("the file is empty");
	ck_assert_int_eq(stat(c.path, &st), 0);
	ck_assert_int_eq(st.st_size, 0);
}
END_TEST

START_TEST(no_file_in_memory_passes_for_a_disk)
{
	PmWrapperConfig c = t_config("p");

	if (!t_is("shm"))
		return;
	c.backend_name = "file";
	t_refused(pm_init(c), ENOTSUP);
	t_assert_message("use shm");
	ck_assert_int_ne(access(c.path, F_OK), 0);
}
END_TEST

START_TEST(a_promise_of_persistent_memory_chooses_dax)
{
	PmWrapperConfig c = t_config("p");

	c.backend_name = NULL;
	c.flags = PM_CREATE | PM_ASSUME_PMEM;
	t_ok(pm_init(c));
	ck_assert_str_eq(t_stats(PM_PRIMARY).backend, "dax");
}
END_TEST

static int count_call(const char *pool, void *arg)
{
	(void)pool;
	(*(int *)arg)++;
	return 1;
}

START_TEST(a_call_without_a_path_or_a_place_is_refused)
{
	PmCheckReport report;
	int calls = 0;

	t_init("p");
	t_refused(pm_stats(PM_PRIMARY, NULL), EINVAL);
	t_refused(pm_reid(NULL), EINVAL);
	t_refused(pm_clone(NULL, "copy"), EINVAL);
	t_refused(pm_clone("none", NULL), EINVAL);
	t_refused(pm_check(NULL, 0, &report), EINVAL);
	t_refused(pm_check("none", 0, NULL), EINVAL);
	/* Only `pmheap crash-test` ever calls it. */
	pm_crash_verify(count_call, &calls);
	ck_assert_int_eq(calls, 0);
}
END_TEST

static void free_a_stranger(void *arg)
{
	t_init("p");
	(void)setenv("PMHEAP_DEBUG", arg, 1);
	pm_free(arg);
}

START_TEST(misuse_ends_a_program_that_asks_for_it)
{
	char other[] = "other", ends[] = "abort";
	int status;
	pid_t pid;

	t_exit(free_a_stranger, other);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		free_a_stranger(ends);
		_exit(0);
	}
	status = t_wait(pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
END_TEST

START_TEST(bytes_that_hold_no_objects_cannot_be_changed)
{
	char *p, *first;

	t_init("p");
	p = pm_alloc(100);
	t_given(p);
	/* The header is there, but is not the program's. */
	first = p - pm_fat(p).offset;
	t_ok(pm_tx_begin());
	t_refused(pm_tx_add(first, 8), EINVAL);
	t_assert_message("not inside the region's objects");
	pm_tx_abort(0);
	t_ok(pm_tx_begin());
	t_refused(pm_tx_add(p, 64 * MIB), EINVAL);
	pm_tx_abort(0);
	t_null(pm_write(first + 64, "x", 1), EINVAL);
}
END_TEST

int main(void)
{
	t_begin("badinput");
	t_add(a_missing_file_is_named, T_KEEPS);
	t_add(a_directory_is_refused, T_KEEPS);
	t_add(what_is_no_regular_file_is_refused_and_does_not_hang, T_KEEPS);
	t_add(what_is_not_a_pool_is_refused, T_KEEPS);
	t_add(a_file_that_is_not_a_pool_is_not_overwritten, T_KEEPS);
	t_add(an_empty_file_is_no_pool_without_create, T_KEEPS);
	t_add(another_layout_name_is_refused_with_both, T_KEEPS);
	t_add(a_bad_config_is_refused_and_creates_nothing, T_ANY);
	t_add(sizes_that_cannot_be_are_refused, T_ANY);
	t_add(a_failed_open_leaves_nothing_behind, T_KEEPS);
	t_add(a_truncated_pool_is_refused, T_KEEPS);
	t_add(the_dax_backend_is_never_taken_on_trust, T_KEEPS);
	t_add(the_environment_names_the_backend, T_KEEPS);
	t_add(an_unknown_backend_has_no_table, T_ANY);
	t_add(versions_agree, T_ANY);
	t_add(flags_and_sizes_that_contradict_each_other_are_refused, T_ANY);
	t_add(nothing_is_created_without_a_size, T_KEEPS);
	t_add(no_file_in_memory_passes_for_a_disk, T_KEEPS);
	t_add(a_promise_of_persistent_memory_chooses_dax, T_KEEPS);
	t_add(a_call_without_a_path_or_a_place_is_refused, T_ANY);
	t_add(misuse_ends_a_program_that_asks_for_it, T_ANY);
	t_add(bytes_that_hold_no_objects_cannot_be_changed, T_ANY);
	return t_end();
}
