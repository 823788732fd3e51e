/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * files.c: the directory of the scenarios, on a tmpfs, and the files in it as
 * they are at the start of each attempt.
 */
#include "attempt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES 4
#define BLOCK 65536u

static char dir[32] = "/dev/shm/pmheap-inject-XXXXXX";
static pid_t owner;
static struct {
	char name[NAME_MAX + 1];
	unsigned char *bytes;
	size_t n;
} saved[FILES];

const char *path_of(const char *name)
{
	static _Thread_local char buf[4][2 * NAME_MAX];
	static _Thread_local unsigned next;
	char *p = buf[next++ % 4];

	if (snprintf(p, sizeof(buf[0]), "%s/%s", dir, name) >=
	    (int)sizeof(buf[0]))
		die("%s: too long", name);
	return p;
}

bool exists(const char *name)
{
	struct stat st;

	return stat(path_of(name), &st) == 0;
}

static void for_each(void (*f)(const char *name))
{
	DIR *d = opendir(dir);
	struct dirent *e;

	if (!d)
		die("%s: %s", dir, strerror(errno));
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			f(e->d_name);
	closedir(d);
}

static void remove_one(const char *name)
{
	(void)remove(path_of(name));
}

static void remove_all(void)
{
	if (getpid() != owner)
		return;
	for_each(remove_one);
	(void)rmdir(dir);
}

void files_begin(void)
{
	if (!mkdtemp(dir)) {
		printf("SKIP: %s: %s\n", dir, strerror(errno));
		exit(77);
	}
	owner = getpid();
	atexit(remove_all);
}

static void save_one(const char *name)
{
	struct stat st;
	unsigned i = 0;
	int fd = open(path_of(name), O_RDONLY | O_CLOEXEC, 0);

	while (i < FILES && saved[i].bytes)
		i++;
	if (i == FILES || fd < 0 || fstat(fd, &st))
		die("%s: cannot be kept", name);
	saved[i].n = (size_t)st.st_size;
	saved[i].bytes = malloc(saved[i].n);
	snprintf(saved[i].name, sizeof(saved[i].name), "%s", name);
	if (!saved[i].bytes ||
	    read(fd, saved[i].bytes, saved[i].n) != (ssize_t)saved[i].n)
		die("%s: cannot be read", name);
	close(fd);
}

void files_save(void)
{
	for_each(save_one);
}

/* What is zero stays a hole. */
static void restore_block(int fd, const unsigned char *bytes, size_t at,
			  size_t end)
{
	size_t n = end - at < BLOCK ? end - at : BLOCK;

	if (!bytes_are(bytes + at, 0, n) &&
	    pwrite(fd, bytes + at, n, (off_t)at) != (ssize_t)n)
		die("cannot write: %s", strerror(errno));
}

void files_restore(void)
{
	unsigned i;
	size_t at;
	int fd;

	for_each(remove_one);
	for (i = 0; i < FILES && saved[i].bytes; i++) {
		fd = open(path_of(saved[i].name), O_WRONLY | O_CREAT, 0600);
		if (fd < 0 || ftruncate(fd, (off_t)saved[i].n))
			die("%s: %s", saved[i].name, strerror(errno));
		for (at = 0; at < saved[i].n; at += BLOCK)
			restore_block(fd, saved[i].bytes, at, saved[i].n);
		close(fd);
	}
}

void files_forget(void)
{
	unsigned i;

	for_each(remove_one);
	for (i = 0; i < FILES; i++) {
		free(saved[i].bytes);
		saved[i].bytes = NULL;
	}
}

static char stray[NAME_MAX + 1];

static void look_for_stray(const char *name)
{
	if (strlen(name) != 1)
		snprintf(stray, sizeof(stray), "%s", name);
}

const char *files_stray(void)
{
	stray[0] = '\0';
	for_each(look_for_stray);
	return stray[0] ? stray : NULL;
}

int files_open(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	if (!d)
		die("no /proc: %s", strerror(errno));
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

long files_pages(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	long n = 0;

	if (!f || fscanf(f, "%ld", &n) != 1)
		die("no /proc/self/statm");
	fclose(f);
	return n;
}

int files_mapped(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[PATH_MAX + 128];
	int n = 0;

	if (!f)
		die("no /proc/self/maps");
	while (fgets(line, sizeof(line), f)) {
		uint64_t at = strtoull(line, NULL, 16);

		n += at >> 44 == 3 || strstr(line, dir) ||
		     strstr(line, "memfd:pmheap");
	}
	fclose(f);
	return n;
}
