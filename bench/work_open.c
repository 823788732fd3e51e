/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/work_open.c: opening a clean 1 GiB pool that holds 1 M objects.
 */
#include "bench.h"

#include <pmheap.h>

#define POOL_SIZE ((size_t)1 << 30)
#define OBJECT_N 1000000
#define SIZE 64

static struct {
	const char *path;
} w;

static void open_start(const struct bench_run *run)
{
	int region;

	w.path = bench_path(run->dir, "open");
	region = pool_open(w.path, POOL_SIZE, 0);
	for (size_t i = 0; i < OBJECT_N; i++)
		if (!pm_alloc_in(region, SIZE))
			bench_die("filling the pool to open");
	pool_close(region);
}

static void open_run(const struct bench_run *run, double *out)
{
	double start = bench_now(), opened;
	int region;
	PmStats stats;

	(void)run;
	region = pool_open(w.path, 0, 0);
	opened = bench_now();
	if (pm_stats(region, &stats) || stats.objects < OBJECT_N)
		bench_die("the opened pool lacks objects");
	out[0] = (opened - start) * 1e3;
	start = bench_now();
	pool_close(region);
	out[1] = (bench_now() - start) * 1e3;
}

static void open_stop(void)
{
}

const struct bench_work work_open = {
	.name = "open",
	.start = open_start,
	.run = open_run,
	.stop = open_stop,
	.figures = {
		{ "open of a clean 1 GiB pool, 1 M objects of 64 B", "ms",
		  AGAINST_VALUE, 100, 0 },
		{ "  and close", "ms", AGAINST_NOTHING, 0, 0 },
	},
};
