/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/work_map.c: a chained hash map, a transaction per change.
 */
#include "bench.h"

#include <pmheap.h>

#define POOL_SIZE ((size_t)256 << 20)
#define BUCKET_N ((size_t)1 << 20)

struct item {
	struct item *next;
	uint64_t key;
	uint64_t value;
};

static struct {
	int	 region;
	struct item **bucket;
} w;

/* One to one, so that keys 1, 2, 3 ... are different and in no order. */
static uint64_t key_of(uint64_t i)
{
	i *= 0x9e3779b97f4a7c15u;
	return i ^ i >> 32;
}

static struct item **bucket_of(uint64_t key)
{
	return &w.bucket[key * 0xff51afd7ed558ccdu >> 44];
}

static int map_insert(uint64_t key, uint64_t value)
{
	struct item **bucket = bucket_of(key);

	TX_START {
		struct item *item = pm_alloc_in(w.region, sizeof *item);

		if (item) {
			*item = (struct item){ *bucket, key, value };
			TX_SET(*bucket, item);
		}
	} TX_END
	return pm_tx_errno();
}

static const struct item *map_find(uint64_t key)
{
	const struct item *item = *bucket_of(key);

	while (item && item->key != key)
		item = item->next;
	return item;
}

static int map_remove(uint64_t key)
{
	struct item **at = bucket_of(key), *item;

	while (*at && (*at)->key != key)
		at = &(*at)->next;
	item = *at;
	if (!item)
		return -1;
	TX_START {
		TX_SET(*at, item->next);
		pm_free(item);
	} TX_END
	return pm_tx_errno();
}

static void map_start(const struct bench_run *run)
{
	w.region = pool_open(bench_path(run->dir, "map"), POOL_SIZE, 0);
	w.bucket = pm_calloc_in(w.region, BUCKET_N, sizeof *w.bucket);
	if (!w.bucket)
		bench_die("the map's buckets");
}

static void map_run(const struct bench_run *run, double *out)
{
	size_t n = run->quick ? 50000 : 500000;
	double start = bench_now();

	for (uint64_t i = 1; i <= n; i++)
		if (map_insert(key_of(i), i))
			bench_die("an insert");
	out[0] = (bench_now() - start) * 1e9 / (double)n;
	start = bench_now();
	for (uint64_t i = 1; i <= n; i++) {
		const struct item *item = map_find(key_of(i));

		if (!item || item->value != i)
			bench_die("a lookup found something else");
	}
	out[1] = (bench_now() - start) * 1e9 / (double)n;
	start = bench_now();
	for (uint64_t i = 1; i <= n; i++)
		if (map_remove(key_of(i)))
			bench_die("a remove");
	out[2] = (bench_now() - start) * 1e9 / (double)n;
}

static void map_stop(void)
{
	pool_close(w.region);
}

const struct bench_work work_map = {
	.name = "map",
	.start = map_start,
	.run = map_run,
	.stop = map_stop,
	.figures = {
		{ "hash map: insert, durable", "ns", AGAINST_FLOOR, 0, 0 },
		{ "hash map: lookup", "ns", AGAINST_NOTHING, 0, 0 },
		{ "hash map: remove, durable", "ns", AGAINST_FLOOR, 0, 0 },
	},
};
