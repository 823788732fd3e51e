/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * load.c: commits transactions with known contents until the power is cut, and
 * finds out after the cut what is there.
 *
 *	load POOL BACKEND		check, then commit for ever
 *	load POOL BACKEND check		check, go on for a while, close, check
 *
 * Two workers have cells, a list, small objects and large ones of their own.
 * What commit n does follows from n alone, so the whole contents follow from
 * the number that a worker's last commit left. The large objects make the pool
 * grow all the while. Every few commits a line "C worker n" tells the console
 * that commit n has returned: it must be there after the cut.
 */
#include <pmheap.h>

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORKERS	2
#define CELLS	32
#define SLOTS	24
#define LIST	200		/* nodes that a list is long             */
#define BIGS	1024		/* large objects of a worker at the most */
#define BIG_LEN	40000
#define BIG_EACH 8		/* one in so many commits has one        */
#define TOLD	8		/* commits from one line to the next     */
#define MIB	((size_t)1 << 20)

struct node {
	struct node *next;
	uint64_t n;
};

struct worker {
	uint64_t n;
	uint64_t cell[CELLS];
	unsigned char *slot[SLOTS];
	struct node *oldest, *newest;
	unsigned char **big;	/* BIGS of them */
};

struct root {
	struct worker worker[WORKERS];
};

/* What the cells and slots are after n commits. */
struct model {
	uint64_t cell[CELLS];
	uint64_t slot[SLOTS];	/* commit that filled it, 0: none */
};

/* What commit n does. */
struct plan {
	uint64_t cell, slot, len, add;
};

static struct root *root;

__attribute__((format(printf, 1, 2), noreturn))
static void broken(const char *format, ...)
{
	va_list ap;

	fflush(stdout);
	printf("LOAD BROKEN ");
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

#define must(x) ((x) ? (void)0 : broken("%s: %s (%s)", #x, pm_errormsg(), \
					strerror(errno)))

static struct plan plan_of(unsigned me, uint64_t n)
{
	uint64_t x = (n << 1 | me) * 0x9e3779b97f4a7c15u;
	struct plan p;

	x ^= x >> 31;
	x *= 0xbf58476d1ce4e5b9u;
	x ^= x >> 29;
	p.add = x;
	p.cell = x % CELLS;
	p.slot = (x >> 16) % SLOTS;
	p.len = 1 + (x >> 32) % 600;
	return p;
}

static void *filled(size_t len, uint64_t n)
{
	unsigned char *p = pm_alloc(len);

	if (p)
		memset(p, (int)(n & 255), len);
	return p;
}

static void change_list(struct worker *w, uint64_t n)
{
	struct node *new = PM_NEW(struct node), *old = w->oldest;

	must(new);
	*new = (struct node){ NULL, n };
	if (w->newest)
		TX_SET(w->newest->next, new);
	else
		TX_SET(w->oldest, new);
	TX_SET(w->newest, new);
	if (n > LIST) {
		TX_SET(w->oldest, old->next);
		pm_free(old);
	}
}

static void change_big(struct worker *w, uint64_t n)
{
	unsigned char **big = &w->big[n / BIG_EACH % BIGS];

	pm_free(*big);
	TX_SET(*big, filled(BIG_LEN, n));
	must(*big);
}

static void commit(unsigned me, uint64_t n)
{
	struct worker *w = &root->worker[me];
	struct plan p = plan_of(me, n);

	TX_START {
		TX_SET(w->cell[p.cell], w->cell[p.cell] + p.add);
		pm_free(w->slot[p.slot]);
		TX_SET(w->slot[p.slot], filled(p.len, n));
		must(w->slot[p.slot]);
		change_list(w, n);
		if (n % BIG_EACH == 0)
			change_big(w, n);
		if (n % 7 == 0) {
			TX_START {
				TX_SET(w->cell[0], ~n);
				must(pm_alloc(100));
				TX_ABORT(1);
			} TX_END
		}
		TX_SET(w->n, n);
	} TX_END
	must(pm_tx_errno() == 0);
}

static void tell(unsigned me, uint64_t n)
{
	char line[48];
	int len = snprintf(line, sizeof(line), "C %u %" PRIu64 "\n", me, n);

	if (write(1, line, (size_t)len) != len)
		broken("the console is gone");
}

/* Commits until it has made that many; 0: for ever. */
static void go_on(unsigned me, uint64_t many)
{
	uint64_t n = root->worker[me].n, last = n + many;

	while (many == 0 || n < last) {
		commit(me, ++n);
		if (n % TOLD == 0)
			tell(me, n);
	}
}

static void *second(void *arg)
{
	go_on(1, *(uint64_t *)arg);
	return NULL;
}

static void work(uint64_t many)
{
	pthread_t thread;

	must(pthread_create(&thread, NULL, second, &many) == 0);
	go_on(0, many);
	pthread_join(thread, NULL);
}

static void check_bytes(const unsigned char *p, size_t len, uint64_t n,
			const char *what)
{
	size_t i;

	if (pm_usable_size(p) < len)
		broken("%s of commit %" PRIu64 " is no object", what, n);
	for (i = 0; i < len; i++)
		if (p[i] != (n & 255))
			broken("%s of commit %" PRIu64 ": byte %zu is %d", what,
			       n, i, p[i]);
}

static uint64_t check_list(const struct worker *w)
{
	const struct node *x = w->oldest, *last = NULL;
	uint64_t n = w->n > LIST ? w->n - LIST + 1 : 1, objects = 0;

	for (; x; last = x, x = x->next, n++, objects++)
		if (x->n != n)
			broken("a node has %" PRIu64 ", not %" PRIu64, x->n, n);
	if (n != w->n + 1 || last != w->newest)
		broken("the list ends with %" PRIu64 " of %" PRIu64, n - 1,
		       w->n);
	return objects;
}

static uint64_t check_bigs(const struct worker *w)
{
	uint64_t i, objects = 1, newest = w->n / BIG_EACH;

	for (i = 0; i < BIGS; i++) {
		/* The newest b <= newest that is i modulo BIGS, from 1 on. */
		uint64_t b = newest - (newest - i) % BIGS;

		if (b == 0 || b > newest) {
			if (w->big[i])
				broken("a large object is there too early");
			continue;
		}
		check_bytes(w->big[i], BIG_LEN, b * BIG_EACH, "large object");
		objects++;
	}
	return objects;
}

/* Compares all of a worker's contents; returns how many objects they are. */
static uint64_t check_worker(unsigned me)
{
	const struct worker *w = &root->worker[me];
	uint64_t n, objects = 0;
	struct model m = { { 0 }, { 0 } };
	size_t i;

	for (n = 1; n <= w->n; n++) {
		struct plan p = plan_of(me, n);

		m.cell[p.cell] += p.add;
		m.slot[p.slot] = n;
	}
	if (memcmp(w->cell, m.cell, sizeof(m.cell)))
		broken("cells of worker %u after %" PRIu64, me, w->n);
	for (i = 0; i < SLOTS; i++) {
		if (!m.slot[i] != !w->slot[i])
			broken("slot %zu of worker %u", i, me);
		if (!w->slot[i])
			continue;
		check_bytes(w->slot[i], plan_of(me, m.slot[i]).len, m.slot[i],
			    "object");
		objects++;
	}
	printf("FOUND %u %" PRIu64 "\n", me, w->n);
	return objects + check_list(w) + check_bigs(w);
}

static void make_bigs(void)
{
	unsigned i;

	TX_START {
		for (i = 0; i < WORKERS; i++)
			TX_SET(root->worker[i].big,
			       pm_calloc(BIGS, sizeof(unsigned char *)));
	} TX_END
	must(pm_tx_errno() == 0);
}

/* A cut in the midst of writing a header leaves that copy torn: no damage. */
static void check_closed(const char *path, bool clean)
{
	PmCheckReport c;

	must(pm_check(path, 0, &c) == 0);
	if (c.status == PM_CHECK_DAMAGED ||
	    (clean && c.status != PM_CHECK_CLEAN))
		broken("pm_check finds status %d, %u faults: %s", c.status,
		       c.faults, c.message);
}

static void say(const char *line)
{
	puts(line);
	fflush(stdout);
}

/* Opens the pool, which recovers it, and compares all that is in it. */
static void open_and_check(const char *path, const char *backend)
{
	PmWrapperConfig config = {
		.path = path, .layout = "load", .flags = PM_CREATE,
		.size = 2 * MIB, .max_size = 256 * MIB,
	};
	uint64_t objects = 1;
	unsigned i;
	PmStats s;

	if (access(path, F_OK) == 0)
		check_closed(path, false);
	say("LOAD OPENS");
	must(pm_init(config) == 0);
	say("LOAD OPEN");
	must(pm_stats(PM_PRIMARY, &s) == 0);
	if (strcmp(s.backend, backend) || strcmp(s.survives, "power"))
		broken("the library chose %s (survives %s), not %s", s.backend,
		       s.survives, backend);
	root = pm_root(sizeof(*root));
	must(root);
	if (!root->worker[0].big)
		make_bigs();
	for (i = 0; i < WORKERS; i++)
		objects += check_worker(i);
	must(pm_stats(PM_PRIMARY, &s) == 0);
	if (s.objects != objects)
		broken("%" PRIu64 " objects are there, %" PRIu64 " are reached",
		       s.objects, objects);
	printf("LOAD CHECKED backend=%s replayed=%" PRIu64 " objects=%" PRIu64
	       " size=%" PRIu64 "K\n", s.backend, s.recovered, objects,
	       s.size >> 10);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	bool ends = argc == 4 && !strcmp(argv[3], "check");

	if (argc != 3 && !ends) {
		fprintf(stderr, "usage: load POOL BACKEND [check]\n");
		return 2;
	}
	open_and_check(argv[1], argv[2]);
	work(ends ? 500 : 0);
	must(pm_close() == 0);
	check_closed(argv[1], true);
	open_and_check(argv[1], argv[2]);
	must(pm_close() == 0);
	say("LOAD OK");
	return 0;
}
