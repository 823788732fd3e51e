/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lock.c: one writer, or any number of readers, per pool file (I9). A flock
 * lock goes with the open file, so a killed process leaves none behind.
 */
#include "persist/persist.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* The pid that /proc/locks names for this inode; 0 if it names none. */
static long lock_holder(int fd)
{
	char line[256];
	struct stat st;
	long found = 0, likely = 0;
	FILE *f;

	if (fstat(fd, &st))
		return 0;
	f = fopen("/proc/locks", "re");
	if (!f)
		return 0;
	while (!found && fgets(line, sizeof(line), f)) {
		unsigned major_no, minor_no;
		unsigned long inode;
		char kind[16];
		long pid;

		if (sscanf(line, "%*[^:]: %15s %*s %*s %ld %x:%x:%lu", kind,
			   &pid, &major_no, &minor_no, &inode) != 5)
			continue;
		if (strcmp(kind, "FLOCK") || inode != st.st_ino)
			continue;
		/* Layered file systems name another device here. */
		likely = pid;
		if (major_no == major(st.st_dev) &&
		    minor_no == minor(st.st_dev))
			found = pid;
	}
	fclose(f);
	return found ? found : likely;
}

int lock_file(int fd, bool shared, const char *path)
{
	long pid;

	if (flock(fd, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return err_set(errno, "%s: cannot lock: %s", path,
			       strerror(errno));
	pid = lock_holder(fd);
	if (pid > 0)
		return err_set(EBUSY, "%s: in use by process %ld; a pool has "
			       "one writer or any number of readers", path,
			       pid);
	return err_set(EBUSY, "%s: in use by another process; a pool has one "
		       "writer or any number of readers", path);
}
