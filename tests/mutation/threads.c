/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * threads.c: threads that meet in every place where the library has to order
 * what they do: lanes that fewer of them fit than there are, rings that wrap,
 * slabs that one fills and another empties, growth, groups, two regions, page
 * budgets, readers of statistics. It is run plainly, and under ThreadSanitizer,
 * for which a missing order is a data race.
 *
 *	threads [ROUNDS]
 */
#include "threads.h"

#include <errno.h>
#include <pmheap.h>
#include <pmheap/backend.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHARED 16
#define SHELF 32
#define PILE 100

struct pile {
	struct item *big;
	struct item *small[PILE];
};

struct root {
	pm_mutex lock, shelf_lock;
	uint64_t total[SHARED];
	uint64_t own[THREADS][8];
	struct item *shelf[SHELF];	/* put by one, taken by another */
	struct item *mine[THREADS][8];
	struct pile pile[THREADS];
};

struct root_b {
	uint64_t total[SHARED];
};

static struct root *root;
static struct root_b *root_b;
static int second;
char dir[128];
unsigned rounds = 150;
static int readers_stop, checker_stop;
pthread_barrier_t start_line;
static PmWrapperConfig comers;

void die(const char *what)
{
	fprintf(stderr, "%s: %s (%s)\n", what, pm_errormsg(), strerror(errno));
	abort();
}

static uint64_t next_random(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s * 0x9e3779b97f4a7c15ull >> 16;
}

struct item *make_item(uint64_t size, uint64_t tag)
{
	struct item *it = pm_alloc(sizeof(*it) + size);

	if (!it)
		die("pm_alloc");
	it->size = size;
	it->tag = tag;
	memset(it->bytes, (int)(tag & 0xff), size);
	return it;
}

static void check_item(const struct item *it)
{
	uint64_t i;

	for (i = 0; i < it->size; i++)
		if (it->bytes[i] != (it->tag & 0xff))
			die("an object has other bytes");
}

static void count_up(uint64_t n)
{
	TX_START {
		if (TX_LOCK(&root->lock))
			die("TX_LOCK");
		TX_SET(root->total[n % SHARED], root->total[n % SHARED] + 1);
		if (second) {
			TX_SET(root_b->total[n % SHARED],
			       root->total[n % SHARED]);
		}
	} TX_END
	if (pm_tx_errno())
		die("counting");
}

/* What one thread allocated, another frees. */
static void shelve(uint64_t h)
{
	struct item **place = &root->shelf[h % SHELF];

	TX_START {
		if (TX_LOCK(&root->shelf_lock))
			die("TX_LOCK");
		if (*place) {
			check_item(*place);
			pm_free(*place);
			TX_SET(*place, NULL);
		} else {
			TX_SET(*place, make_item(h >> 8 & 0x3ff, h));
		}
	} TX_END
	if (pm_tx_errno())
		die("shelving");
}

static void keep(unsigned me, uint64_t h)
{
	struct item **place = &root->mine[me][h % 8];
	/* Some are written to their home directly, some entries spill. */
	uint64_t size = h % 61 == 0 ? 70000 : h % 23 == 0 ? 20000 :
			h % 13 == 0 ? 6000 : h >> 8 & 255;

	TX_START {
		if (*place) {
			check_item(*place);
			pm_free(*place);
		}
		TX_SET(*place, make_item(size, h));
		if (h % 7 == 0)
			TX_ABORT(EAGAIN);
	} TX_END
	if (pm_tx_errno() && pm_tx_errno() != EAGAIN)
		die("keeping");
}

/* Many small objects at once, freed from the last to the first together with
 * an entry that is too large for a lane: they share slabs with those of other
 * threads, and their frees become masks. */
static void pile_up(unsigned me, uint64_t h)
{
	struct pile *p = &root->pile[me];
	unsigned i;

	TX_START {
		TX_ADD(p);
		if (p->big) {
			pm_free(p->big);
			p->big = NULL;
			for (i = 0; i < PILE; i++)
				p->small[i] = make_item(8 + i / 50 * 16, h + i);
		} else {
			p->big = make_item(9000, h);
			for (i = PILE; i-- > 0;) {
				if (!p->small[i])
					continue;
				check_item(p->small[i]);
				pm_free(p->small[i]);
				p->small[i] = NULL;
			}
		}
	} TX_END
	if (pm_tx_errno())
		die("piling up");
}

/* All threads want a new root, more space, and both at once. */
static void begin_together(unsigned me)
{
	pthread_barrier_wait(&start_line);
	if (pm_root(sizeof(*root)) != root)
		die("pm_root");
	if (second && !pm_root_in(second, sizeof(*root_b)))
		die("pm_root_in");
	pthread_barrier_wait(&start_line);
	/* In a transaction: with a budget, stores belong in one. */
	TX_START {
		pm_free(make_item(500000 + me, me));
	} TX_END
	if (pm_tx_errno())
		die("growing");
}

static void *worker(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg, i;
	uint64_t rng = 88172645463325252ull + me * 7919;

	begin_together(me);
	for (i = 0; i < rounds; i++) {
		uint64_t h = next_random(&rng);

		count_up(h);
		shelve(h);
		keep(me, h);
		PM_SET(root->own[me][i % 8], root->own[me][i % 8] + 1);
		if (h % 4 == 1)
			pile_up(me, h);
		if (h % 32 == 0 && pm_flush())
			die("pm_flush");
	}
	return NULL;
}

static void *reader(void *arg)
{
	PmStats stats;
	unsigned turn = 0;

	(void)arg;
	while (!__atomic_load_n(&readers_stop, __ATOMIC_RELAXED)) {
		void *p = pm_first(PM_PRIMARY, 0);
		unsigned n;

		if (pm_stats(PM_PRIMARY, &stats))
			die("pm_stats");
		for (n = 0; n < 10 && p; n++) {
			(void)pm_region_of(p);
			p = n % 3 ? pm_first(PM_PRIMARY, 0) : NULL;
		}
		if (++turn % 4 == 0 && pm_flush())
			die("pm_flush");
		usleep(500);
	}
	return NULL;
}

/* Regions come and go beside those that are used. */
static void *opener(void *arg)
{
	PmWrapperConfig c = comers;
	PmCheckReport report;
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", dir, (const char *)arg);
	c.path = path;
	c.max_size = 0;
	while (!__atomic_load_n(&readers_stop, __ATOMIC_RELAXED)) {
		int number = pm_init_sec(c);

		if (number < 0)
			die("a region that comes and goes");
		visit(number);
		if (pm_check(path, 0, &report) ||
		    report.status != PM_CHECK_CLEAN)
			die("pm_check");
		copy_about(path);
		unlink(path);
	}
	return NULL;
}

/* Looks at a pool that is closed, also while all others are being closed. */
static void *checker(void *arg)
{
	PmCheckReport report;
	char path[160];

	(void)arg;
	snprintf(path, sizeof(path), "%s/e", dir);
	while (!__atomic_load_n(&checker_stop, __ATOMIC_RELAXED))
		if (pm_check(path, 0, &report) ||
		    report.status != PM_CHECK_CLEAN)
			die("pm_check");
	return NULL;
}

static void open_pools(const PmWrapperConfig *c, int two)
{
	PmWrapperConfig a = *c, b = *c;
	char path_a[160], path_b[160];

	snprintf(path_a, sizeof(path_a), "%s/a", dir);
	snprintf(path_b, sizeof(path_b), "%s/b", dir);
	a.path = path_a;
	b.path = path_b;
	if (pm_init(a))
		die("pm_init");
	second = two ? pm_init_sec(b) : 0;
	if (second < 0)
		die("pm_init_sec");
	root = pm_root(sizeof(*root));
	root_b = second ? pm_root_in(second, sizeof(*root_b)) : NULL;
	if (!root || (second && !root_b) || pm_flush())
		die("pm_root");
}

static void check_all(void)
{
	uint64_t total = 0, own = 0, objects = 1;
	PmStats stats;
	unsigned i, k;

	for (i = 0; i < SHARED; i++) {
		total += root->total[i];
		if (second && root_b->total[i] != root->total[i])
			die("the regions differ");
	}
	for (i = 0; i < SHELF; i++)
		if (root->shelf[i]) {
			check_item(root->shelf[i]);
			objects++;
		}
	for (k = 0; k < THREADS; k++)
		for (i = 0; i < 8; i++) {
			own += root->own[k][i];
			if (root->mine[k][i]) {
				check_item(root->mine[k][i]);
				objects++;
			}
		}
	for (k = 0; k < THREADS; k++)
		objects += root->pile[k].big != NULL;
	for (k = 0; k < THREADS; k++)
		for (i = 0; i < PILE; i++)
			if (root->pile[k].small[i]) {
				check_item(root->pile[k].small[i]);
				objects++;
			}
	if (total != THREADS * rounds || own != total)
		die("a count was lost");
	if (pm_stats(PM_PRIMARY, &stats) || stats.objects != objects)
		die("an object was lost or is left over");
}

static void check_pool(const char *name)
{
	PmCheckReport report;
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (pm_check(path, 0, &report) || report.status != PM_CHECK_CLEAN)
		die("pm_check");
}

void remove_pools(void)
{
	char path[160];
	int name;

	for (name = 'a'; name <= 'e'; name++) {
		snprintf(path, sizeof(path), "%s/%c", dir, name);
		unlink(path);
	}
}

static void make_closed_pool(PmWrapperConfig c)
{
	char path[160];
	int number;

	snprintf(path, sizeof(path), "%s/e", dir);
	c.path = path;
	c.max_size = 0;
	number = pm_init_sec(c);
	if (number < 0 || !pm_root_in(number, 64) || pm_close_sec(number))
		die("a pool to be checked");
}

static void run(PmWrapperConfig c, int two)
{
	pthread_t thread[THREADS], look, open[2], check;
	uintptr_t i;

	c.flags |= PM_CREATE;
	c.size = MIB;
	c.max_size = 32 * MIB;
	c.lanes = 2;
	c.lane_size = 16384;
	open_pools(&c, two);
	readers_stop = checker_stop = 0;
	make_closed_pool(c);
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, worker, (void *)i))
			die("pthread_create");
	comers = c;
	if (pthread_create(&look, NULL, reader, NULL) ||
	    pthread_create(&open[0], NULL, opener, (void *)"c") ||
	    pthread_create(&open[1], NULL, opener, (void *)"d") ||
	    pthread_create(&check, NULL, checker, NULL))
		die("pthread_create");
	for (i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	__atomic_store_n(&readers_stop, 1, __ATOMIC_RELAXED);
	pthread_join(look, NULL);
	pthread_join(open[0], NULL);
	pthread_join(open[1], NULL);
	check_all();
	if (pm_close())
		die("pm_close");
	open_pools(&c, two);
	check_all();
	if (pm_close())
		die("pm_close");
	__atomic_store_n(&checker_stop, 1, __ATOMIC_RELAXED);
	pthread_join(check, NULL);
	check_pool("a");
	remove_pools();
}

int main(int argc, char **argv)
{
	/* By its functions it works in memory, too; by its name it refuses. */
	PmBackend file = *pm_backend("file");

	if (argc > 1)
		rounds = (unsigned)atoi(argv[1]);
	pthread_barrier_init(&start_line, NULL, THREADS);
	snprintf(dir, sizeof(dir), "%s/pmheap-threads-XXXXXX",
		 getenv("PMHEAP_TEST_SHM") ? getenv("PMHEAP_TEST_SHM")
					   : "/dev/shm");
	if (!mkdtemp(dir)) {
		perror(dir);
		return 99;
	}
	begin_at_once();
	run((PmWrapperConfig){.flags = PM_ASSUME_PMEM}, 0);
	run((PmWrapperConfig){.flags = PM_ASSUME_PMEM}, 1);
	run((PmWrapperConfig){.flags = PM_FLUSH_MANUAL}, 0);
	run((PmWrapperConfig){.durability = PM_RELAXED, .flush_ms = 1}, 1);
	run((PmWrapperConfig){.work_budget = 256 << 10}, 0);
	run((PmWrapperConfig){.work_budget = 256 << 10,
			      .durability = PM_RELAXED, .flush_ms = 1}, 0);
	run((PmWrapperConfig){.backend = &file}, 1);
	pthread_barrier_destroy(&start_line);
	run_cramped();
	rmdir(dir);
	return 0;
}
