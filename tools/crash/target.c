/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * target.c: running the program that is tested, with the recorder in front of
 * the library.
 */
#include "crash/crash.h"
#include "crash/format.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEMORY_DIR "/dev/shm"
#define MEMORY_ROOM (256ull << 20)

/* Beside this command, as in a build tree, or where it was installed. */
int target_find_recorder(struct crash_test *t)
{
	char exe[PATH_MAX], *dir;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n > 0) {
		exe[n] = 0;
		dir = dirname(exe);
		snprintf(t->recorder, sizeof(t->recorder), "%.4000s/%s", dir,
			 "crash-record.so");
		if (access(t->recorder, R_OK) == 0)
			return TOOL_OK;
		snprintf(t->recorder, sizeof(t->recorder), "%.4000s/%s", dir,
			 ".libs/crash-record.so");
		if (access(t->recorder, R_OK) == 0)
			return TOOL_OK;
	}
	snprintf(t->recorder, sizeof(t->recorder), "%s/crash-record.so",
		 PKGLIBDIR);
	if (access(t->recorder, R_OK) == 0)
		return TOOL_OK;
	return tool_fail(errno, NULL, "cannot use '%s'", t->recorder);
}

int target_make_dir(struct crash_test *t, const char *parent)
{
	struct statvfs fs;

	if (!parent && access(MEMORY_DIR, W_OK) == 0 &&
	    statvfs(MEMORY_DIR, &fs) == 0 &&
	    (uint64_t)fs.f_bavail * fs.f_frsize >= MEMORY_ROOM)
		parent = MEMORY_DIR;
	if (!parent)
		parent = getenv("TMPDIR");
	if (!parent || !*parent)
		parent = "/tmp";
	/* Verify programs run in folders of their own: no relative path. */
	parent = realpath(parent, NULL);
	if (!parent || strlen(parent) > sizeof(t->dir) - 64)
		return tool_fail(parent ? ENAMETOOLONG : errno, NULL,
				 "cannot use that folder");
	snprintf(t->dir, sizeof(t->dir), "%.4000s/pmheap-crash-XXXXXX", parent);
	free((void *)parent);
	if (!mkdtemp(t->dir)) {
		int err = errno;

		t->dir[0] = 0;
		return tool_fail(err, NULL, "cannot make a folder");
	}
	return TOOL_OK;
}

static int remove_one(const char *path, const struct stat *st, int flag,
		      struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	remove(path);
	return 0;
}

void target_remove_dir(const char *dir)
{
	if (*dir)
		nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The program's output goes where our messages go. */
static void child_run(const struct crash_test *t, int report)
{
	int err;

	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	setenv(ENV_RECORD, t->record_dir, 1);
	verify_preload(t->recorder);
	execvp(t->program[0], t->program);
	err = errno;
	if (write(report, &err, sizeof(err)) < 0)
		_exit(126);
	_exit(127);
}

int target_run(struct crash_test *t)
{
	int fds[2], err = 0;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return tool_fail(errno, NULL, "cannot make a pipe");
	fflush(NULL);
	/* ^C ends the program; what it did until then is looked at. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	pid = fork();
	if (pid == 0)
		child_run(t, fds[1]);
	close(fds[1]);
	if (pid > 0) {
		if (read(fds[0], &err, sizeof(err)) != sizeof(err))
			err = 0;
		while (waitpid(pid, &t->status, 0) < 0 && errno == EINTR)
			;
	}
	close(fds[0]);
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	if (pid < 0)
		return tool_fail(errno, NULL, "cannot start a process");
	if (err)
		return tool_fail(err, NULL, "cannot run '%s'", t->program[0]);
	t->was_run = true;
	return TOOL_OK;
}
