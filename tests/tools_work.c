/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tests/tools_work.c: see tools_work.h.
 */
#include "tools_work.h"

#include <stdio.h>
#include <string.h>

#define CELLS 65536		/* 512 KiB */
#define LIST_MAX 64
#define BLOB (80u << 10)	/* above what is written directly */
#define WIDE (24u << 10)	/* above what a small lane holds */

struct node {
	uint64_t number;
	struct node *next;
};

struct worker {
	uint64_t a, pushed, popped;
	struct node *list;
	unsigned char *blob;
	uint64_t stamp;		/* what the blob begins with */
	uint64_t *wide;
};

struct root {
	pm_mutex lock;
	uint64_t total;
	uint64_t *cells;
	uint64_t blob_every, wide_every;
	struct worker worker[WORKERS_MAX];
};

static struct root *root;

static int fail(const char *what)
{
	fprintf(stderr, "tools_work: %s: %s\n", what, pm_errormsg());
	return 1;
}

static void list_change(struct worker *w)
{
	struct node *n;

	if (w->pushed - w->popped < LIST_MAX) {
		n = pm_alloc(sizeof(*n));
		if (!n)
			return;
		n->number = w->pushed + 1;
		n->next = w->list;
		TX_SET(w->pushed, w->pushed + 1);
		TX_SET(w->list, n);
		return;
	}
	while (w->list) {
		n = w->list;
		TX_SET(w->list, n->next);
		TX_SET(w->popped, w->popped + 1);
		pm_free(n);
	}
}

static void blob_change(struct worker *w)
{
	unsigned char *blob = pm_alloc(BLOB);

	if (!blob)
		return;
	memset(blob, (int)(w->a & 0xff), BLOB);
	pm_free(w->blob);
	TX_SET(w->blob, blob);
	TX_SET(w->stamp, *(uint64_t *)blob);
}

static void blob_touch(struct worker *w)
{
	TX_SET(*(uint64_t *)w->blob, w->a);
	TX_SET(w->stamp, w->a);
}

static void wide_change(struct worker *w)
{
	pm_tx_add(w->wide, WIDE);
	for (size_t i = 0; i < WIDE / 8; i++)
		w->wide[i] = w->a;
}

int work_step(unsigned worker, uint64_t *seed)
{
	struct worker *w = &root->worker[worker];
	uint64_t cell;

	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	cell = *seed >> 40 & (CELLS - 1);
	TX_START {
		TX_LOCK(&root->lock);
		TX_SET(w->a, w->a + 1);
		TX_SET(root->cells[cell], root->cells[cell] + 1);
		list_change(w);
		if (w->a % root->blob_every == 0)
			blob_change(w);
		else if (w->blob && w->a % 3 == 0)
			blob_touch(w);
		if (w->a % root->wide_every == 0)
			wide_change(w);
		TX_SET(root->total, root->total + 1);
	} TX_END
	return pm_tx_errno();
}

static int make(unsigned blob_every, unsigned wide_every)
{
	TX_START {
		TX_SET(root->cells, pm_calloc(CELLS, 8));
		TX_SET(root->blob_every, blob_every);
		TX_SET(root->wide_every, wide_every);
		for (unsigned i = 0; i < WORKERS_MAX; i++)
			TX_SET(root->worker[i].wide, pm_calloc(WIDE / 8, 8));
	} TX_END
	return pm_tx_errno();
}

int work_open(const char *path, int relaxed, unsigned blob_every,
	      unsigned wide_every)
{
	PmWrapperConfig config = { .path = path, .durability = relaxed ?
				   PM_RELAXED : PM_STRICT, .flush_ms = 1 };

	if (pm_init(config))
		return fail("cannot open the pool");
	root = pm_root(sizeof(*root));
	if (!root || (!root->cells && make(blob_every, wide_every)))
		return fail("cannot prepare the pool");
	return 0;
}

static int blob_verify(const struct worker *w)
{
	uint64_t when = w->a / root->blob_every * root->blob_every;

	if (!w->blob)
		return when ? fail("an object is missing") : 0;
	for (size_t i = 8; i < BLOB; i++)
		if (w->blob[i] != (unsigned char)when)
			return fail("an object is of another transaction");
	if (*(const uint64_t *)w->blob != w->stamp)
		return fail("a word in an object is of another transaction");
	return 0;
}

static int worker_verify(const struct worker *w)
{
	uint64_t number = w->pushed, n = w->pushed - w->popped;

	for (const struct node *p = w->list; p; p = p->next, n--)
		if (n == 0 || p->number != number--)
			return fail("a list is broken");
	if (n)
		return fail("a list is too short");
	for (size_t i = 0; i < WIDE / 8; i++)
		if (w->wide[i] != w->a / root->wide_every * root->wide_every)
			return fail("a range is of another transaction");
	return blob_verify(w);
}

int work_verify(const char *path)
{
	PmWrapperConfig config = { .path = path, .flags = PM_RDONLY };
	uint64_t cells = 0, workers = 0;

	if (pm_init(config))
		return fail("cannot open the pool");
	root = pm_root(0);
	if (!root || !root->cells)
		return fail("it was never at work here");
	for (size_t i = 0; i < CELLS; i++)
		cells += root->cells[i];
	for (unsigned i = 0; i < WORKERS_MAX; i++) {
		workers += root->worker[i].a;
		if (worker_verify(&root->worker[i]))
			return 1;
	}
	printf("total %llu, workers %llu, cells %llu\n",
	       (unsigned long long)root->total, (unsigned long long)workers,
	       (unsigned long long)cells);
	return root->total == workers && cells == workers ? 0 : 1;
}
