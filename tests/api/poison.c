/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * poison.c: a sync that fails poisons its region until it is reopened.
 *
 * The backend is the one under test with a fence that fails on demand. Other
 * backends that a program brings are here too.
 */
#include "support.h"

#include <fcntl.h>
#include <pmheap/backend.h>
#include <sys/mman.h>

static PmBackend failing, healthy;
static const PmBackend *real;
static volatile int fail;

static int fence_that_fails(PmMedium *m)
{
	if (fail) {
		errno = EIO;
		return -1;
	}
	return real->fence(m);
}

static int grow_that_fails(PmMedium *m, uint64_t size)
{
	if (fail) {
		errno = fail;
		return -1;
	}
	return real->grow(m, size);
}

static void make_backends(void)
{
	real = pm_backend(t_backend());
	ck_assert_ptr_nonnull(real);
	failing = *real;
	healthy = *real;
	failing.name = "failing";
	failing.fence = fence_that_fails;
	failing.grow = grow_that_fails;
	/* One fence must not stand for the media of both. */
	failing.traits &= ~PM_BACKEND_CPU_FENCE;
	fail = 0;
}

static PmWrapperConfig config(const char *name, const PmBackend *backend)
{
	PmWrapperConfig c = t_config(name);

	c.backend_name = NULL;
	c.backend = backend;
	return c;
}

struct root {
	uint64_t cell[8];
};

static struct root *start(void)
{
	struct root *r;

	make_backends();
	t_ok(pm_init(config("p", &failing)));
	ck_assert_str_eq(t_stats(PM_PRIMARY).backend, "failing");
	r = pm_root(sizeof *r);
	t_given(r);
	t_given(PM_SET(r->cell[0], 1));
	return r;
}

START_TEST(a_failed_sync_is_reported_and_poisons)
{
	struct root *r = start();
	PmStats s;

	fail = 1;
	TX_START {
		TX_SET(r->cell[1], 1);
	} TX_ONCOMMIT {
		ck_abort_msg("committed");
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), EIO);
	t_assert_message("p");
	s = t_stats(PM_PRIMARY);
	ck_assert_uint_eq(s.poisoned, 1);
	fail = 0;
	/* Not retried: the region stays poisoned. */
	t_null(PM_SET(r->cell[2], 1), EIO);
	t_null(pm_alloc(10), EIO);
	t_refused(pm_flush(), EIO);
	t_refused(pm_close(), EIO);
}
END_TEST

START_TEST(other_regions_go_on)
{
	struct root *r = start(), *q;
	int a = pm_init_sec(config("a", &healthy));

	ck_assert_msg(a > 1, "%s", pm_errormsg());
	q = pm_root_in(a, sizeof *q);
	t_given(q);
	fail = 1;
	t_null(PM_SET(r->cell[1], 1), EIO);
	fail = 0;
	t_given(PM_SET(q->cell[1], 1));
	t_given(pm_alloc_in(a, 100));
	TX_START {
		TX_SET(q->cell[2], 2);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
	TX_START {
		TX_SET(q->cell[3], 2);
		TX_SET(r->cell[3], 2);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), EIO);
	ck_assert_uint_eq(q->cell[3], 0);
	ck_assert_uint_eq(t_stats(a).poisoned, 0);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).poisoned, 1);
}
END_TEST

START_TEST(the_other_participant_of_a_failed_transaction_goes_on)
{
	struct root *r = start(), *q;
	int a = pm_init_sec(config("a", &healthy));
	char *big = NULL;

	ck_assert_msg(a > 1, "%s", pm_errormsg());
	q = pm_root_in(a, sizeof *q);
	t_given(q);
	fail = 1;
	TX_START {
		TX_SET(q->cell[3], 2);
		TX_SET(r->cell[3], 2);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), EIO);
	fail = 0;
	ck_assert_uint_eq(q->cell[3], 0);
	ck_assert_uint_eq(t_stats(a).poisoned, 0);
	/* Its contents are written directly, which waits until no entry is
	 * being written: the one that was wiped is not. */
	TX_START {
		t_given(big = pm_alloc_in(a, 100 * KIB));
		memset(big, 7, 100 * KIB);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
	t_bytes(big, 100 * KIB, 7);
}
END_TEST

START_TEST(a_poisoned_region_works_after_it_is_reopened)
{
	struct root *r = start();

	fail = 1;
	t_null(PM_SET(r->cell[1], 1), EIO);
	fail = 0;
	t_refused(pm_close(), EIO);
	t_ok(pm_init(config("p", &failing)));
	r = pm_root(0);
	t_given(r);
	ck_assert_uint_eq(r->cell[0], 1);
	t_given(PM_SET(r->cell[2], 2));
	t_ok(pm_close());
}
END_TEST

START_TEST(a_poisoned_secondary_is_closed_all_the_same)
{
	struct root *q;
	int a;

	make_backends();
	t_ok(pm_init(config("p", &healthy)));
	a = pm_init_sec(config("a", &failing));
	ck_assert_msg(a > 1, "%s", pm_errormsg());
	q = pm_root_in(a, sizeof *q);
	t_given(q);
	fail = 1;
	t_null(pm_alloc_in(a, 100), EIO);
	t_refused(pm_close_sec(a), EIO);
	fail = 0;
	ck_assert_int_eq(pm_region_of(q), 0);
	t_given(pm_root(64));
	a = pm_init_sec(config("a", &failing));
	ck_assert_msg(a > 1, "%s", pm_errormsg());
	t_ok(pm_close());
}
END_TEST

START_TEST(a_failed_manual_flush_is_reported)
{
	PmWrapperConfig c;
	struct root *r;

	make_backends();
	c = config("p", &failing);
	c.flags |= PM_FLUSH_MANUAL;
	t_ok(pm_init(c));
	r = pm_root(sizeof *r);
	t_given(r);
	t_ok(pm_flush());
	t_given(PM_SET(r->cell[0], 1));
	fail = 1;
	t_refused(pm_flush(), EIO);
	fail = 0;
	t_refused(pm_flush(), EIO);
}
END_TEST

START_TEST(a_sync_that_fails_while_growing_poisons)
{
	PmWrapperConfig c;

	make_backends();
	c = config("p", &failing);
	c.size = 1 * MIB;
	c.max_size = 16 * MIB;
	t_ok(pm_init(c));
	/* A full disk is no failed sync. */
	fail = ENOSPC;
	t_null(pm_alloc(2 * MIB), ENOSPC);
	fail = 0;
	t_given(pm_alloc(2 * MIB));
	fail = EIO;
	t_null(pm_alloc(8 * MIB), EIO);
	fail = 0;
	t_null(pm_alloc(10), EIO);
	t_refused(pm_close(), EIO);
}
END_TEST

START_TEST(a_backend_of_another_abi_is_refused)
{
	PmWrapperConfig c;

	make_backends();
	failing.abi = PM_BACKEND_ABI + 1;
	c = config("p", &failing);
	t_refused(pm_init(c), EINVAL);
}
END_TEST

/* A medium that is new, and has a size of its own. */
static int map_a_mebibyte(PmMedium *m)
{
	m->size = m->max_size = MIB;
	return pm_backend("volatile")->map(m);
}

START_TEST(a_new_medium_of_a_backend_needs_a_size)
{
	PmWrapperConfig c = { .path = ".", .backend = &healthy,
			      .flags = PM_CREATE };

	healthy = *pm_backend("volatile");
	healthy.map = map_a_mebibyte;
	t_refused(pm_init(c), EINVAL);
	t_assert_message("no size");
	c.size = MIB;
	t_ok(pm_init(c));
}
END_TEST

/* The disk is full from here on: an offset, 0: it is not. */
static uint64_t full_from;

static int reserve_until_full(PmMedium *m, uint64_t off, uint64_t n)
{
	(void)m;
	if (full_from == 0 || off + n <= full_from)
		return 0;
	errno = ENOSPC;
	return -1;
}

#define HUGE (66 * MIB)		/* gets its room when bytes are committed */

/* A huge object whose room is found to be missing by a commit. */
START_TEST(a_disk_that_is_full_at_the_commit_rolls_it_back)
{
	PmWrapperConfig c = t_config_of("p", 256 * MIB, 0);
	char *p, *q;

	make_backends();
	healthy.reserve = reserve_until_full;
	c.backend_name = NULL;
	c.backend = &healthy;
	t_ok(pm_init(c));
	t_given(pm_root(64));
	full_from = 32 * MIB;
	p = pm_alloc(HUGE);
	t_given(p);
	t_null(pm_fill(p, 'x', HUGE), ENOSPC);
	t_null(pm_write(p + HUGE - 10, "some bytes", 10), ENOSPC);
	TX_START {
		q = pm_alloc(HUGE);
		t_given(q);
		memset(q, 'q', HUGE);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), ENOSPC);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 2);
	/* Now it is the log of so many bytes that finds no room. */
	full_from = 100 * MIB;
	TX_START {
		TX_ADD_RANGE(p, HUGE);
		memset(p, 'p', HUGE);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), ENOSPC);
	t_bytes(p, HUGE, 0);
	full_from = 0;
	/* What was taken for the log has been given back. */
	q = pm_alloc(170 * MIB);
	t_given(q);
	pm_free(q);
	t_given(pm_fill(p, 'x', HUGE));
	t_bytes(p, HUGE, 'x');
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 2);
}
END_TEST

/* A medium that only the program knows; it keeps what is on it. */
static int map_unnamed(PmMedium *m)
{
	int fd = open(t_path("unnamed"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	m->created = lseek(fd, 0, SEEK_END) == 0;
	m->size = m->max_size = MIB;
	ck_assert_int_eq(ftruncate(fd, MIB), 0);
	m->base = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(m->base, MAP_FAILED);
	close(fd);
	return 0;
}

static PmWrapperConfig config_unnamed(void)
{
	PmWrapperConfig c = { .size = MIB, .backend = &healthy };

	healthy = *pm_backend("shm");
	healthy.name = "unnamed";
	healthy.traits |= PM_BACKEND_NO_FILE;
	healthy.map = map_unnamed;
	healthy.reserve = NULL;
	return c;
}

static void change_both(void *arg)
{
	uint64_t *mine, *its;

	(void)arg;
	t_ok(pm_init(config_unnamed()));
	mine = pm_root(64);
	t_given(mine);
	its = pm_root_in(t_init_sec("s"), 64);
	t_given(its);
	TX_START {
		TX_SET(mine[0], 7);
		TX_SET(its[0], 7);
	} TX_END
	ck_assert_msg(pm_tx_errno() == 0, "%s", pm_errormsg());
}

START_TEST(a_region_without_a_path_asks_another_by_its)
{
	uint64_t *mine;

	t_crash(change_both, NULL);
	t_ok(pm_init(config_unnamed()));
	mine = pm_root(0);
	t_given(mine);
	ck_assert_uint_eq(mine[0], 7);
}
END_TEST

/* Its last page is lost, and touched; the region is poisoned by that. */
static void lose_page(const char *name, const char *last)
{
	ck_assert_int_eq(truncate(t_path(name), 2 * MIB), 0);
	ck_assert_int_eq(*last, 0);
}

/* The mark is seen by the commit, though nothing has failed since. */
START_TEST(a_region_lost_in_a_transaction_fails_its_commit)
{
	const char *name[3] = { "p", "a", "b" };
	uint64_t *root[3];
	char *big[3];
	int i, lost = 1 + _i, number[3] = { PM_PRIMARY };

	for (i = 0; i < 3; i++) {
		PmWrapperConfig c = t_config(name[i]);

		c.flags |= PM_CATCH_SIGBUS;
		if (i > 0)
			number[i] = pm_init_sec(c);
		else
			t_ok(pm_init(c));
		ck_assert_msg(number[i] > 0, "%s", pm_errormsg());
		root[i] = pm_root_in(number[i], 64);
		big[i] = pm_alloc_in(number[i], 4 * MIB);
		t_given(root[i]);
		t_given(big[i]);
	}
	TX_START {
		for (i = 0; i < 3; i++)
			TX_SET(root[i][2], 5);
		lose_page(name[lost], big[lost] + 4 * MIB - 1);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), EIO);
	ck_assert_uint_eq(root[0][2], 0);
	ck_assert_uint_eq(root[3 - lost][2], 0);
	t_given(PM_SET(root[0][2], 6));
	t_refused(pm_close_sec(number[lost]), EIO);
	t_ok(pm_close());
}
END_TEST

int main(void)
{
	t_begin("poison");
	t_add(a_failed_sync_is_reported_and_poisons, T_KEEPS);
	t_add(other_regions_go_on, T_KEEPS);
	t_add(the_other_participant_of_a_failed_transaction_goes_on, T_ANY);
	t_add(a_poisoned_region_works_after_it_is_reopened, T_KEEPS);
	t_add(a_poisoned_secondary_is_closed_all_the_same, T_KEEPS);
	t_add(a_failed_manual_flush_is_reported, T_KEEPS);
	t_add(a_sync_that_fails_while_growing_poisons, T_KEEPS);
	t_add(a_backend_of_another_abi_is_refused, T_ANY);
	t_add(a_new_medium_of_a_backend_needs_a_size, T_ANY);
	t_add(a_disk_that_is_full_at_the_commit_rolls_it_back, T_KEEPS);
	t_add(a_region_without_a_path_asks_another_by_its, T_KEEPS);
	t_add_each(a_region_lost_in_a_transaction_fails_its_commit, T_KEEPS, 2);
	return t_end();
}
