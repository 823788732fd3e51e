/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/repair.c: repairs a pool for pmheap check, and says each step. A copy
 * of the pool as it was is made first, and stays if anything was changed.
 */
#include "repair.h"

#include "inside/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static void step(struct repair *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void step(struct repair *r, const char *format, ...)
{
	char text[5120];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	r->n++;
	if (!r->steps)
		r->steps = json_array();
	json_array_append_new(r->steps, tool_json_string(text));
	if (!r->quiet)
		printf("%u. %s\n", r->n, text);
}

/* All bytes, but for holes, which stay holes. */
static int bytes_copy(int from, int to, off_t size)
{
	off_t off = 0, hole, at;

	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	while (off < size) {
		off = lseek(from, off, SEEK_DATA);
		if (off < 0)
			break;
		hole = lseek(from, off, SEEK_HOLE);
		for (at = off; at < hole; ) {
			ssize_t n = copy_file_range(from, &off, to, &at,
						    (size_t)(hole - at), 0);

			if (n <= 0)
				return -1;
		}
	}
	if (off < 0 && errno != ENXIO)
		return -1;
	return ftruncate(to, size);
}

/* FILE.before-repair, or with a number that is free. */
static int copy_create(struct repair *r, const char *path, mode_t mode)
{
	int fd = -1;

	for (int i = 1; fd < 0 && i < 1000; i++) {
		snprintf(r->kept, sizeof r->kept, i > 1 ?
			 "%.4000s.before-repair-%d" : "%.4000s.before-repair",
			 path, i);
		fd = open(r->kept, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
			  mode);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	return fd;
}

static int copy_keep(struct repair *r, const char *path)
{
	int from = open(path, O_RDONLY | O_CLOEXEC), to = -1, err;
	struct stat st;
	bool good = from >= 0 && flock(from, LOCK_SH | LOCK_NB) == 0 &&
		    fstat(from, &st) == 0;

	if (good)
		to = copy_create(r, path, st.st_mode & 0777);
	good = good && to >= 0 && bytes_copy(from, to, st.st_size) == 0 &&
	       fsync(to) == 0;
	err = errno;
	if (to >= 0) {
		close(to);
		if (!good)
			unlink(r->kept);
	}
	if (from >= 0)
		close(from);
	if (good)
		return TOOL_OK;
	*r->kept = '\0';
	return tool_fail(err, NULL, "cannot keep a copy of '%s'", path);
}

/* Is the pool still what its copy is? A step that failed may have changed it. */
static bool is_unchanged(const struct repair *r, const char *path)
{
	static char a[65536], b[65536];
	FILE *pool = fopen(path, "re"), *copy = fopen(r->kept, "re");
	bool same = pool && copy;
	size_t n = 1;

	while (same && n) {
		n = fread(a, 1, sizeof a, pool);
		same = fread(b, 1, sizeof b, copy) == n && !memcmp(a, b, n);
	}
	same = same && !ferror(pool) && !ferror(copy);
	if (pool)
		fclose(pool);
	if (copy)
		fclose(copy);
	return same;
}

/* What the library cannot: 1 if something was done, -1. */
static int rebuild(struct repair *r, const char *path)
{
	int header = repair_header(path), length;

	if (header > 0)
		step(r, "Put a header together from both damaged copies.");
	length = header < 0 ? -1 : repair_length(path);
	if (length > 0)
		step(r, "Gave the file back its length; no object was in what "
		     "it had lost.");
	return length < 0 ? -1 : header + length;
}

/* Another region took part in its last transactions, and is lost. 1, -1. */
static int give_up(struct repair *r, const char *path)
{
	char given[80];
	const char *const with[] = { given, NULL };
	const PmWrapperConfig c = { .path = path, .recover_with = with };

	snprintf(given, sizeof given, "id:%s", r->without);
	if (pm_init(c) || pm_close())
		return -1;
	step(r, "Recovered it without region %s: what only that could tell "
	     "counts as committed.", r->without);
	return 1;
}

static int finish(struct repair *r, const char *path, PmCheckReport *report,
		  bool rebuilt)
{
	PmCheckReport before = *report;

	if (pm_check(path, PM_REPAIR, report))
		return errno;
	if (before.pending)
		step(r, "Replayed %" PRIu64 " log entr%s.", before.pending,
		     before.pending == 1 ? "y" : "ies");
	if (before.status == PM_CHECK_REPAIRABLE)
		step(r, "Wrote the damaged header copy anew.");
	if (rebuilt && report->status == PM_CHECK_CLEAN)
		report->status = PM_CHECK_REPAIRED;
	return 0;
}

int repair_run(struct repair *r, const char *path, bool keep, int *err,
	       PmCheckReport *report)
{
	int done = 0, code;

	r->tried = true;
	if (!*err && report->status == PM_CHECK_CLEAN)
		return TOOL_OK;
	code = keep ? copy_keep(r, path) : TOOL_OK;
	if (code)
		return code;
	if (*r->kept)
		step(r, "Kept a copy of it as it was: %s.", r->kept);
	if (*err) {
		done = *err == ENODEV ? give_up(r, path) : rebuild(r, path);
		if (done > 0)
			*err = pm_check(path, 0, report) ? errno : 0;
	}
	if (!*err)
		*err = finish(r, path, report, done > 0);
	if (*err && done <= 0 && *r->kept && is_unchanged(r, path) &&
	    unlink(r->kept) == 0) {
		step(r, "Nothing can be repaired and nothing was changed; "
		     "removed the copy.");
		*r->kept = '\0';
	}
	return TOOL_OK;
}
