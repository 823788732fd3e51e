/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * naming.c: pools get their names on a file system that knows neither unnamed
 * files nor hard links, and never in place of what has the name already.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pmheap.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static char dir[] = "/tmp/pmheap-naming-XXXXXX";
static char pool[64], other[64];

int __wrap_link(const char *from, const char *to);
int __wrap_open(const char *path, int flags, ...);
int __real_open(const char *path, int flags, ...);

int __wrap_link(const char *from, const char *to)
{
	(void)from;
	(void)to;
	errno = EPERM;
	return -1;
}

int __wrap_open(const char *path, int flags, ...)
{
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, int) : 0;
	va_end(ap);
	if ((flags & O_TMPFILE) != O_TMPFILE)
		return __real_open(path, flags, mode);
	errno = EOPNOTSUPP;
	return -1;
}

static void make_dir(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(pool, sizeof(pool), "%s/pool", dir);
	snprintf(other, sizeof(other), "%s/other", dir);
}

/* Which must be empty: no file is left under a name of its own. */
static void remove_dir(void)
{
	unlink(pool);
	unlink(other);
	ck_assert_int_eq(rmdir(dir), 0);
}

static int create(const char *path)
{
	PmWrapperConfig config = {.path = path, .size = 1 << 20,
				  .flags = PM_CREATE | PM_EXCL};

	return pm_init(config);
}

START_TEST(a_pool_is_made_and_opened_again)
{
	make_dir();
	ck_assert_int_eq(create(pool), 0);
	ck_assert_ptr_nonnull(pm_root(100));
	ck_assert_int_eq(pm_close(), 0);
	ck_assert_int_eq(pm_init((PmWrapperConfig){.path = pool}), 0);
	ck_assert_ptr_nonnull(pm_root(0));
	ck_assert_int_eq(pm_close(), 0);
	remove_dir();
}
END_TEST

START_TEST(a_clone_is_made_but_not_over_another_file)
{
	make_dir();
	ck_assert_int_eq(create(pool), 0);
	ck_assert_int_eq(pm_close(), 0);
	ck_assert_int_eq(pm_clone(pool, other), 0);
	ck_assert_int_eq(pm_clone(pool, other), -1);
	ck_assert_int_eq(errno, EEXIST);
	remove_dir();
}
END_TEST

START_TEST(a_name_that_is_taken_stays_what_it_is)
{
	char buf[8] = "";
	int fd;

	make_dir();
	fd = open(pool, O_CREAT | O_RDWR, 0600);
	ck_assert_int_eq((int)write(fd, "mine", 4), 4);
	close(fd);
	close(open(other, O_CREAT | O_RDWR, 0600));
	ck_assert_int_eq(name_file(other, pool), -1);
	ck_assert_int_eq(errno, EEXIST);
	fd = open(pool, O_RDONLY);
	ck_assert_int_eq((int)read(fd, buf, 7), 4);
	close(fd);
	ck_assert_str_eq(buf, "mine");
	remove_dir();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_pool_is_made_and_opened_again,
		a_clone_is_made_but_not_over_another_file,
		a_name_that_is_taken_stays_what_it_is,
		NULL
	};

	return unit_main("naming", tests);
}
