/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * readonly.c: PM_RDONLY, and the locks between processes.
 */
#include "support.h"

#include <sys/stat.h>
#include <sys/wait.h>

struct root {
	uint64_t cell[64];
	char *text;
};

static void fill(void *arg)
{
	struct root *r;
	uint64_t i;

	(void)arg;
	t_init("p");
	r = pm_root(sizeof *r);
	t_given(r);
	for (i = 0; i < 64; i++) {
		TX_START {
			TX_SET(r->cell[i], i + 1);
			pm_free(r->text);
			TX_SET(r->text, pm_strdup("readable"));
		} TX_END
		ck_assert_int_eq(pm_tx_errno(), 0);
	}
}

static void expect_filled(const struct root *r)
{
	uint64_t i;

	t_given(r);
	for (i = 0; i < 64; i++)
		ck_assert_uint_eq(r->cell[i], i + 1);
	ck_assert_str_eq(r->text, "readable");
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 2);
}

static void open_readonly(void *arg)
{
	(void)arg;
	t_ok(pm_init(t_config_open("p", PM_RDONLY)));
	expect_filled(pm_root(0));
}

static void open_to_write(void *arg)
{
	(void)arg;
	t_ok(pm_init(t_config_open("p", 0)));
}

START_TEST(several_processes_read_one_pool)
{
	TChild child[4];
	size_t i;

	t_exit(fill, NULL);
	for (i = 0; i < T_N(child); i++)
		child[i] = t_hold(open_readonly, NULL);
	open_readonly(NULL);
	for (i = 0; i < T_N(child); i++)
		t_release(child[i]);
}
END_TEST

START_TEST(several_processes_read_a_crashed_pool_untouched)
{
	unsigned char *before, *after;
	TChild child[3];
	size_t len, len2, i;

	t_crash(fill, NULL);
	before = t_slurp(t_path("p"), &len);
	for (i = 0; i < T_N(child); i++)
		child[i] = t_hold(open_readonly, NULL);
	open_readonly(NULL);
	t_ok(pm_close());
	for (i = 0; i < T_N(child); i++)
		t_release(child[i]);
	after = t_slurp(t_path("p"), &len2);
	ck_assert_uint_eq(len, len2);
	ck_assert_mem_eq(before, after, len);
	free(before);
	free(after);
	t_ok(pm_init(t_config_open("p", 0)));
	expect_filled(pm_root(0));
}
END_TEST

START_TEST(every_change_of_a_readonly_pool_is_refused)
{
	struct root *r;

	t_exit(fill, NULL);
	open_readonly(NULL);
	ck_assert_str_eq(t_stats(PM_PRIMARY).durability, "readonly");
	r = pm_root(0);
	t_null(PM_SET(r->cell[0], 9), EROFS);
	t_null(pm_fill(&r->cell[0], 9, 8), EROFS);
	t_refused(pm_persist(&r->cell[0], 8), EROFS);
	t_null(pm_alloc(10), EROFS);
	t_null(pm_calloc(1, 10), EROFS);
	t_null(pm_realloc(r->text, 5000), EROFS);
	t_null(pm_root(1 << 16), EROFS);
	t_refused(pm_alloc_to(&r->text, 10, NULL, NULL), EROFS);
	errno = 0;
	pm_free(r->text);
	ck_assert_int_eq(errno, EROFS);
	TX_START {
		t_refused(TX_ADD(&r->cell[0]), EROFS);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), EROFS);
	expect_filled(r);
}
END_TEST

START_TEST(a_transaction_that_reads_a_readonly_pool_commits)
{
	int committed = 0;

	t_exit(fill, NULL);
	open_readonly(NULL);
	TX_START {
		expect_filled(pm_root(0));
	} TX_ONCOMMIT {
		committed = 1;
	} TX_END
	ck_assert_int_eq(committed, 1);
}
END_TEST

START_TEST(a_readonly_secondary_beside_a_writable_primary)
{
	struct root *r;
	int a;

	t_exit(fill, NULL);
	t_init("q");
	a = pm_init_sec(t_config_open("p", PM_RDONLY));
	if (a < 0) {
		/* Its number is taken by the primary: never misread. */
		ck_assert_int_eq(errno, EADDRINUSE);
		return;
	}
	r = pm_root_in(a, 0);
	t_given(r);
	ck_assert_uint_eq(r->cell[63], 64);
	t_null(pm_alloc_in(a, 10), EROFS);
	TX_START {
		t_given(pm_alloc(10));
		t_refused(TX_ADD(&r->cell[0]), EROFS);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), EROFS);
	t_given(pm_alloc(10));
}
END_TEST

START_TEST(a_second_writer_is_refused_with_the_holders_pid)
{
	TChild child;
	char pid[32];

	t_exit(fill, NULL);
	child = t_hold(open_to_write, NULL);
	(void)snprintf(pid, sizeof pid, "%d", (int)child.pid);
	t_refused(pm_init(t_config_open("p", 0)), EBUSY);
	t_assert_message(pid);
	t_assert_message(t_path("p"));
	t_refused(pm_init(t_config("p")), EBUSY);
	t_refused(pm_init(t_config_open("p", PM_RDONLY)), EBUSY);
	t_assert_message(pid);
	t_refused(pm_reid(t_path("p")), EBUSY);
	t_release(child);
	t_ok(pm_init(t_config_open("p", 0)));
	expect_filled(pm_root(0));
}
END_TEST

START_TEST(a_writer_is_refused_while_others_read)
{
	TChild child;

	t_exit(fill, NULL);
	child = t_hold(open_readonly, NULL);
	t_refused(pm_init(t_config_open("p", 0)), EBUSY);
	t_release(child);
	t_ok(pm_init(t_config_open("p", 0)));
}
END_TEST

START_TEST(a_killed_writer_holds_no_lock)
{
	TChild child;
	int i;

	t_exit(fill, NULL);
	for (i = 0; i < 3; i++) {
		child = t_hold(open_to_write, NULL);
		t_kill(child);
		t_ok(pm_init(t_config_open("p", 0)));
		expect_filled(pm_root(0));
		t_ok(pm_close());
	}
}
END_TEST

START_TEST(one_process_cannot_open_a_pool_twice)
{
	t_exit(fill, NULL);
	t_ok(pm_init(t_config_open("p", 0)));
	errno = 0;
	ck_assert_int_eq(pm_init_sec(t_config_open("p", 0)), -1);
	ck_assert_msg(errno == EBUSY || errno == EEXIST, "%s", strerror(errno));
	expect_filled(pm_root(0));
	t_ok(pm_close());
	open_to_write(NULL);
}
END_TEST

START_TEST(a_readonly_pool_that_is_missing_is_not_created)
{
	PmWrapperConfig c = t_config("none");

	c.flags = (c.flags & ~PM_CREATE) | PM_RDONLY;
	t_refused(pm_init(c), ENOENT);
	ck_assert_int_ne(access(c.path, F_OK), 0);
}
END_TEST

START_TEST(a_pool_without_write_permission_can_be_read)
{
	int status;
	pid_t pid;

	t_exit(fill, NULL);
	ck_assert_int_eq(chmod(t_path("p"), 0444), 0);
	if (getuid() != 0) {
		t_refused(pm_init(t_config_open("p", 0)), EACCES);
		t_assert_message(t_path("p"));
		open_readonly(NULL);
		return;
	}
	ck_assert_int_eq(chmod(t_path("."), 0755), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (setuid(65534) != 0 || access(t_path("p"), R_OK) != 0)
			_exit(77);
		t_refused(pm_init(t_config_open("p", 0)), EACCES);
		open_readonly(NULL);
		exit(0);
	}
	status = t_wait(pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		printf("SKIP: no other user can reach %s\n", t_path("p"));
	else
		ck_assert_int_eq(status, 0);
}
END_TEST

static void make_two(void *arg)
{
	(void)arg;
	t_init("q");
	t_given(pm_root_in(t_init_sec("p"), 64));
}

START_TEST(a_readonly_secondary_gets_no_root_and_is_not_flushed)
{
	int a;

	t_exit(make_two, NULL);
	t_init("q");
	a = pm_init_sec(t_config_open("p", PM_RDONLY));
	ck_assert_msg(a > PM_PRIMARY, "%s", pm_errormsg());
	t_given(pm_root_in(a, 64));
	TX_START {
		t_given(pm_alloc(10));
		t_null(pm_root_in(a, 1 << 16), EROFS);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), EROFS);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 0);
	t_given(pm_alloc(10));
	t_ok(pm_flush());
}
END_TEST

START_TEST(a_pool_that_this_process_has_open_is_told_so)
{
	t_init("p");
	t_refused(pm_init_sec(t_config_open("p", 0)), EBUSY);
	t_assert_message("open in this process already");
}
END_TEST

int main(void)
{
	t_begin("readonly");
	t_add(several_processes_read_one_pool, T_KEEPS);
	t_add(several_processes_read_a_crashed_pool_untouched, T_KEEPS);
	t_add(every_change_of_a_readonly_pool_is_refused, T_KEEPS);
	t_add(a_transaction_that_reads_a_readonly_pool_commits, T_KEEPS);
	t_add(a_readonly_secondary_beside_a_writable_primary, T_KEEPS);
	t_add(a_second_writer_is_refused_with_the_holders_pid, T_KEEPS);
	t_add(a_writer_is_refused_while_others_read, T_KEEPS);
	t_add(a_killed_writer_holds_no_lock, T_KEEPS);
	t_add(one_process_cannot_open_a_pool_twice, T_KEEPS);
	t_add(a_readonly_pool_that_is_missing_is_not_created, T_KEEPS);
	t_add(a_pool_without_write_permission_can_be_read, T_KEEPS);
	t_add(a_readonly_secondary_gets_no_root_and_is_not_flushed, T_KEEPS);
	t_add(a_pool_that_this_process_has_open_is_told_so, T_KEEPS);
	return t_end();
}
