/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * disk.c: pools on a disk that is full, and on one that fails. Run by disk.sh,
 * which makes such disks.
 *
 *	disk full DIR		fills DIR; nothing is lost, and frees go on
 *	disk fail GOOD BAD FILL	BAD fails when FILL is as large as it can get
 *	disk after GOOD BAD N	at least N commits are on BAD
 */
#include <pmheap.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)
#define OBJ 8000u
#define LARGE 150000u

struct obj {
	struct obj *next;
	uint64_t number, bytes;
	unsigned char data[];
};

struct root {
	struct obj *first;
	uint64_t n, objects;
};

static void die(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf(" (%s; %s)\n", pm_errormsg(), strerror(errno));
	exit(1);
}

static const char *in(const char *dir, const char *name)
{
	static char path[2][4096];
	static int i;

	i = !i;
	snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
	return path[i];
}

static PmWrapperConfig config(const char *path, size_t size, size_t max)
{
	return (PmWrapperConfig){.path = path, .size = size, .max_size = max,
				 .flags = size ? PM_CREATE : 0};
}

static struct root *root_of(int region)
{
	struct root *root = pm_root_in(region, sizeof(*root));

	if (!root)
		die("no root");
	return root;
}

/* One more object at the front, a transaction of its own. 0, or its errno. */
static int push(int region, struct root *root, size_t bytes)
{
	TX_START {
		struct obj *o = pm_alloc_in(region, bytes);

		if (o) {
			o->next = root->first;
			o->number = root->n + 1;
			o->bytes = bytes;
			memset(o->data, (int)o->number & 255,
			       bytes - sizeof(*o));
		}
		TX_ADD(root);
		root->first = o;
		root->n++;
		root->objects++;
	} TX_END
	return pm_tx_errno();
}

/* Every second object is freed by one transaction. */
static int thin_out(struct root *root)
{
	TX_START {
		struct obj *o = root->first;

		TX_ADD(root);
		while (o && o->next) {
			struct obj *gone = o->next;

			TX_SET(o->next, gone->next);
			pm_free(gone);
			root->objects--;
			o = o->next;
		}
	} TX_END
	return pm_tx_errno();
}

static int rewrite(struct root *root)
{
	TX_START {
		struct obj *o;

		for (o = root->first; o; o = o->next) {
			TX_ADD_RANGE(o->data, o->bytes - sizeof(*o));
			memset(o->data, (int)o->number & 255,
			       o->bytes - sizeof(*o));
		}
	} TX_END
	return pm_tx_errno();
}

static void verify(const struct root *root, const char *when)
{
	const struct obj *o;
	uint64_t n = 0, i, last = root->n + 1;

	for (o = root->first; o; o = o->next, n++) {
		if (o->number >= last)
			die("%s: object %llu follows %llu", when,
			    (unsigned long long)o->number,
			    (unsigned long long)last);
		last = o->number;
		for (i = 0; i < o->bytes - sizeof(*o); i++)
			if (o->data[i] != (o->number & 255))
				die("%s: object %llu has wrong bytes", when,
				    (unsigned long long)o->number);
	}
	if (n != root->objects)
		die("%s: %llu objects, not %llu", when, (unsigned long long)n,
		    (unsigned long long)root->objects);
}

static void fill_file(const char *path, size_t most)
{
	static char zeros[4096];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	memset(zeros, 'f', sizeof(zeros));
	while (most && write(fd, zeros, sizeof(zeros)) == sizeof(zeros))
		most -= most > sizeof(zeros) ? sizeof(zeros) : most;
	close(fd);
}

static void check_clean(const char *path)
{
	PmCheckReport report;

	if (pm_check(path, 0, &report))
		die("%s cannot be checked", path);
	if (report.faults || report.status > PM_CHECK_PENDING)
		die("%s: %s", path, report.message);
}

static void reopen(const char *dir, const char *when)
{
	if (pm_close())
		die("%s: closing", when);
	check_clean(in(dir, "pool"));
	if (pm_init(config(in(dir, "pool"), 0, 0)))
		die("%s: opening", when);
	verify(root_of(PM_PRIMARY), when);
}

/* Something is tried that may find no room; then it has changed nothing. */
static void attempt(const char *what, struct root *root, int err, int *full)
{
	if (err && err != ENOSPC && err != ENOMEM)
		die("%s fails with %s", what, strerror(err));
	if (err && !*pm_errormsg())
		die("%s fails without a message", what);
	*full += err != 0;
	verify(root, what);
}

static void work_for_ever(const char *dir)
{
	struct root *root;

	if (pm_init(config(in(dir, "pool"), 0, 0)))
		_exit(1);
	root = root_of(PM_PRIMARY);
	for (;;) {
		(void)push(PM_PRIMARY, root, OBJ);
		(void)thin_out(root);
	}
}

static void kill_on_full_disk(const char *dir)
{
	int i, status;

	if (pm_close())
		die("closing before a child has the pool");
	for (i = 0; i < 5; i++) {
		pid_t pid = fork();

		if (pid == 0)
			work_for_ever(dir);
		usleep(40000);
		kill(pid, SIGKILL);
		if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status) ||
		    WTERMSIG(status) != SIGKILL)
			die("the child ended with %#x", (unsigned)status);
		check_clean(in(dir, "pool"));
		if (pm_init(config(in(dir, "pool"), 0, 0)))
			die("opening after a kill on a full disk");
		verify(root_of(PM_PRIMARY), "after a kill");
		if (i < 4 && pm_close())
			die("closing after a kill");
	}
}

static int on_full(const char *dir)
{
	PmWrapperConfig c = config(in(dir, "large"), 256 * MIB, 0);
	struct root *root, *other;
	int full = 0, second, i;

	fill_file(in(dir, "filler"), MIB);
	c.lanes = 64;
	c.lane_size = 2 * MIB;
	if (pm_init(c) == 0 || errno != ENOSPC)
		die("lanes of 128 MiB fit this disk");
	if (access(in(dir, "large"), F_OK) == 0)
		die("a pool that does not fit is left");
	if (pm_init(config(in(dir, "pool"), 256 * MIB, 0)))
		die("a sparse pool of 256 MiB");
	second = pm_init_sec(config(in(dir, "grows"), MIB, 256 * MIB));
	if (second < 0)
		die("a pool that may grow");
	root = root_of(PM_PRIMARY);
	other = root_of(second);
	for (i = 0; !full; i++)
		attempt("an allocation", root, push(PM_PRIMARY, root, OBJ),
			&full);
	printf("%d objects fit\n", i - 1);
	full = 0;
	for (i = 0; i < 400 && !full; i++)
		attempt("growth", other, push(second, other, OBJ), &full);
	if (!full)
		die("a pool grew on a full disk");
	attempt("a direct write", root, push(PM_PRIMARY, root, LARGE), &full);
	attempt("a spill", root, rewrite(root), &full);
	if (thin_out(root))
		die("freeing on a full disk");
	verify(root, "after frees");
	if (push(PM_PRIMARY, root, OBJ))
		die("a slot that was freed");
	reopen(dir, "on a full disk");
	kill_on_full_disk(dir);
	root = root_of(PM_PRIMARY);
	if (unlink(in(dir, "filler")))
		die("no filler");
	for (i = 0; i < 40; i++)
		if (push(PM_PRIMARY, root, OBJ))
			die("with room again");
	reopen(dir, "with room again");
	return pm_close();
}

static int on_fail(const char *good, const char *bad, const char *fill)
{
	struct root *here, *there;
	uint64_t n;
	PmStats s;
	int second, err = 0, i;

	if (pm_init(config(in(good, "pool"), 8 * MIB, 0)))
		die("the good disk");
	second = pm_init_sec(config(in(bad, "pool"), 32 * MIB, 0));
	if (second < 0)
		die("the bad disk, while it is good");
	here = root_of(PM_PRIMARY);
	there = root_of(second);
	for (i = 0; i < 20; i++)
		if (push(second, there, OBJ) || push(PM_PRIMARY, here, OBJ))
			die("before the disk fails");
	fill_file(fill, (size_t)-1);
	for (i = 0; i < 200 && !err; i++) {
		n = there->n;
		err = push(second, there, LARGE);
	}
	if (err != EIO)
		die("200 commits to a disk that fails end with %d", err);
	if (there->n != n)
		die("a commit that failed is seen");
	for (i = 0; i < 3; i++)
		if (push(second, there, OBJ) != EIO)
			die("a region that failed goes on");
	if (pm_stats(second, &s) || !s.poisoned)
		die("the region is not poisoned");
	if (push(PM_PRIMARY, here, OBJ))
		die("the other region does not go on");
	verify(here, "the other region");
	if (pm_close_sec(second) == 0 || errno != EIO)
		die("closing says that all is well");
	if (pm_close())
		die("closing the good disk");
	printf("%llu\n", (unsigned long long)n);
	return 0;
}

static int on_after(const char *good, const char *bad, uint64_t n)
{
	struct root *root;
	int second;

	check_clean(in(bad, "pool"));
	if (pm_init(config(in(good, "pool"), 0, 0)))
		die("opening the good disk");
	verify(root_of(PM_PRIMARY), "the good disk");
	second = pm_init_sec(config(in(bad, "pool"), 0, 0));
	if (second < 0)
		die("opening after the disk has failed");
	root = root_of(second);
	verify(root, "after the disk has failed");
	if (root->n < n || root->n > n + 1)
		die("%llu commits are there, %llu had returned",
		    (unsigned long long)root->n, (unsigned long long)n);
	if (push(second, root, LARGE))
		die("going on");
	return pm_close();
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "full"))
		return on_full(argv[2]);
	if (argc == 5 && !strcmp(argv[1], "fail"))
		return on_fail(argv[2], argv[3], argv[4]);
	if (argc == 5 && !strcmp(argv[1], "after"))
		return on_after(argv[2], argv[3], strtoull(argv[4], NULL, 10));
	return 2;
}
