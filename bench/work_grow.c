/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/work_grow.c: what operations on a map take when it holds ten thousand
 * to a hundred million items, as far as there is memory; each size has a pool
 * of its own.
 */
#include "sys.h"

#include <stdio.h>

#define LEAST 10000
/* Bytes that an item takes in the worst of systems, with its bucket and with
 * a copy of both; the pool and what else there is must leave room for it. */
#define ITEM_COST 160

static size_t memory_available(void)
{
	char line[128];
	size_t kib = 0;
	FILE *in = fopen("/proc/meminfo", "r");

	while (in && fgets(line, sizeof line, in))
		if (sscanf(line, "MemAvailable: %zu", &kib) == 1)
			break;
	if (in)
		fclose(in);
	return kib << 10;
}

static void grow_start(void)
{
}

/* Keys beyond n are new, and there again and again. */
static void operations(size_t n, size_t op_n)
{
	struct rng rng = rng_of(n);
	double start = bench_now();

	for (uint64_t i = n + 1; i <= n + op_n; i++)
		map_insert(0, map_key(0, i), i);
	bench_figure_n("insert", n, bench_ns(start, op_n));
	start = bench_now();
	for (size_t i = 0; i < op_n; i++) {
		uint64_t k = rng_next(&rng) % n + 1;

		if (map_find(0, map_key(0, k)) != k)
			bench_die("a lookup found something else");
	}
	bench_figure_n("lookup", n, bench_ns(start, op_n));
	start = bench_now();
	for (uint64_t i = n + 1; i <= n + op_n; i++)
		if (!map_remove(0, map_key(0, i)))
			bench_die("a remove did not find what was there");
	bench_figure_n("remove", n, bench_ns(start, op_n));
}

/* In a volatile heap the maps before stay, beside this one. */
static void grow_to(size_t n)
{
	size_t op_n = bench_pick(100, 20000, 100000);
	const char *path = bench_path("grow");
	double start;

#ifndef SYS_IS_HEAP
	op_n = bench_pick(100, 2000, 10000);
#endif
	sys_create(0, path, (n + op_n) * 64);
	map_make(0, n);
	start = bench_now();
	map_fill(0, n);
	bench_figure_n("fill", n, bench_ns(start, n));
	operations(n, op_n);
	sys_close(0);
	bench_remove(path);
}

static void grow_run(void)
{
	size_t most = bench_pick(LEAST, 100000, 100000000);

#ifndef SYS_IS_HEAP
	most = bench_pick(LEAST, 100000, 1000000);
#endif
	for (size_t n = LEAST; n <= most; n *= 10)
		if (memory_available() / ITEM_COST >= n)
			grow_to(n);
}

const struct bench_work work_grow = {
	"grow", grow_start, grow_run, grow_start,
};
