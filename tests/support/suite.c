/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * suite.c: the main program of an API test around Check, and its directory.
 */
#include "support.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#define SKIPPED 77
#define TIMEOUT_S 240

static char dir[PATH_MAX];
static pid_t owner;
static SRunner *runner;
static TCase *tcase;
static int added, skipped;

static void empty_dir(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (unlinkat(dirfd(d), e->d_name, 0) != 0)
			(void)unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR);
	}
	closedir(d);
}

/* Runs in the test's process; a test that failed before left its files. */
static void set_up(void)
{
	empty_dir();
}

static void tear_down(void)
{
	(void)pm_close();
	empty_dir();
}

static void remove_dir(void)
{
	if (getpid() != owner)
		return;
	empty_dir();
	(void)rmdir(dir);
}

const char *t_backend(void)
{
	const char *name = getenv("PMHEAP_TEST_BACKEND");

	return name != NULL ? name : "file";
}

bool t_is(const char *backend)
{
	return strcmp(t_backend(), backend) == 0;
}

bool t_chosen(void)
{
	return getenv("PMHEAP_TEST_CHOSEN") != NULL;
}

bool t_keeps(void)
{
	return !t_is("volatile");
}

const char *t_path(const char *name)
{
	static _Thread_local char buf[8][PATH_MAX + 64];
	static _Thread_local unsigned next;
	char *path = buf[next++ % 8];

	(void)snprintf(path, sizeof buf[0], "%s/%s", dir, name);
	return path;
}

static void make_dir(const char *suite)
{
	const char *base = getenv("PMHEAP_TEST_DIR");
	const char *shm = getenv("PMHEAP_TEST_SHM");
	char cwd[PATH_MAX - 64];

	if (getcwd(cwd, sizeof cwd) == NULL)
		abort();
	if (!t_chosen() && (t_is("shm") || t_is("dax")))
		base = shm != NULL ? shm : "/dev/shm";
	else if (base == NULL)
		base = cwd;
	if (snprintf(dir, sizeof dir, "%s/pmheap-%s-XXXXXX", base, suite) >=
	    (int)sizeof dir || mkdtemp(dir) == NULL) {
		perror(base);
		exit(99);
	}
	owner = getpid();
	(void)atexit(remove_dir);
}

void t_begin(const char *suite)
{
	Suite *s = suite_create(suite);

	unsetenv("PMHEAP_BACKEND");
	unsetenv("PMHEAP_ASSUME_PMEM");
	unsetenv("PMHEAP_DEBUG");
	umask(022);
	make_dir(suite);
	tcase = tcase_create(t_backend());
	tcase_set_timeout(tcase, TIMEOUT_S);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	suite_add_tcase(s, tcase);
	runner = srunner_create(s);
}

void t_add_each(const TTest *test, unsigned needs, size_t n)
{
	if ((needs & T_KEEPS) != 0 && !t_keeps()) {
		printf("SKIP: %s: needs a backend that keeps data\n",
		       test->name);
		skipped++;
		return;
	}
	tcase_add_loop_test(tcase, test, 0, (int)n);
	added++;
}

void t_add(const TTest *test, unsigned needs)
{
	t_add_each(test, needs, 1);
}

int t_end(void)
{
	int failed;

	fflush(stdout);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	printf("%s: %d run, %d failed, %d skipped\n", t_backend(), added,
	       failed, skipped);
	if (failed != 0)
		return EXIT_FAILURE;
	return added == 0 ? SKIPPED : EXIT_SUCCESS;
}
