/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * moments.c: threads that do one thing at the same moment: the first of all, the
 * root of a new region, copies of regions, entries that no free space holds.
 */
#include "threads.h"

#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Two that make the root of a new region at once, and own slabs in it when it
 * is closed, as they are about to end. */
struct visit {
	int number;
	void *root[2];
	pthread_barrier_t together;
	sem_t done;
};

static void look_in(struct visit *v, unsigned me)
{
	pthread_barrier_wait(&v->together);
	v->root[me] = pm_root_in(v->number, 64);
	if (!v->root[me] || !pm_alloc_in(v->number, 100 + 400 * me))
		die("a visitor");
	sem_post(&v->done);
}

static void *first_visitor(void *arg)
{
	look_in(arg, 0);
	return NULL;
}

static void *second_visitor(void *arg)
{
	look_in(arg, 1);
	return NULL;
}

void visit(int number)
{
	struct visit v = {.number = number};
	pthread_t thread[2];
	PmStats stats;

	pthread_barrier_init(&v.together, NULL, 2);
	sem_init(&v.done, 0, 0);
	if (pthread_create(&thread[0], NULL, first_visitor, &v) ||
	    pthread_create(&thread[1], NULL, second_visitor, &v))
		die("pthread_create");
	while (sem_wait(&v.done))
		;
	while (sem_wait(&v.done))
		;
	if (v.root[0] != v.root[1] || pm_stats(number, &stats) ||
	    stats.objects != 3)
		die("a region has two roots");
	if (pm_close_sec(number))
		die("pm_close_sec");
	pthread_join(thread[0], NULL);
	pthread_join(thread[1], NULL);
	pthread_barrier_destroy(&v.together);
	sem_destroy(&v.done);
}

/* With what other threads copy, and open, at the same time. */
void copy_about(const char *path)
{
	PmCheckReport report;
	char copy[170];

	snprintf(copy, sizeof(copy), "%s.copy", path);
	if (pm_clone(path, copy) || pm_reid(copy))
		die("a copy of a region");
	if (pm_check(copy, 0, &report) || report.status != PM_CHECK_CLEAN)
		die("pm_check");
	unlink(copy);
}

/* Entries that are too long for a lane, and no free space to put them in. */
struct cramped {
	unsigned char *own[2];
};

#define OWN 12000

static void *rewriter(void *arg)
{
	unsigned char *own = arg;
	unsigned i;

	pthread_barrier_wait(&start_line);
	for (i = 0; i < rounds; i++) {
		TX_START {
			TX_ADD_RANGE(own, OWN);
			memset(own, (int)(own[0] + 2), OWN);
		} TX_END
		if (pm_tx_errno())
			die("rewriting");
	}
	return NULL;
}

static struct cramped *open_cramped(unsigned flags)
{
	PmWrapperConfig c = {.flags = flags | PM_ASSUME_PMEM, .size = MIB,
			     .lanes = 2, .lane_size = 16384};
	struct cramped *root = NULL;
	char path[160];

	snprintf(path, sizeof(path), "%s/a", dir);
	c.path = path;
	if (pm_init(c) || !(root = pm_root(sizeof(*root))))
		die("a full region");
	return root;
}

void run_cramped(void)
{
	struct cramped *root = open_cramped(PM_CREATE);
	pthread_t thread[2];
	unsigned i, k;

	pthread_barrier_init(&start_line, NULL, 2);
	TX_START {
		TX_ADD(root);
		for (i = 0; i < 2; i++)
			memset(root->own[i] = pm_alloc(OWN), (int)i, OWN);
	} TX_END
	while (pm_alloc(4096))
		;
	for (i = 0; i < 2; i++)
		if (pthread_create(&thread[i], NULL, rewriter, root->own[i]))
			die("pthread_create");
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	if (pm_close())
		die("pm_close");
	root = open_cramped(0);
	for (i = 0; i < 2; i++)
		for (k = 0; k < OWN; k++)
			if (root->own[i][k] != (unsigned char)(i + 2 * rounds))
				die("a long entry has another's bytes");
	if (pm_close())
		die("pm_close");
	remove_pools();
	pthread_barrier_destroy(&start_line);
}

static void *first_step(void *arg)
{
	(void)arg;
	pthread_barrier_wait(&start_line);
	TX_START {
		make_item(10, 1);
	} TX_END
	return NULL;
}

/* What is made for all when the first thread needs it. */
void begin_at_once(void)
{
	PmWrapperConfig c = {.flags = PM_CREATE | PM_ASSUME_PMEM,
			     .size = MIB};
	pthread_t thread[THREADS];
	char path[160];
	int i;

	snprintf(path, sizeof(path), "%s/a", dir);
	c.path = path;
	if (pm_init(c))
		die("pm_init");
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, first_step, NULL))
			die("pthread_create");
	for (i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	if (pm_close())
		die("pm_close");
	unlink(path);
}
