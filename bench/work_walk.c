/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/work_walk.c: W7, reading by references, per node: a list that stays in
 * the cache, a long one in the order of allocation, one in random order, and a
 * balanced tree in random order.
 */
#include "sys.h"

#include <stdlib.h>

#define CACHED_N 1000
#define TX_N 1000

/* 56 bytes: with what it adds malloc takes 64 for them, as others do. */
struct walk_node {
	ref	 left;		/* in a list: the next                    */
	ref	 right;
	uint64_t value;
	char	 unused[48 - 2 * sizeof(ref)];
};

static struct {
	const char *path;
	size_t	 n;
	ref	*node;		/* in the order of allocation             */
	uint32_t *order;	/* random                                 */
	ref	 cached, sequential, random, tree;
	struct rng rng;
} w;

static inline struct walk_node *node_at(ref r)
{
	return ref_at(r);
}

static void nodes_alloc(size_t from, size_t to)
{
	HEAP_TX_BEGIN {
		for (size_t i = from; i < to; i++)
			w.node[i] = heap_tx_alloc(sizeof(struct walk_node));
	} HEAP_TX_END
}

static void node_set(ref r, uint64_t value, ref left, ref right)
{
	HEAP_TX_BEGIN {
		struct walk_node *node = node_at(r);

		heap_add(node, sizeof *node);
		node->left = left;
		node->right = right;
		node->value = value;
	} HEAP_TX_END
}

/* The node that is number i in random order, or in that of allocation. */
static ref node_number(size_t i, bool random)
{
	return w.node[random ? w.order[i] : i];
}

static void nodes_make(size_t n)
{
	for (size_t i = 0; i < n; i += TX_N)
		nodes_alloc(i, i + TX_N < n ? i + TX_N : n);
}

static ref list_make(size_t n, bool random)
{
	ref next = REF_NULL;

	nodes_make(n);
	for (size_t i = n; i-- > 0;) {
		ref r = node_number(i, random);

		node_set(r, i, next, REF_NULL);
		next = r;
	}
	return next;
}

/* Of the numbers from..to. */
static ref tree_make(size_t from, size_t to)
{
	size_t middle = from + (to - from) / 2;
	ref r, left, right;

	if (from == to)
		return REF_NULL;
	left = tree_make(from, middle);
	right = tree_make(middle + 1, to);
	r = node_number(middle, true);
	node_set(r, middle, left, right);
	return r;
}

static void walk_start(void)
{
	w.n = bench_pick(2000, 200000, 1000000);
	w.rng = rng_of(3);
	w.path = bench_path("walk");
	w.node = malloc(w.n * sizeof *w.node);
	w.order = malloc(w.n * sizeof *w.order);
	if (!w.node || !w.order)
		bench_die("out of memory");
	rng_order(&w.rng, w.order, w.n);
	sys_create(0, w.path, 3 * (w.n + CACHED_N) * 64);
	(void)heap_array(0, SLOT_OWN, 64);
	w.cached = list_make(CACHED_N, false);
	w.sequential = list_make(w.n, false);
	w.random = list_make(w.n, true);
	nodes_make(w.n);
	w.tree = tree_make(0, w.n);
}

static uint64_t list_sum(ref list)
{
	uint64_t sum = 0;

	while (!ref_is_null(list)) {
		const struct walk_node *node = node_at(list);

		sum += node->value;
		list = node->left;
	}
	return sum;
}

static uint64_t tree_sum(ref tree)
{
	const struct walk_node *node;

	if (ref_is_null(tree))
		return 0;
	node = node_at(tree);
	return tree_sum(node->left) + node->value + tree_sum(node->right);
}

static void walk(const char *name, uint64_t (*sum)(ref), ref r, size_t n,
		 size_t times)
{
	uint64_t got = 0;
	double start;

	if (n == CACHED_N)
		got = sum(r);
	start = bench_now();
	for (size_t t = 0; t < times; t++) {
		bench_keep(&r);
		got = sum(r);
	}
	bench_figure(name, bench_ns(start, n * times));
	if (got != n * (n - 1) / 2)
		bench_die("a walk missed a node");
}

static void walk_run(void)
{
	walk("cached", list_sum, w.cached, CACHED_N,
	     bench_pick(10, 5000, 20000));
	walk("sequential", list_sum, w.sequential, w.n, bench_pick(1, 5, 10));
	walk("random", list_sum, w.random, w.n, bench_pick(1, 2, 2));
	walk("tree", tree_sum, w.tree, w.n, bench_pick(1, 2, 2));
}

static void walk_stop(void)
{
	sys_close(0);
	free(w.node);
	free(w.order);
}

const struct bench_work work_walk = {
	"walk", walk_start, walk_run, walk_stop,
};
