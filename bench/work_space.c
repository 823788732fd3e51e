/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/work_space.c: W9, bytes that a system takes for a byte of an object.
 *
 * A pool of a fixed size is filled until it refuses; all of the file counts,
 * metadata and log too. Of a volatile heap it is the growth of what is
 * resident; of LMDB and SQLite the files, with a key of 8 bytes that is counted
 * with the object.
 */
#include "sys.h"

#include <stdio.h>
#include <unistd.h>

#define SIZE 64
#define RANDOM_LEAST 16
#define RANDOM_MOST 1024
#define RANDOM_MEAN ((RANDOM_LEAST + RANDOM_MOST) / 2)
#define KEY 8

struct fill {
	size_t	 size;		/* of every object; 0: random             */
	double	 bytes;		/* asked for until now                    */
	struct rng rng;
};

static size_t fill_next(void *arg)
{
	struct fill *fill = arg;
	size_t n = fill->size;

	if (n == 0)
		n = RANDOM_LEAST + rng_next(&fill->rng) %
				   (RANDOM_MOST - RANDOM_LEAST + 1);
	fill->bytes += (double)n;
	return n;
}

#ifndef SYS_IS_HEAP

static size_t value_next(void *arg)
{
	return fill_next(arg) - KEY;
}

static double taken(struct fill *fill, size_t n)
{
	const char *path = bench_path("space");
	double taken_bytes;

	sys_create(0, path, n * RANDOM_MEAN);
	blob_fill(n, value_next, fill);
	if (blob_count() != n)
		bench_die("blobs are not there");
	sys_close(0);
	taken_bytes = bench_file_bytes(path);
	bench_remove(path);
	return taken_bytes;
}

#elif defined SYS_PERSISTENT

/* What is refused was not taken. */
static double taken(struct fill *fill, size_t n)
{
	size_t mean = fill->size ? fill->size : RANDOM_MEAN;
	size_t len = (n * mean + n * mean / 20) / 4096 * 4096;
	const char *path = bench_path("space");
	long object_n = 0;
	size_t next;

	sys_create_exact(0, path, len);
	while (heap_try(next = fill_next(fill)))
		object_n++;
	fill->bytes -= (double)next;
	if (heap_objects() != object_n)
		bench_die("objects are not there");
	sys_close(0);
	bench_remove(path);
	return (double)len;
}

#else

static double resident_bytes(void)
{
	FILE *in = fopen("/proc/self/statm", "r");
	double pages = 0;

	if (!in || fscanf(in, "%*s %lf", &pages) != 1)
		bench_die("reading /proc/self/statm");
	fclose(in);
	return pages * (double)sysconf(_SC_PAGESIZE);
}

/* All of each object is written, as it would be. The process ends after it. */
static double taken(struct fill *fill, size_t n)
{
	double before = resident_bytes();

	for (size_t i = 0; i < n; i++) {
		size_t len = fill_next(fill);
		char *p = heap_alloc(len);

		for (size_t k = 0; k < len; k++)
			p[k] = 1;
		bench_keep(p);
	}
	return resident_bytes() - before;
}

#endif

static void space_nothing(void)
{
}

static void space_run(void)
{
	size_t n = bench_pick(200000, 1000000, 1000000);
	struct fill same = { .size = SIZE, .rng = rng_of(5) };
	struct fill random = { .rng = rng_of(6) };
	double bytes = taken(&same, n);

	bench_figure("same", bytes / same.bytes);
	bytes = taken(&random, n / bench_pick(10, 10, 1));
	bench_figure("random", bytes / random.bytes);
}

const struct bench_work work_space = {
	"space", space_nothing, space_run, space_nothing,
};
