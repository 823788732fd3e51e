/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stop.c: stops this process at its nth fence or system call on a medium.
 *
 * The functions stand before those of libpmem and libc, so the library calls
 * these. The process says at which it stopped, and sleeps until the power cut.
 */
#define _GNU_SOURCE 1

#include "points.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <libpmem.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned left;		/* 0: not armed */
static int report;

void stop_arm(unsigned nth, int report_fd)
{
	left = nth;
	report = report_fd;
}

static void point(const char *name)
{
	char line[32];
	int len;

	if (left == 0 || --left > 0)
		return;
	len = snprintf(line, sizeof(line), "%s\n", name);
	if (write(report, line, (size_t)len) != len)
		_exit(1);
	for (;;)
		pause();
}

void pmem_drain(void)
{
	static void (*drain)(void);

	if (!drain)
		*(void **)&drain = dlsym(RTLD_NEXT, "pmem_drain");
	point("fence");
	/* ORDER: none; the library's fence goes on here. */
	drain();
}

int msync(void *p, size_t n, int flags)
{
	point("msync");
	return (int)syscall(SYS_msync, p, n, flags);
}

int fsync(int fd)
{
	point("fsync");
	return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	point("fdatasync");
	return (int)syscall(SYS_fdatasync, fd);
}

int ftruncate(int fd, off_t size)
{
	point("ftruncate");
	return (int)syscall(SYS_ftruncate, fd, size);
}

int fallocate(int fd, int mode, off_t off, off_t n)
{
	point("fallocate");
	return (int)syscall(SYS_fallocate, fd, mode, off, n);
}

int link(const char *from, const char *to)
{
	point("link");
	return (int)syscall(SYS_link, from, to);
}

int linkat(int fd, const char *from, int to_fd, const char *to, int flags)
{
	point("linkat");
	return (int)syscall(SYS_linkat, fd, from, to_fd, to, flags);
}

int unlink(const char *path)
{
	point("unlink");
	return (int)syscall(SYS_unlink, path);
}
