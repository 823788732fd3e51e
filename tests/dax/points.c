/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * points.c: power cuts at every point of an operation, all by one cut.
 *
 *	points arm DIR		leaves processes that stand still, each at
 *				another point of an operation on its own pool
 *	points check DIR	after the cut: looks at the pools
 *
 * An operation that returned before the cut must be there, one that was cut is
 * there entirely or not at all. DIR/list says what there was; DIR is DIR.new
 * until all stand still.
 */
#include "points.h"

#include <pmheap.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define POINT_MAX 60

static char subject[64] = "points";

void broken(const char *format, ...)
{
	va_list ap;

	fflush(stdout);
	printf("POINTS BROKEN %s: ", subject);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

static void name_pool(char *path, size_t room, const char *dir,
		      const char *name, unsigned nth)
{
	(void)snprintf(path, room, "%s/%s-%u", dir, name, nth);
	(void)snprintf(subject, sizeof(subject), "%s-%u", name, nth);
}

/* The process that stops; what it says is a name, or "returned". */
static void stopping(const struct phase *p, const char *path, unsigned nth,
		     int report)
{
	p->prepare(path);
	stop_arm(nth, report);
	p->operate(path);
	stop_arm(0, report);
	if (write(report, "returned\n", 9) != 9)
		_exit(1);
	for (;;)
		pause();
}

/* Reads what the child says into line; false: it died. */
static bool heard(int fd, char *line, size_t room)
{
	size_t n = 0;

	while (n + 1 < room && read(fd, line + n, 1) == 1) {
		if (line[n] == '\n') {
			line[n] = '\0';
			return true;
		}
		n++;
	}
	return false;
}

static unsigned arm_phase(const struct phase *p, const char *dir, FILE *list)
{
	char path[200], what[32] = "";
	unsigned nth = 0;
	int fd[2];

	while (strcmp(what, "returned")) {
		if (++nth > POINT_MAX)
			broken("there is no end of points");
		name_pool(path, sizeof(path), dir, p->name, nth);
		fflush(NULL);
		must(pipe(fd) == 0);
		if (fork() == 0) {
			close(fd[0]);
			stopping(p, path, nth, fd[1]);
		}
		close(fd[1]);
		if (!heard(fd[0], what, sizeof(what)))
			broken("the process died");
		close(fd[0]);
		fprintf(list, "%s %u %s\n", p->name, nth, what);
	}
	printf("POINTS ARMED %s %u\n", p->name, nth);
	return nth;
}

static void sync_path(const char *path, int flags)
{
	int fd = open(path, flags);

	must(fd >= 0 && fsync(fd) == 0);
	close(fd);
}

static void arm(const char *name)
{
	char dir[100], path[200];
	unsigned points = 0;
	FILE *list;
	size_t i;

	(void)snprintf(dir, sizeof(dir), "%s.new", name);
	must(mkdir(dir, 0700) == 0);
	(void)snprintf(path, sizeof(path), "%s/list", dir);
	list = fopen(path, "w");
	must(list);
	for (i = 0; i < phase_n; i++)
		points += arm_phase(&phases[i], dir, list);
	must(fclose(list) == 0);
	sync_path(path, O_RDWR);
	sync_path(dir, O_RDONLY | O_DIRECTORY);
	must(rename(dir, name) == 0);
	(void)snprintf(path, sizeof(path), "%s/..", name);
	sync_path(path, O_RDONLY | O_DIRECTORY);
	printf("POINTS STAND %u\n", points);
}

static const struct phase *phase_of(const char *name)
{
	size_t i;

	for (i = 0; i < phase_n; i++)
		if (!strcmp(phases[i].name, name))
			return &phases[i];
	broken("no phase \"%s\"", name);
}

/* Only what was closed and is clean is removed, so names must be few. */
static void remove_all(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	must(d);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			must(unlinkat(dirfd(d), e->d_name, 0) == 0);
	closedir(d);
	must(rmdir(dir) == 0);
}

static void check(const char *dir)
{
	unsigned nth, there = 0, absent = 0;
	char path[200], name[32], what[32];
	FILE *list;

	(void)snprintf(path, sizeof(path), "%s/list", dir);
	list = fopen(path, "r");
	must(list);
	while (fscanf(list, "%31s %u %31s", name, &nth, what) == 3) {
		const struct phase *p = phase_of(name);
		bool after;

		name_pool(path, sizeof(path), dir, name, nth);
		after = p->found(path);
		if (!after && !strcmp(what, "returned"))
			broken("it had returned, and is not there");
		there += after;
		absent += !after;
	}
	must(feof(list) && !ferror(list));
	fclose(list);
	remove_all(dir);
	printf("POINTS CHECKED %u there %u absent %u\n", there + absent, there,
	       absent);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 3 && !strcmp(argv[1], "arm")) {
		arm(argv[2]);
	} else if (argc == 3 && !strcmp(argv[1], "check")) {
		check(argv[2]);
	} else {
		fprintf(stderr, "usage: points arm|check DIR\n");
		return 2;
	}
	return 0;
}
