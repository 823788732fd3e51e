/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tests/tools_busy.c: works in a pool as hard as it can until it is killed, or
 * verifies one that it, or a copy of it, was at work in: for tests/tools/.
 *
 *	tools_busy work POOL [THREADS [relaxed]]
 *	tools_busy verify POOL
 *
 * Each transaction adds 1 to a counter of its thread, to one that all threads
 * share, and to a random cell of a large table; pushes a node onto a list or
 * takes one off; and now and then writes a large new object (directly to its
 * place) or changes many bytes (spilled records). What verify demands holds
 * between any two transactions, and at no other time.
 */
#include <pmheap.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS_MAX 4
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
	uint64_t *wide;
};

struct root {
	pm_mutex lock;
	uint64_t total;
	uint64_t *cells;
	struct worker worker[THREADS_MAX];
};

static struct root *root;
static int report_fd = 1;

static int fail(const char *what)
{
	fprintf(stderr, "tools_busy: %s: %s\n", what, pm_errormsg());
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
	} else {
		while (w->list) {
			n = w->list;
			TX_SET(w->list, n->next);
			TX_SET(w->popped, w->popped + 1);
			pm_free(n);
		}
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
}

static void wide_change(struct worker *w)
{
	pm_tx_add(w->wide, WIDE);
	for (size_t i = 0; i < WIDE / 8; i++)
		w->wide[i] = w->a;
}

static int step(struct worker *w, uint64_t *seed)
{
	uint64_t cell;

	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	cell = *seed >> 40 & (CELLS - 1);
	TX_START {
		TX_LOCK(&root->lock);
		TX_SET(w->a, w->a + 1);
		TX_SET(root->cells[cell], root->cells[cell] + 1);
		list_change(w);
		if (w->a % 199 == 0)
			blob_change(w);
		if (w->a % 211 == 0)
			wide_change(w);
		TX_SET(root->total, root->total + 1);
	} TX_END
	return pm_tx_errno();
}

static void *work(void *arg)
{
	struct worker *w = arg;
	uint64_t seed = (uint64_t)(w - root->worker) * 77 + (uint64_t)getpid();

	while (step(w, &seed) == 0)
		;
	fail("a transaction fails");
	_exit(1);
}

static int make(unsigned threads)
{
	int err;

	TX_START {
		TX_SET(root->cells, pm_calloc(CELLS, 8));
		for (unsigned i = 0; i < threads; i++)
			TX_SET(root->worker[i].wide, pm_calloc(WIDE / 8, 8));
	} TX_END
	err = pm_tx_errno();
	return err;
}

static int run(const char *path, unsigned threads, int relaxed)
{
	PmWrapperConfig config = { .path = path, .durability = relaxed ?
				   PM_RELAXED : PM_STRICT, .flush_ms = 1 };
	pthread_t thread;

	if (threads < 1 || threads > THREADS_MAX || pm_init(config))
		return fail("cannot open the pool");
	root = pm_root(sizeof(*root));
	if (!root || (!root->cells && make(THREADS_MAX)))
		return fail("cannot prepare the pool");
	for (unsigned i = 0; i < threads; i++)
		if (pthread_create(&thread, NULL, work, &root->worker[i]))
			return 1;
	usleep(20000);
	if (write(report_fd, "ready\n", 6) != 6)
		return 1;
	pause();
	return 1;
}

static int worker_verify(const struct worker *w)
{
	uint64_t number = w->pushed, n = w->pushed - w->popped;

	for (const struct node *p = w->list; p; p = p->next, n--)
		if (n == 0 || p->number != number--)
			return fail("a list is broken");
	if (n)
		return fail("a list is too short");
	for (size_t i = 1; w->blob && i < BLOB; i++)
		if (w->blob[i] != w->blob[0])
			return fail("an object is of two transactions");
	if (w->blob && w->blob[0] != (unsigned char)(w->a / 199 * 199))
		return fail("an object is of another transaction");
	for (size_t i = 0; i < WIDE / 8; i++)
		if (w->wide[i] != w->a / 211 * 211)
			return fail("a range is of another transaction");
	return 0;
}

static int verify(const char *path)
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
	for (unsigned i = 0; i < THREADS_MAX; i++) {
		workers += root->worker[i].a;
		if (worker_verify(&root->worker[i]))
			return 1;
	}
	printf("total %llu, workers %llu, cells %llu\n",
	       (unsigned long long)root->total, (unsigned long long)workers,
	       (unsigned long long)cells);
	return root->total == workers && cells == workers ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc >= 3 && strcmp(argv[1], "verify") == 0)
		return verify(argv[2]);
	if (argc >= 3 && strcmp(argv[1], "work") == 0)
		return run(argv[2], argc > 3 ? (unsigned)atoi(argv[3]) : 1,
			   argc > 4 && strcmp(argv[4], "relaxed") == 0);
	return 2;
}
