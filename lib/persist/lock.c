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
#include <unistd.h>

/* What /proc/locks says of this inode. */
long lock_holder(int fd, bool *writes)
{
	char line[256];
	struct stat st;
	long found = 0, likely = 0;
	FILE *f;

	*writes = false;
	if (fstat(fd, &st))
		return 0;
	f = fopen("/proc/locks", "re");
	if (!f)
		return 0;
	while (!found && fgets(line, sizeof(line), f)) {
		unsigned major_no, minor_no;
		unsigned long inode;
		char kind[16], how[16];
		long pid;

		if (sscanf(line, "%*[^:]: %15s %*s %15s %ld %x:%x:%lu", kind,
			   how, &pid, &major_no, &minor_no, &inode) != 6)
			continue;
		if (strcmp(kind, "FLOCK") || inode != st.st_ino)
			continue;
		*writes = !strcmp(how, "WRITE");
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
	bool writes;
	long pid;

	if (flock(fd, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return err_set(errno, "%s: cannot lock: %s", path,
			       strerror(errno));
	pid = lock_holder(fd, &writes);
	if (pid == getpid())
		return err_set(EBUSY, "%s: is open in this process already",
			       path);
	if (pid > 0)
		return err_set(EBUSY, "%s: in use by process %ld; a pool has "
			       "one writer or any number of readers", path,
			       pid);
	return err_set(EBUSY, "%s: in use by another process; a pool has one "
		       "writer or any number of readers", path);
}
