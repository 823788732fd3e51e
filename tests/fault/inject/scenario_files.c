/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scenario_files.c: checking, repairing, copying, looking and forking while
 * calls fail.
 */
#include "inject.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int check(unsigned flags, int want)
{
	PmCheckReport c;

	if (pm_check(path_of("a"), flags, &c))
		return -1;
	if (c.status != want || c.objects != 4)
		die("status %d, %llu objects", c.status,
		    (unsigned long long)c.objects);
	return 0;
}

static int check_clean(void)
{
	return check(0, PM_CHECK_CLEAN);
}

static int check_pending(void)
{
	return check(0, PM_CHECK_PENDING);
}

static int repair_pending(void)
{
	PmCheckReport c;

	if (pm_check(path_of("a"), PM_REPAIR, &c))
		return -1;
	if (c.status != PM_CHECK_CLEAN && c.status != PM_CHECK_REPAIRED)
		die("status %d after the repair", c.status);
	return 0;
}

static void recover_a(void)
{
	open_a();
}

static bool made(bool after)
{
	(void)after;
	return a_is_as_made();
}

static void damage_a(void)
{
	int fd = open(path_of("a"), O_RDWR | O_CLOEXEC);

	NEED(fd >= 0 && pwrite(fd, "damaged", 7, 100) == 7);
	close(fd);
}

static int repair_header(void)
{
	return repair_pending();
}

static uint64_t old_id;

static void note_id(void)
{
	PmCheckReport c;

	NEED(pm_check(path_of("a"), 0, &c) == 0);
	old_id = c.region_id;
}

static int reid(void)
{
	return pm_reid(path_of("a"));
}

static bool has_new_id(bool after)
{
	(void)after;
	return a_is_as_made() && pm_region_id(PM_PRIMARY) != old_id;
}

static int clone_a(void)
{
	return pm_clone(path_of("a"), path_of("c"));
}

/* The copy has all that the original has. */
static void open_clone(void)
{
	NEED(pm_init(config_old("c", 0)) == 0);
}

static int stats(void)
{
	PmStats s;

	if (pm_stats(PM_PRIMARY, &s))
		return -1;
	if (s.objects != 4)
		die("%llu objects", (unsigned long long)s.objects);
	return 0;
}

/* The child reads what was there, and can change nothing. */
static int fork_and_look(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		(void)fault_disarm();
		errno = 0;
		_exit(!a_is_as_made() || pm_alloc(10) || errno != EPERM ||
		      pm_close());
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -1;
	if (status)
		die("the child ends with wait status %#x", (unsigned)status);
	return 0;
}

/* Opening and forking, as the hooks are installed by the first open. */
static int open_and_fork(void)
{
	return pm_init(config_old("a", 0)) ? -1 : fork_and_look();
}

static bool in_use;

/* Another process holds the pool. */
static int open_busy(void)
{
	errno = 0;
	if (pm_init(config_old("a", 0)) == 0)
		die("a pool in use is opened");
	if (errno == EBUSY)
		return 0;
	return -1;
}

static pid_t holder;

static void hold_a(void)
{
	int ready[2];
	char c;

	in_use = true;
	NEED(pipe(ready) == 0);
	holder = fork();
	if (holder == 0) {
		open_a();
		NEED(write(ready[1], "r", 1) == 1);
		for (;;)
			pause();
	}
	NEED(read(ready[0], &c, 1) == 1);
	close(ready[0]);
	close(ready[1]);
}

static void release_and_open_a(void)
{
	if (in_use) {
		kill(holder, SIGKILL);
		NEED(waitpid(holder, NULL, 0) == holder);
		in_use = false;
	}
	open_a();
}

static const struct scenario table[] = {
	{ "check", "file", make_a, NULL, check_clean, made, open_a,
	  SC_SHUT, 0 },
	{ "check a pool that crashed", "file", make_a, NULL, check_pending,
	  made, recover_a, SC_SHUT | SC_CRASHED, 0 },
	{ "repair a pool that crashed", "file", make_a, NULL, repair_pending,
	  made, open_a, SC_SHUT | SC_CRASHED, 0 },
	{ "repair a header", "file", make_a, damage_a, repair_header, made,
	  open_a, SC_SHUT, 0 },
	{ "reid", "file", make_a, note_id, reid, has_new_id, open_a, SC_SHUT, 0 },
	{ "clone", "file", make_a, NULL, clone_a, made, open_clone, SC_SHUT, 0 },
	{ "clone a pool that crashed", "file", make_a, NULL, clone_a, made,
	  open_clone, SC_SHUT | SC_CRASHED | SC_COPIES, 0 },
	{ "stats", "file", make_a, open_a, stats, made, open_a, 0, 0 },
	{ "fork", "file", make_a, open_a, fork_and_look, made, open_a,
	  0, 0 },
	{ "open and fork", "file", make_a, NULL, open_and_fork, made, open_a,
	  SC_OPENS, 0 },
	{ "open a pool that is in use", "file", make_a, hold_a, open_busy,
	  made, release_and_open_a, SC_SHUT, 0 },
};

const struct suite suite_files = { table, sizeof(table) / sizeof(*table) };
