/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * phases.c: the operations that points.c cuts the power in.
 *
 * Every pool has a root whose state is 1 before the operation and 2 after it,
 * and the rest of the pool must fit the state that is found.
 */
#include "points.h"

#include <pmheap.h>

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define CELLS	64
#define MIB	((size_t)1 << 20)
#define SMALL	200
#define LARGE	(3 * MIB)	/* larger than the pool, so it grows  */
#define WIDE	(300u << 10)	/* more than a lane holds             */

struct root {
	uint64_t state;
	uint64_t cell[CELLS];
	unsigned char *small, *large, *wide;
};

static int second;		/* number of the second region */

static PmWrapperConfig config_of(const char *path, const char *end)
{
	static char name[2][256];
	char *to = name[*end == 'b'];

	(void)snprintf(to, sizeof(name[0]), "%s.%s", path, end);
	return (PmWrapperConfig){ .path = to, .layout = "points",
				  .max_size = 16 * MIB };
}

static void create(const char *path)
{
	PmWrapperConfig c = config_of(path, "a");

	c.flags = PM_CREATE;
	c.size = MIB;
	must(pm_init(c) == 0);
}

/* The second region, when the first is open. */
static struct root *open_second(const char *path, unsigned flags)
{
	PmWrapperConfig c = config_of(path, "b");
	struct root *r;

	c.flags = flags;
	c.size = flags ? MIB : 0;
	second = pm_init_sec(c);
	must(second > PM_PRIMARY);
	r = pm_root_in(second, sizeof(*r));
	must(r);
	return r;
}

static void set_state(struct root *r, uint64_t state)
{
	size_t i;

	TX_SET(r->state, state);
	for (i = 0; i < CELLS; i++)
		TX_SET(r->cell[i], state);
}

static unsigned char *filled(size_t len, int value)
{
	unsigned char *p = pm_alloc(len);

	must(p);
	return memset(p, value, len);
}

static void check_filled(const unsigned char *p, size_t len, uint64_t value)
{
	size_t i;

	if (pm_usable_size(p) < len)
		broken("an object of %zu bytes is gone", len);
	for (i = 0; i < len; i++)
		if (p[i] != value)
			broken("byte %zu of %zu is %d", i, len, p[i]);
}

static struct root *the_root(void)
{
	struct root *r = pm_root(sizeof(*r));

	must(r);
	return r;
}

static void prepare_pool(const char *path)
{
	struct root *r;

	create(path);
	r = the_root();
	TX_START {
		set_state(r, 1);
		TX_SET(r->small, filled(SMALL, 1));
		TX_SET(r->wide, filled(WIDE, 1));
	} TX_END
	must(pm_tx_errno() == 0);
}

static void prepare_nothing(const char *path)
{
	(void)path;
}

static void make_root(const char *path)
{
	(void)path;
	(void)the_root();
}

static void change(const char *path)
{
	struct root *r = the_root();

	(void)path;
	TX_START {
		set_state(r, 2);
		TX_ADD(&r->small);
		pm_free(r->small);
		r->small = filled(SMALL, 2);
	} TX_END
	must(pm_tx_errno() == 0);
}

static void change_wide(const char *path)
{
	struct root *r = the_root();

	(void)path;
	TX_START {
		set_state(r, 2);
		must(TX_MEMSET(r->wide, 2, WIDE));
		TX_MEMSET(r->small, 2, SMALL);
	} TX_END
	must(pm_tx_errno() == 0);
}

static void add_large(const char *path)
{
	struct root *r = the_root();

	(void)path;
	TX_START {
		set_state(r, 2);
		TX_SET(r->large, filled(LARGE, 2));
		TX_MEMSET(r->small, 2, SMALL);
	} TX_END
	must(pm_tx_errno() == 0);
}

static void prepare_changed(const char *path)
{
	prepare_pool(path);
	change(path);
}

static void close_all(const char *path)
{
	(void)path;
	must(pm_close() == 0);
}

static void prepare_two(const char *path)
{
	struct root *b;

	prepare_pool(path);
	b = open_second(path, PM_CREATE);
	TX_START {
		set_state(b, 1);
	} TX_END
	must(pm_tx_errno() == 0);
}

static void change_two(const char *path)
{
	struct root *a = the_root(), *b = pm_root_in(second, sizeof(*b));

	(void)path;
	must(b);
	TX_START {
		set_state(a, 2);
		set_state(b, 2);
		TX_MEMSET(a->small, 2, SMALL);
	} TX_END
	must(pm_tx_errno() == 0);
}

/* Runs it in a process that is killed then: what it logged is pending. */
static void killed_after(void (*prepare)(const char *),
			 void (*operate)(const char *), const char *path)
{
	pid_t pid = fork();
	int status;

	must(pid >= 0);
	if (pid == 0) {
		prepare(path);
		operate(path);
		raise(SIGKILL);
	}
	must(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
}

static void prepare_pending(const char *path)
{
	killed_after(prepare_pool, change, path);
}

static void prepare_two_pending(const char *path)
{
	killed_after(prepare_two, change_two, path);
}

static void open_one(const char *path)
{
	must(pm_init(config_of(path, "a")) == 0);
}

static void open_two(const char *path)
{
	open_one(path);
	(void)open_second(path, 0);
}

static bool exists(const char *path)
{
	return access(config_of(path, "a").path, F_OK) == 0;
}

/* A cut in the midst of writing a header leaves that copy torn: no damage. */
static void check_closed(const char *path, const char *end, bool clean)
{
	PmCheckReport c;

	must(pm_check(config_of(path, end).path, 0, &c) == 0);
	if (c.status == PM_CHECK_DAMAGED ||
	    (clean && c.status != PM_CHECK_CLEAN))
		broken("%s: status %d: %s", config_of(path, end).path,
		       c.status, c.message);
}

/* The pool works on, and is closed and clean then. */
static void works_on(const char *path)
{
	struct root *r;

	r = the_root();
	TX_START {
		set_state(r, 3);
		must(filled(5000, 3));
	} TX_END
	must(pm_tx_errno() == 0);
	must(pm_close() == 0);
	check_closed(path, "a", true);
}

/* All cells say what the state says; that is returned. */
static bool whole(const struct root *r)
{
	size_t i;

	if (r->state != 1 && r->state != 2)
		broken("the state is %" PRIu64, r->state);
	for (i = 0; i < CELLS; i++)
		if (r->cell[i] != r->state)
			broken("cell %zu is %" PRIu64 " in state %" PRIu64, i,
			       r->cell[i], r->state);
	return r->state == 2;
}

static void check_objects(uint64_t n)
{
	PmStats s;

	must(pm_stats(PM_PRIMARY, &s) == 0);
	if (s.objects != n || strcmp(s.survives, "power"))
		broken("%" PRIu64 " objects, not %" PRIu64 " on %s", s.objects,
		       n, s.backend);
}

/* wide: value of the wide object if the change is there. */
static bool found_pool(const char *path, uint64_t wide, bool large)
{
	struct root *r;
	bool after;

	check_closed(path, "a", false);
	open_one(path);
	r = the_root();
	after = whole(r);
	check_filled(r->small, SMALL, r->state);
	check_filled(r->wide, WIDE, after ? wide : 1);
	if (!r->large != !(after && large))
		broken("the large object does not fit the state");
	if (r->large)
		check_filled(r->large, LARGE, 2);
	check_objects(3 + (after && large));
	works_on(path);
	return after;
}

static bool found_change(const char *path)
{
	return found_pool(path, 1, false);
}

static bool found_wide(const char *path)
{
	return found_pool(path, 2, false);
}

static bool found_large(const char *path)
{
	return found_pool(path, 1, true);
}

static bool found_two(const char *path)
{
	struct root *a, *b;
	bool after;

	open_one(path);
	a = the_root();
	b = open_second(path, 0);
	after = whole(a);
	if (whole(b) != after)
		broken("one region has the change, the other has not");
	check_filled(a->small, SMALL, a->state);
	check_objects(3);
	works_on(path);
	check_closed(path, "b", true);
	return after;
}

/* A file that has its name is a pool. */
static bool found_file(const char *path)
{
	if (!exists(path))
		return false;
	check_closed(path, "a", false);
	open_one(path);
	check_objects(0);
	works_on(path);
	return true;
}

static bool found_root(const char *path)
{
	struct root *r;
	bool after;

	check_closed(path, "a", false);
	open_one(path);
	r = pm_root(0);
	after = r != NULL;
	must(after || errno == ENOENT);
	check_objects(after);
	works_on(path);
	return after;
}

const struct phase phases[] = {
	{ "create", prepare_nothing, create, found_file },
	{ "root", create, make_root, found_root },
	{ "commit", prepare_pool, change, found_change },
	{ "spill", prepare_pool, change_wide, found_wide },
	{ "grow", prepare_pool, add_large, found_large },
	{ "two-regions", prepare_two, change_two, found_two },
	{ "close", prepare_changed, close_all, found_change },
	{ "recover", prepare_pending, open_one, found_change },
	{ "recover-two", prepare_two_pending, open_two, found_two },
};
const size_t phase_n = sizeof(phases) / sizeof(*phases);
