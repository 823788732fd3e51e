/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * truncate.c: a pool that somebody else truncates while it is open. Nothing
 * that is lost is called durable, the next call that can know says so, and
 * with PM_CATCH_SIGBUS the program lives to hear it.
 */
#include "support.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define CUT (2 * MIB)		/* behind lanes and root, before big */

struct root {
	uint64_t cell[64];
	unsigned char *big;	/* 4 MiB, which end behind CUT       */
};

static PmWrapperConfig config(const char *name, unsigned flags)
{
	PmWrapperConfig c = t_config_of(name, 8 * MIB, 64 * MIB);

	c.flags |= flags;
	return c;
}

/* The last byte that is lost. */
static unsigned char *lost(const struct root *r)
{
	return r->big + 4 * MIB - 1;
}

static void fill(struct root *r, int region)
{
	t_given(r);
	TX_START {
		unsigned char *p = pm_alloc_in(region, 4 * MIB);

		t_given(p);
		memset(p, 7, 4 * MIB);
		TX_SET(r->big, p);
		TX_SET(r->cell[0], 1);
	} TX_END
	ck_assert_msg(pm_tx_errno() == 0, "%s", pm_errormsg());
}

static struct root *start(unsigned flags)
{
	struct root *r;

	t_ok(pm_init(config("p", flags)));
	r = pm_root(sizeof *r);
	fill(r, PM_PRIMARY);
	return r;
}

static void cut(const char *name)
{
	ck_assert_int_eq(truncate(t_path(name), CUT), 0);
}

static size_t length(const char *name)
{
	struct stat st;

	ck_assert_int_eq(stat(t_path(name), &st), 0);
	return (size_t)st.st_size;
}

/* Whatever it was that failed: it was this. */
static void assert_cut(void)
{
	t_assert_message(t_path("p"));
	t_assert_message("truncated");
	ck_assert_uint_eq(t_stats(PM_PRIMARY).poisoned, 1);
}

START_TEST(a_commit_to_a_file_that_was_cut_is_not_reported_durable)
{
	struct root *r = start(0);

	cut("p");
	if (t_is("file")) {
		t_null(PM_SET(r->cell[1], 2), EIO);
	} else {
		/* In memory nothing looks at the file until it must. */
		t_given(PM_SET(r->cell[1], 2));
		t_refused(pm_flush(), EIO);
	}
	assert_cut();
	t_null(PM_SET(r->cell[2], 2), EIO);
	t_null(pm_alloc(10), EIO);
	t_refused(pm_flush(), EIO);
	ck_assert_uint_eq(length("p"), CUT);
}
END_TEST

START_TEST(a_checkpoint_of_a_file_that_was_cut_fails)
{
	struct root *r = start(0);
	int i = 0;

	cut("p");
	/* Until a lane is full, at the latest. */
	while (pm_fill(r->cell, i, sizeof r->cell) &&
	       pm_write(r->cell, r->cell, sizeof r->cell) && i < 100000)
		i++;
	ck_assert_int_eq(errno, EIO);
	assert_cut();
}
END_TEST

START_TEST(growth_does_not_make_good_what_was_cut_off)
{
	(void)start(0);
	cut("p");
	t_null(pm_alloc(12 * MIB), EIO);
	assert_cut();
	ck_assert_uint_eq(length("p"), CUT);
}
END_TEST

START_TEST(closing_a_file_that_was_cut_fails_and_so_does_opening_it)
{
	(void)start(0);
	cut("p");
	t_refused(pm_close(), EIO);
	t_assert_message("truncated");
	ck_assert_uint_eq(length("p"), CUT);
	t_refused(pm_init(t_config_open("p", 0)), EUCLEAN);
	t_assert_message("truncated");
}
END_TEST

START_TEST(other_regions_go_on)
{
	struct root *r = start(0), *q;
	int a = t_init_sec("a");

	q = pm_root_in(a, sizeof *q);
	t_given(q);
	cut("p");
	t_refused(pm_flush(), EIO);
	assert_cut();
	ck_assert_uint_eq(t_stats(a).poisoned, 0);
	t_given(PM_SET(q->cell[0], 5));
	TX_START {
		TX_SET(q->cell[1], 5);
		TX_SET(r->cell[1], 5);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), EIO);
	ck_assert_uint_eq(q->cell[1], 0);
	t_ok(pm_close_sec(a));
	t_refused(pm_close(), EIO);
}
END_TEST

START_TEST(without_the_flag_a_lost_page_is_SIGBUS_and_the_rest_stays)
{
	unsigned char *before, *after;
	size_t n, m;
	int status;
	pid_t pid;

	(void)start(0);
	t_ok(pm_close());
	before = t_slurp(t_path("p"), &n);
	ck_assert_uint_gt(n, CUT);
	ck_assert_int_eq(unlink(t_path("p")), 0);
	pid = fork();
	if (pid == 0) {
		t_spill(t_path("p"), before, n);
		t_ok(pm_init(t_config_open("p", 0)));
		t_ok(pm_flush());
		free(before);
		before = t_slurp(t_path("p"), &n);
		t_spill(t_path("copy"), before, n);
		cut("p");
		*lost(pm_root(0)) = 1;
		_exit(0);
	}
	status = t_wait(pid);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS,
		      "wait status %#x", (unsigned)status);
	free(before);
	before = t_slurp(t_path("copy"), &n);
	after = t_slurp(t_path("p"), &m);
	ck_assert_uint_eq(m, CUT);
	ck_assert_int_eq(memcmp(before, after, CUT), 0);
	free(before);
	free(after);
}
END_TEST

START_TEST(with_the_flag_a_lost_page_reads_as_zero_and_the_next_call_says_so)
{
	struct root *r = start(PM_CATCH_SIGBUS);

	cut("p");
	ck_assert_uint_eq(*lost(r), 0);
	t_null(PM_SET(r->cell[1], 2), EIO);
	assert_cut();
	/* What is before the cut is there. */
	ck_assert_uint_eq(r->cell[0], 1);
	t_refused(pm_close(), EIO);
}
END_TEST

START_TEST(with_the_flag_a_store_to_a_lost_page_is_not_made_durable)
{
	struct root *r = start(PM_CATCH_SIGBUS);

	cut("p");
	*lost(r) = 9;
	ck_assert_uint_eq(*lost(r), 9);
	t_refused(pm_persist(lost(r), 1), EIO);
	assert_cut();
	ck_assert_uint_eq(length("p"), CUT);
}
END_TEST

START_TEST(with_the_flag_a_fault_inside_the_library_becomes_EIO)
{
	struct root *r = start(PM_CATCH_SIGBUS);
	int i;

	/* Even the lanes are lost, and the header. */
	ck_assert_int_eq(truncate(t_path("p"), 0), 0);
	/* root and lanes are the first pages to go. */
	for (i = 0; i < 2; i++)
		t_null(pm_write(r->cell, "x", 1), EIO);
	assert_cut();
	t_refused(pm_flush(), EIO);
	t_refused(pm_close(), EIO);
	ck_assert_uint_eq(length("p"), 0);
}
END_TEST

START_TEST(with_the_flag_a_transaction_over_lost_bytes_is_rolled_back)
{
	struct root *r = start(PM_CATCH_SIGBUS);

	TX_START {
		TX_SET(r->cell[1], 2);
		TX_ADD_RANGE(lost(r), 1);
		*lost(r) = 1;
		cut("p");
		/* The working copy's changed pages are lost, too. */
		ck_assert_uint_eq(*lost(r), 0);
	} TX_ONCOMMIT {
		ck_abort_msg("committed");
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), EIO);
	ck_assert_uint_eq(r->cell[1], 0);
	assert_cut();
}
END_TEST

START_TEST(with_the_flag_a_read_only_region_says_so_at_the_end)
{
	struct root *r;

	(void)start(0);
	t_ok(pm_close());
	t_ok(pm_init(t_config_open("p", PM_RDONLY | PM_CATCH_SIGBUS)));
	r = pm_root(0);
	cut("p");
	ck_assert_uint_eq(*lost(r), 0);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).poisoned, 1);
	t_refused(pm_close(), EIO);
	t_assert_message("truncated");
}
END_TEST

/* A mapping of another file that is cut. */
static volatile unsigned char *stranger(void)
{
	unsigned char *p;
	int fd = open(t_path("stranger"), O_RDWR | O_CREAT, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, 8192), 0);
	p = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(p, MAP_FAILED);
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	close(fd);
	return p;
}

static volatile unsigned char *fixed;
static volatile int seen;

static void fix(void)
{
	seen++;
	(void)mmap((void *)(uintptr_t)fixed, 8192, PROT_READ, MAP_PRIVATE |
		   MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void fix_plain(int sig)
{
	(void)sig;
	fix();
}

static void fix_with_info(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	if (info->si_addr == (void *)(uintptr_t)(fixed + 10))
		fix();
}

static void chain(bool info)
{
	struct sigaction act = { .sa_handler = fix_plain }, now;
	struct root *r;

	if (info) {
		act.sa_sigaction = fix_with_info;
		act.sa_flags = SA_SIGINFO;
	}
	seen = 0;
	ck_assert_int_eq(sigaction(SIGBUS, &act, NULL), 0);
	r = start(PM_CATCH_SIGBUS);
	fixed = stranger();
	ck_assert_uint_eq(fixed[10], 0);
	ck_assert_int_eq(seen, 1);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).poisoned, 0);
	t_given(PM_SET(r->cell[1], 2));
	cut("p");
	ck_assert_uint_eq(*lost(r), 0);
	ck_assert_int_eq(seen, 1);
	t_refused(pm_close(), EIO);
	ck_assert_int_eq(sigaction(SIGBUS, NULL, &now), 0);
	ck_assert(info ? now.sa_sigaction == fix_with_info
		       : now.sa_handler == fix_plain);
	ck_assert_int_eq(unlink(t_path("p")), 0);
}

START_TEST(a_fault_elsewhere_goes_to_the_handler_that_was_there)
{
	chain(false);
	chain(true);
}
END_TEST

static void touch_stranger(void *arg)
{
	(void)arg;
	(void)start(PM_CATCH_SIGBUS);
	(void)*stranger();
}

static void send_bus(void *arg)
{
	(void)arg;
	(void)start(PM_CATCH_SIGBUS);
	raise(SIGBUS);
}

START_TEST(a_fault_elsewhere_without_a_handler_ends_the_process)
{
	void (*f[])(void *) = { touch_stranger, send_bus };
	size_t i;

	for (i = 0; i < T_N(f); i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0) {
			signal(SIGBUS, SIG_DFL);
			f[i](NULL);
			_exit(0);
		}
		status = t_wait(pid);
		ck_assert_msg(WIFSIGNALED(status) &&
			      WTERMSIG(status) == SIGBUS,
			      "wait status %#x", (unsigned)status);
	}
}
END_TEST

START_TEST(a_signal_that_was_ignored_stays_ignored)
{
	struct root *r;

	signal(SIGBUS, SIG_IGN);
	r = start(PM_CATCH_SIGBUS);
	raise(SIGBUS);
	t_given(PM_SET(r->cell[1], 2));
	t_ok(pm_close());
	ck_assert(signal(SIGBUS, SIG_DFL) == SIG_IGN);
}
END_TEST

START_TEST(a_handler_that_was_put_on_top_stays)
{
	struct sigaction act = { .sa_handler = fix_plain }, now;

	(void)start(PM_CATCH_SIGBUS);
	ck_assert_int_eq(sigaction(SIGBUS, &act, NULL), 0);
	t_ok(pm_close());
	ck_assert_int_eq(sigaction(SIGBUS, NULL, &now), 0);
	ck_assert(now.sa_handler == fix_plain);
}
END_TEST

START_TEST(no_handler_is_installed_unless_asked_for)
{
	struct sigaction before, now;
	unsigned flags = PM_CATCH_SIGBUS;

	ck_assert_int_eq(sigaction(SIGBUS, NULL, &before), 0);
	(void)start(0);
	ck_assert_int_eq(sigaction(SIGBUS, NULL, &now), 0);
	ck_assert(now.sa_handler == before.sa_handler);
	t_ok(pm_close());
	t_ok(pm_init(t_config_open("p", flags)));
	ck_assert_int_eq(sigaction(SIGBUS, NULL, &now), 0);
	ck_assert(now.sa_handler != before.sa_handler);
	t_ok(pm_close());
	ck_assert_int_eq(sigaction(SIGBUS, NULL, &now), 0);
	ck_assert(now.sa_handler == before.sa_handler);
}
END_TEST

START_TEST(a_region_that_was_cut_can_be_opened_from_a_copy)
{
	struct root *r;

	(void)start(0);
	t_ok(pm_close());
	t_copy(t_path("p"), t_path("copy"));
	t_ok(pm_init(t_config_open("p", PM_CATCH_SIGBUS)));
	r = pm_root(0);
	cut("p");
	ck_assert_uint_eq(*lost(r), 0);
	t_refused(pm_close(), EIO);
	t_ok(pm_init(t_config_open("copy", PM_CATCH_SIGBUS)));
	r = pm_root(0);
	ck_assert_uint_eq(*lost(r), 7);
	t_given(PM_SET(r->cell[3], 4));
	t_ok(pm_close());
}
END_TEST

START_TEST(a_child_lives_on_as_its_parent_does)
{
	struct root *r;
	pid_t pid;

	(void)start(0);
	t_ok(pm_close());
	t_ok(pm_init(t_config_open("p", PM_CATCH_SIGBUS)));
	r = pm_root(0);
	pid = fork();
	if (pid == 0) {
		cut("p");
		_exit(*lost(r) != 0 || r->cell[0] != 1);
	}
	t_wait_ok(pid);
	ck_assert_uint_eq(*lost(r), 0);
	t_refused(pm_flush(), EIO);
}
END_TEST

int main(void)
{
	t_begin("truncate");
	t_add(a_commit_to_a_file_that_was_cut_is_not_reported_durable, T_KEEPS);
	t_add(a_checkpoint_of_a_file_that_was_cut_fails, T_KEEPS);
	t_add(growth_does_not_make_good_what_was_cut_off, T_KEEPS);
	t_add(closing_a_file_that_was_cut_fails_and_so_does_opening_it,
	      T_KEEPS);
	t_add(other_regions_go_on, T_KEEPS);
	t_add(without_the_flag_a_lost_page_is_SIGBUS_and_the_rest_stays,
	      T_KEEPS);
	t_add(with_the_flag_a_lost_page_reads_as_zero_and_the_next_call_says_so,
	      T_KEEPS);
	t_add(with_the_flag_a_store_to_a_lost_page_is_not_made_durable,
	      T_KEEPS);
	t_add(with_the_flag_a_fault_inside_the_library_becomes_EIO, T_KEEPS);
	t_add(with_the_flag_a_transaction_over_lost_bytes_is_rolled_back,
	      T_KEEPS);
	t_add(with_the_flag_a_read_only_region_says_so_at_the_end, T_KEEPS);
	t_add(a_fault_elsewhere_goes_to_the_handler_that_was_there, T_KEEPS);
	t_add(a_fault_elsewhere_without_a_handler_ends_the_process, T_KEEPS);
	t_add(a_signal_that_was_ignored_stays_ignored, T_KEEPS);
	t_add(a_handler_that_was_put_on_top_stays, T_KEEPS);
	t_add(no_handler_is_installed_unless_asked_for, T_KEEPS);
	t_add(a_region_that_was_cut_can_be_opened_from_a_copy, T_KEEPS);
	t_add(a_child_lives_on_as_its_parent_does, T_KEEPS);
	return t_end();
}
