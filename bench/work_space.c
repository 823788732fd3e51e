/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/work_space.c: pool bytes for a byte asked for. A pool of a fixed size
 * is filled until it refuses; all of the file counts, metadata and log too.
 */
#include "bench.h"

#include <errno.h>
#include <pmheap.h>

#define OBJECT_N 1000000
#define SIZE 64
#define RANDOM_LEAST 16
#define RANDOM_MOST 1024
#define RANDOM_MEAN ((RANDOM_LEAST + RANDOM_MOST) / 2)

/* Fills a pool of len bytes; size 0: random ones. Objects, and their bytes. */
static void pool_fill(const struct bench_run *run, size_t len, size_t size,
		      double *object_n, double *bytes)
{
	int region = pool_open(bench_path(run->dir, "space"),
			       len / 4096 * 4096, 0);

	*object_n = 0;
	*bytes = 0;
	for (;;) {
		size_t n = size ? size : RANDOM_LEAST + bench_random() %
					 (RANDOM_MOST - RANDOM_LEAST + 1);

		if (!pm_alloc_in(region, n))
			break;
		*object_n += 1;
		*bytes += (double)n;
	}
	if (errno != ENOMEM)
		bench_die("filling a pool");
	pool_close(region);
}

static void space_run(const struct bench_run *run, double *out)
{
	double len = 1.05 * OBJECT_N * SIZE, objects, bytes;

	pool_fill(run, (size_t)len, SIZE, &objects, &bytes);
	out[0] = len / bytes;
	len = 1.15 * OBJECT_N * RANDOM_MEAN / (run->quick ? 10 : 1);
	pool_fill(run, (size_t)len, 0, &objects, &bytes);
	out[1] = len / bytes;
}

static void space_nothing(const struct bench_run *run)
{
	(void)run;
}

static void space_stop(void)
{
}

const struct bench_work work_space = {
	.name = "space",
	.once = true,
	.start = space_nothing,
	.run = space_run,
	.stop = space_stop,
	.figures = {
		{ "pool bytes per byte, 1 M objects of 64 B", "",
		  AGAINST_VALUE, 1.05, 0 },
		{ "pool bytes per byte, random 16..1024 B", "",
		  AGAINST_VALUE, 1.15, 0 },
	},
};
