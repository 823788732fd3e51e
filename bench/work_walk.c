/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/work_walk.c: a list walked by normal pointers, and the same list in
 * malloc memory: short (it stays in the cache) and long, in order of address.
 */
#include "bench.h"

#include <pmheap.h>
#include <stdlib.h>

#define POOL_SIZE ((size_t)128 << 20)
#define SHORT_N 10000
#define LONG_N 1000000

/* As large as both allocators give it: 64 bytes a node with malloc's own 8. */
struct node {
	struct node *next;
	uint64_t value;
	char	 data[40];
};

static struct {
	int	 region;
	int	 resident;
	struct node *pm_short, *pm_long, *pm_resident;
	struct node *heap_short, *heap_long;
} w;

static struct node *node_fill(struct node *node, struct node *next, size_t i)
{
	if (!node)
		bench_die("allocating a list");
	node->next = next;
	node->value = i;
	return node;
}

static struct node *list_in_pool(int region, size_t n)
{
	struct node *list = NULL;
	size_t i = 0;

	while (i < n) {
		TX_START {
			for (size_t end = i + 1000; i < end; i++)
				list = node_fill(pm_alloc_in(region,
						 sizeof *list), list, i);
		} TX_END
		if (pm_tx_errno())
			bench_die("making a list");
	}
	return list;
}

static struct node *list_in_heap(size_t n)
{
	struct node *list = NULL;

	for (size_t i = 0; i < n; i++)
		list = node_fill(malloc(sizeof *list), list, i);
	return list;
}

static void walk_start(const struct bench_run *run)
{
	w.region = pool_open(bench_path(run->dir, "walk"), POOL_SIZE, 0);
	w.resident = pool_open(bench_path(run->dir, "resident"), POOL_SIZE,
			       PM_RESIDENT);
	w.pm_short = list_in_pool(w.region, SHORT_N);
	w.pm_long = list_in_pool(w.region, LONG_N);
	w.pm_resident = list_in_pool(w.resident, LONG_N);
	w.heap_short = list_in_heap(SHORT_N);
	w.heap_long = list_in_heap(LONG_N);
}

static double walk(const struct node *list, size_t n, int times)
{
	double start = bench_now();
	volatile uint64_t kept;
	uint64_t sum = 0;

	for (int t = 0; t < times; t++)
		for (const struct node *at = list; at; at = at->next)
			sum += at->value;
	kept = sum;
	if (kept != n * (n - 1) / 2 * (uint64_t)times)
		bench_die("a walk missed a node");
	return (bench_now() - start) * 1e9 / (double)n / times;
}

static void walk_run(const struct bench_run *run, double *out)
{
	int times = run->quick ? 100 : 500;

	walk(w.heap_short, SHORT_N, 1);
	out[0] = walk(w.heap_short, SHORT_N, times);
	walk(w.pm_short, SHORT_N, 1);
	out[1] = walk(w.pm_short, SHORT_N, times);
	out[2] = walk(w.heap_long, LONG_N, times / 50);
	out[3] = walk(w.pm_long, LONG_N, times / 50);
	out[4] = walk(w.pm_resident, LONG_N, times / 50);
}

static void list_free(struct node *list)
{
	while (list) {
		struct node *next = list->next;

		free(list);
		list = next;
	}
}

static void walk_stop(void)
{
	list_free(w.heap_short);
	list_free(w.heap_long);
	pool_close(w.resident);
	pool_close(w.region);
}

const struct bench_work work_walk = {
	.name = "walk",
	.start = walk_start,
	.run = walk_run,
	.stop = walk_stop,
	.figures = {
		{ "walk of 10 k nodes, malloc memory", "ns",
		  AGAINST_NOTHING, 0, 0 },
		{ "  the same in a pool", "ns", AGAINST_ROW, 1.03, 0 },
		{ "walk of 1 M nodes, malloc memory", "ns",
		  AGAINST_NOTHING, 0, 0 },
		{ "  the same in a pool", "ns", AGAINST_ROW, 1.03, 2 },
		{ "  the same in a resident pool", "ns",
		  AGAINST_NOTHING, 0, 0 },
	},
};
