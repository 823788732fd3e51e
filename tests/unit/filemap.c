/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * filemap.c: is a file as long as its region, while somebody changes either;
 * and which bytes of it are holes.
 */
#include "unit.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct medium md;

/* What another thread does in the moment after the file was looked at. */
static void (*meanwhile)(void);

int __real_statx(int dir, const char *path, int flags, unsigned mask,
		 struct statx *st);
int __wrap_statx(int dir, const char *path, int flags, unsigned mask,
		 struct statx *st);

int __wrap_statx(int dir, const char *path, int flags, unsigned mask,
		 struct statx *st)
{
	int ret = __real_statx(dir, path, flags, mask, st);
	void (*now)(void) = meanwhile;

	/* Who asks for times makes every commit write the inode as well. */
	ck_assert_uint_eq(mask, STATX_SIZE);
	meanwhile = NULL;
	if (now)
		now();
	return ret;
}

static void make_medium(void)
{
	md = (struct medium){.lock_fd = -1};
	md.m.backend = pm_backend("shm");
	md.m.size = 1u << 20;
	md.m.max_size = 4u << 20;
	md.m.fd = memfd_create("filemap", MFD_CLOEXEC);
	ck_assert_int_ge(md.m.fd, 0);
	ck_assert_int_eq(ftruncate(md.m.fd, (off_t)md.m.size), 0);
	ck_assert_int_eq(filemap_map(&md.m, 0), 0);
}

static void drop_medium(void)
{
	filemap_unmap(&md.m);
	close(md.m.fd);
}

static void grow(void)
{
	ck_assert_int_eq(medium_grow(&md, 2u << 20), 0);
}

START_TEST(a_file_that_grows_meanwhile_is_not_taken_for_truncated)
{
	make_medium();
	meanwhile = grow;
	ck_assert_int_eq(medium_is_cut(&md), NOT_CUT);
	ck_assert_uint_eq(md.m.size, 2u << 20);
	ck_assert_int_eq(medium_is_cut(&md), NOT_CUT);
	drop_medium();
}
END_TEST

START_TEST(a_file_that_was_cut_is_found_and_never_grown_again)
{
	make_medium();
	ck_assert_int_eq(ftruncate(md.m.fd, (1u << 20) - 1), 0);
	ck_assert_int_eq(medium_is_cut(&md), IS_CUT);
	errno = 0;
	ck_assert_int_eq(filemap_check(&md.m), -1);
	ck_assert_int_eq(errno, EIO);
	ck_assert_int_eq(medium_grow(&md, 2u << 20), -1);
	ck_assert_int_eq(errno, EIO);
	ck_assert_uint_eq(md.m.size, 1u << 20);
	drop_medium();
}
END_TEST

START_TEST(a_file_that_cannot_be_looked_at_is_neither)
{
	int fd;

	make_medium();
	fd = md.m.fd;
	md.m.fd = dup(fd);
	close(md.m.fd);
	ck_assert_int_eq(medium_is_cut(&md), CUT_UNKNOWN);
	ck_assert_int_eq(filemap_check(&md.m), -1);
	md.m.fd = fd;
	drop_medium();
}
END_TEST

START_TEST(holes_are_zero_and_are_not_touched)
{
	uint64_t end = 1u << 20, lo, hi;
	struct stat st;

	make_medium();
	md.m.base[40000] = 1;
	med_data(&md, 0, end, &lo, &hi);
	ck_assert_uint_eq(lo, 9 * 4096);
	ck_assert_uint_eq(hi, 10 * 4096);
	med_data(&md, 39000, 39500, &lo, &hi);
	ck_assert_uint_eq(lo, 39000);
	ck_assert_uint_eq(hi, 39500);
	med_data(&md, 10 * 4096, end, &lo, &hi);
	ck_assert_uint_eq(lo, end);
	ck_assert(!med_is_zero(&md, 0, end));
	ck_assert(!med_is_zero(&md, 40000, 1));
	ck_assert(med_is_zero(&md, 0, 40000));
	ck_assert(med_is_zero(&md, 40001, end - 40001));
	ck_assert_int_eq(fstat(md.m.fd, &st), 0);
	ck_assert_int_eq(st.st_blocks, 4096 / 512);
	drop_medium();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_file_that_grows_meanwhile_is_not_taken_for_truncated,
		a_file_that_was_cut_is_found_and_never_grown_again,
		a_file_that_cannot_be_looked_at_is_neither,
		holes_are_zero_and_are_not_touched, NULL,
	};

	return unit_main("filemap", tests);
}
