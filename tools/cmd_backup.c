/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/cmd_backup.c: pmheap backup and restore. A backup is a pool itself; it
 * gets its name when it is whole and was checked.
 */
#include "inside/inside.h"
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <pmheap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIMIT_S 10	/* for attempts while the pool is written */

static void show(void *arg, uint64_t done, uint64_t total)
{
	struct tool_progress *p = arg;

	p->total = total;
	tool_progress_show(p, done);
}

static int dir_sync(const char *path)
{
	char *copy = strdup(path);
	int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY |
			     O_CLOEXEC) : -1;
	int ret = fd < 0 ? -1 : fsync(fd);

	if (fd >= 0)
		close(fd);
	free(copy);
	/* Some file systems cannot sync a directory and need not. */
	return ret && errno != EINVAL && errno != EROFS ? -1 : 0;
}

/* A new file beside path, with the permissions of like. -1 with errno. */
static int temp_open(const char *path, const char *like, char **name)
{
	struct stat st;

	if (asprintf(name, "%s.new-%ld", path, (long)getpid()) < 0) {
		*name = NULL;
		errno = ENOMEM;
		return -1;
	}
	if (stat(like, &st))
		return -1;
	/* Of a process with our number that was killed here. */
	unlink(*name);
	return open(*name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
		    st.st_mode & 0777);
}

/* What was copied must be a pool without a fault. */
static int verify(const char *copy, const char *what)
{
	PmCheckReport report;

	if (pm_check(copy, 0, &report))
		return tool_fail(errno, pm_errormsg(), "'%s' cannot be used",
				 what);
	if (report.status <= PM_CHECK_PENDING)
		return TOOL_OK;
	return tool_fail(EUCLEAN, report.message, "'%s' is damaged", what);
}

/* Copies src to a temporary file beside dst and checks it; its name. */
static int copy_make(const char *src, const char *dst,
		     struct image_how *how, struct image_report *report,
		     char **temp)
{
	struct tool_progress progress;
	int fd = temp_open(dst, src, temp), err, ret;

	if (fd < 0)
		return tool_fail(errno, NULL, "cannot make a copy of '%s'",
				 src);
	tool_progress_begin(&progress, "copying", 0);
	how->show = show;
	how->arg = &progress;
	ret = image_make(src, fd, how, report);
	err = errno;
	tool_progress_end(&progress);
	close(fd);
	if (ret == 0)
		return verify(*temp, src);
	return tool_fail(err, pm_errormsg(), "cannot copy '%s'", src);
}

static void backup_say(const char *src, const char *dst,
		       const struct image_report *r)
{
	char size[TOOL_SIZE_LEN];
	struct stat st;

	printf("Backed up %s to %s: %s", src, dst, stat(dst, &st) ? "?" :
	       tool_size_text((uint64_t)st.st_size, size));
	if (r->shared)
		printf(", %s of it shared with the pool",
		       tool_size_text(r->shared, size));
	if (r->paused_ms)
		printf(", its writer stopped for %" PRIu64 " ms", r->paused_ms);
	else if (r->in_use)
		printf(", while it was in use, at attempt %" PRIu64,
		       r->attempts);
	puts(".");
}

int cmd_backup(const struct tool_args *args)
{
	const char *src = args->operand[0], *dst = args->operand[1];
	struct image_how how = { .what = IMAGE_ALL,
				 .pause = tool_arg(args, "pause") };
	struct image_report report = { 0 };
	uint64_t limit = LIMIT_S;
	char *temp = NULL;
	int code = tool_arg_number(args, "timeout", 0, 86400, &limit);

	if (code)
		return code;
	if (access(dst, F_OK) == 0)
		return tool_fail(EEXIST, NULL, "cannot make '%s'", dst);
	how.limit_ms = limit * 1000;
	code = copy_make(src, dst, &how, &report, &temp);
	if (!code && (image_name(temp, dst) || dir_sync(dst)))
		code = tool_fail(errno, NULL, "cannot make '%s'", dst);
	if (!code)
		backup_say(src, dst, &report);
	if (temp)
		unlink(temp);
	free(temp);
	return code;
}

/* Nobody may open the pool while another takes its place. The lock, or -1. */
static int target_lock(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB)) {
		close(fd);
		errno = errno == EWOULDBLOCK ? EBUSY : errno;
		return -1;
	}
	return fd;
}

static int restore(const char *src, const char *dst)
{
	struct image_how how = { .what = IMAGE_ALL };
	struct image_report report = { 0 };
	char *temp = NULL;
	int code = copy_make(src, dst, &how, &report, &temp);

	if (!code && (rename(temp, dst) || dir_sync(dst)))
		code = tool_fail(errno, NULL, "cannot make '%s'", dst);
	if (code && temp)
		unlink(temp);
	free(temp);
	if (!code)
		printf("Restored %s from %s.\n", dst, src);
	return code;
}

int cmd_restore(const struct tool_args *args)
{
	const char *src = args->operand[0], *dst = args->operand[1];
	bool exists = access(dst, F_OK) == 0;
	int lock = -1, code = verify(src, src);

	if (code)
		return code;
	if (exists && !tool_arg(args, "force"))
		return tool_fail(EEXIST, "it exists, and --force is not given",
				 "cannot restore '%s'", dst);
	if (exists) {
		lock = target_lock(dst);
		if (lock < 0)
			return tool_fail(errno, errno == EBUSY ? "a process "
					 "has it open" : NULL,
					 "cannot restore '%s'", dst);
	}
	code = restore(src, dst);
	if (lock >= 0)
		close(lock);
	return code;
}
