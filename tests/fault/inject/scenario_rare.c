/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scenario_rare.c: what needs a medium, a kernel or an amount that other
 * scenarios do not have, while calls fail.
 */
#include "inject.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Commits, and calls of msync() in one, up to the point that is wanted. */
#define WRAPS_AFTER 10
#define SPILL_SYNCS 4

static bool made(bool after)
{
	(void)after;
	return a_is_as_made();
}

/* --- kernels and files --- */

static int create_a(void)
{
	PmWrapperConfig c = config_new("a");

	c.flags &= ~PM_EXCL;
	return pm_init(c);
}

static bool empty_a(bool after)
{
	(void)after;
	return objects_in(PM_PRIMARY) == 0 && pm_root(0) == NULL;
}

static void make_no_bytes(void)
{
	int fd = open(path_of("a"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	NEED(fd >= 0 && close(fd) == 0);
}

/* It is there and empty still, if that is how it ended. */
static void open_or_create_a(void)
{
	NEED(create_a() == 0);
}

static int init_a(void)
{
	return pm_init(config_old("a", 0));
}

/* --- a backend that a program brings --- */

static bool shows_its_file;

static int own_map(PmMedium *m)
{
	int fd = open(m->path, O_RDWR | O_CLOEXEC);
	struct stat st;

	m->fd = -1;
	m->created = 0;
	if (fd < 0)
		return -1;
	if (fstat(fd, &st)) {
		close(fd);
		errno = EIO;
		return -1;
	}
	m->size = m->max_size = (uint64_t)st.st_size;
	m->base = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		       0);
	m->priv = NULL;
	m->fd = shows_its_file ? fd : -1;
	if (!shows_its_file)
		close(fd);
	if (m->base != MAP_FAILED)
		return 0;
	m->base = NULL;
	if (shows_its_file)
		close(fd);
	m->fd = -1;
	return -1;
}

static int own_grow(PmMedium *m, uint64_t size)
{
	(void)m;
	(void)size;
	errno = ENOMEM;
	return -1;
}

static int init_a_by_own_backend(void)
{
	static PmBackend own;
	PmWrapperConfig c = config_old("a", PM_RDONLY);

	own = *pm_backend("shm");
	own.name = "own";
	own.traits |= PM_BACKEND_NO_FILE;
	own.map = own_map;
	own.grow = own_grow;
	own.reserve = NULL;
	c.backend_name = NULL;
	c.backend = &own;
	return pm_init(c);
}

static void show_file(void)
{
	shows_its_file = true;
}

/* --- regions --- */

static int scratch_and_grow(void)
{
	if (pm_init(config_old("a", PM_SCRATCH)))
		return -1;
	if (pm_alloc(3 * MIB))
		return 0;
	(void)!pm_close();
	errno = ENOMEM;
	return -1;
}

static bool made_or_grown(bool after)
{
	uint64_t n = objects_in(PM_PRIMARY);

	(void)after;
	return n == 4 || n == 5;
}

/* b has pointers to c, of which the primary has never heard. */
static void make_pins(void)
{
	struct root *b;
	int c;

	make_ab();
	c = pm_init_sec(config_new("c"));
	NEED(c > 0);
	b = root_b();
	NEED(PM_SET(b->obj[7], pm_root_in(c, 64)));
	NEED(PM_SET(b->obj[7], NULL));
	NEED(pm_close() == 0);
	second = 0;
	NEED(unlink(path_of("a")) == 0);
	make_a();
}

static int init_b(void)
{
	second = pm_init_sec(config_old("b", 0));
	if (second > 0)
		return 0;
	second = 0;
	return -1;
}

static bool made_ab(bool after)
{
	(void)after;
	return a_is_as_made() && (!second || b_is_as_made());
}

static void make_run(void)
{
	make_a();
	NEED(pm_alloc(500 * KIB));
}

static bool has_run(bool after)
{
	(void)after;
	return objects_in(PM_PRIMARY) == 5;
}

static int free_run(void)
{
	void *p = pm_first(PM_PRIMARY, 0);

	while (p && pm_usable_size(p) < 500 * KIB)
		p = pm_next(p);
	errno = 0;
	pm_free(p);
	return errno ? -1 : 0;
}

static bool freed_run(bool after)
{
	return objects_in(PM_PRIMARY) == (after ? 4 : 5);
}

/* The log is left with an entry that its lane's end cuts in two. */
static void make_wrapped(void)
{
	unsigned char *p;
	unsigned i;

	make_a();
	p = root_a()->obj[2];
	for (i = 0; i < WRAPS_AFTER; i++)
		NEED(pm_write(p, p, 1500));
}

/* It dies before the log of a spill is retired. */
static void make_spilled(void)
{
	struct root *r;

	make_a();
	r = root_a();
	fault_kill_at("msync", SPILL_SYNCS);
	TX_START {
		TX_ADD_RANGE(r->obj[2], 40 * KIB);
		memset(r->obj[2], 23, 40 * KIB);
	} TX_END
	die("outlives a spill");
}

static bool spilled(bool after)
{
	(void)after;
	return bytes_are(root_a()->obj[2], 23, 40 * KIB);
}

/* --- transactions --- */

/* The array of operations is full when the root's old object is freed, or
 * when the new one is to be recorded. */
static int root_after(unsigned n)
{
	struct root *r = root_a();
	unsigned i;

	TX_START {
		for (i = 0; i < n; i++)
			TX_SET(r->cell[i], i + 1);
		if (!pm_root(sizeof(*r) + 5000))
			TX_ABORT(errno);
	} TX_END
	errno = pm_tx_errno();
	return errno ? -1 : 0;
}

static int root_after_14(void)
{
	return root_after(14);
}

static int root_after_15(void)
{
	return root_after(15);
}

/* A program that stores whatever pm_tx_add() says. */
static int store_regardless(void)
{
	struct root *r = root_a();
	unsigned i;

	TX_START {
		for (i = 0; i < 100; i++) {
			(void)!pm_tx_add(r->obj[2] + 256 * i, 8);
			memset(r->obj[2] + 256 * i, 9, 8);
		}
	} TX_END
	errno = pm_tx_errno();
	return errno ? -1 : 0;
}

static bool stored(bool after)
{
	struct root *r = root_a();
	unsigned i;

	if (!after)
		return a_is_as_made();
	for (i = 0; i < 100; i++)
		if (!bytes_are(r->obj[2] + 256 * i, 9, 8) ||
		    !bytes_are(r->obj[2] + 256 * i + 8, 3, 248))
			return false;
	return true;
}

static PmWrapperConfig config_wide_lanes(const char *name)
{
	PmWrapperConfig c = config_new(name);

	c.lane_size = 64 * KIB;
	return c;
}

static void make_wide_lanes(void)
{
	unsigned i;

	for (i = 0; i < 2; i++) {
		int n = i ? pm_init_sec(config_wide_lanes("b"))
			  : pm_init(config_wide_lanes("a")) ? -1 : PM_PRIMARY;

		NEED(n > 0);
		NEED(pm_root_in(n, sizeof(struct root) + 8 * KIB));
	}
}

/* So much that the names of the other regions find no room in the first
 * buffer, after bytes that just did. */
static int fill_buffer(size_t n)
{
	unsigned char *a = pm_root(0), *b = pm_root_in(second, 0);

	TX_START {
		TX_ADD_RANGE(a, n);
		memset(a, 9, n);
		TX_ADD_RANGE(b, n);
		memset(b, 9, n);
	} TX_END
	errno = pm_tx_errno();
	return errno ? -1 : 0;
}

static int fill_first_buffer(void)
{
	return fill_buffer(3900);
}

static int fill_second_buffer(void)
{
	return fill_buffer(5000);
}

static bool filled(size_t n, bool after)
{
	unsigned char *a = pm_root(0), *b = second ? pm_root_in(second, 0) : a;
	int v = after ? 9 : 0;

	return bytes_are(a, v, n) && bytes_are(b, v, n);
}

static bool filled_first(bool after)
{
	return filled(3900, after);
}

static bool filled_second(bool after)
{
	return filled(5000, after);
}

static int wait_in_vain(void)
{
	pm_mutex *m = (pm_mutex *)&root_a()->cell[40];
	pm_cond *c = (pm_cond *)&root_a()->cell[41];
	struct timespec past = {0, 0};
	int r = pm_mutex_lock(m), wait;

	if (r == 0) {
		wait = pm_cond_timedwait(c, m, &past);
		r = pm_mutex_unlock(m);
		if (r == 0 && wait != ETIMEDOUT)
			r = wait;
	}
	errno = r;
	return r ? -1 : 0;
}

#define OPENING(text, be, prep, set, op, is, re, fl)			\
	{ text, be, prep, set, op, is, re, SC_OPENS | (fl), 0 }
#define ONE(text, prep, set, op, is, re, fl)				\
	{ text, "file", prep, set, op, is, re, SC_COLD | (fl), 0 }

static const struct scenario table[] = {
	OPENING("create where no file is nameless", "file", NULL,
		fault_hide_tmpfile, create_a, empty_a, open_a, 0),
	OPENING("create in an empty file", "file", make_no_bytes, NULL,
		create_a, empty_a, open_or_create_a, 0),
	OPENING("open without /proc", "file", make_a, fault_hide_proc, init_a,
		made, open_a, 0),
	OPENING("open by a program's backend", "file", make_a, NULL,
		init_a_by_own_backend, made, open_a, 0),
	OPENING("open by a program's backend with a file", "file", make_a,
		show_file, init_a_by_own_backend, made, open_a, 0),
	{ "open scratch and grow", "file", make_a, NULL, scratch_and_grow,
	  made_or_grown, open_a, SC_OPENS, ENOMEM },
	OPENING("open a secondary with strange pointers", "file", make_pins,
		open_a, init_b, made_ab, open_ab, 0),
	OPENING("open a pool with a run", "file", make_run, NULL, init_a,
		has_run, open_a, 0),
	OPENING("recover an entry that wraps", "file", make_wrapped, NULL,
		init_a, made, open_a, SC_CRASHED),
	OPENING("recover a spill", "file", make_spilled, NULL, init_a, spilled,
		open_a, SC_CRASHED),
	ONE("free a run", make_run, open_a, free_run, freed_run, open_a, 0),
	ONE("root after 14 operations", make_a, open_a, root_after_14, made,
	    open_a, 0),
	ONE("root after 15 operations", make_a, open_a, root_after_15, made,
	    open_a, 0),
	ONE("more ranges than can be restored", make_a, open_a,
	    store_regardless, stored, open_a, SC_UNDO),
	ONE("over two regions, a full buffer", make_wide_lanes, open_ab,
	    fill_first_buffer, filled_first, open_ab, 0),
	ONE("over two regions, a larger buffer", make_wide_lanes, open_ab,
	    fill_second_buffer, filled_second, open_ab, 0),
	ONE("wait for a condition", make_a, open_a, wait_in_vain, made, open_a,
	    0),
};

const struct suite suite_rare = { table, sizeof(table) / sizeof(*table) };
