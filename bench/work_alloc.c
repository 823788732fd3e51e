/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/work_alloc.c: pm_alloc and pm_free of 64 bytes, per pair.
 */
#include "bench.h"

#include <pmheap.h>

#define POOL_SIZE ((size_t)64 << 20)
#define SIZE 64
#define PAIR_N 100

static struct {
	int	 region;
} w;

static void alloc_start(const struct bench_run *run)
{
	w.region = pool_open(bench_path(run->dir, "alloc"), POOL_SIZE, 0);
}

/* Transactions of pairs that are allocated and freed at once. */
static double pairs_at_once(size_t tx_n)
{
	double start = bench_now();

	for (size_t t = 0; t < tx_n; t++) {
		TX_START {
			for (size_t i = 0; i < PAIR_N; i++)
				pm_free(pm_alloc_in(w.region, SIZE));
		} TX_END
		if (pm_tx_errno())
			bench_die("a transaction of pairs");
	}
	return (bench_now() - start) * 1e9 / (double)(tx_n * PAIR_N);
}

/* Transactions that free what the one before allocated. */
static double pairs_across(size_t tx_n)
{
	void *object[PAIR_N] = { 0 };
	double start = bench_now(), took;

	for (size_t t = 0; t < tx_n; t++) {
		TX_START {
			for (size_t i = 0; i < PAIR_N; i++) {
				pm_free(object[i]);
				object[i] = pm_alloc_in(w.region, SIZE);
			}
		} TX_END
		if (pm_tx_errno())
			bench_die("a transaction of pairs");
	}
	took = bench_now() - start;
	for (size_t i = 0; i < PAIR_N; i++)
		pm_free(object[i]);
	return took * 1e9 / (double)(tx_n * PAIR_N);
}

static double pairs_durable(size_t pair_n)
{
	double start = bench_now();

	for (size_t i = 0; i < pair_n; i++) {
		void *object = pm_alloc_in(w.region, SIZE);

		if (!object)
			bench_die("an allocation");
		pm_free(object);
	}
	return (bench_now() - start) * 1e9 / (double)pair_n;
}

static void alloc_run(const struct bench_run *run, double *out)
{
	size_t tx_n = run->quick ? 500 : 3000;

	out[0] = pairs_at_once(tx_n);
	out[1] = pairs_across(tx_n);
	out[2] = pairs_durable(tx_n * PAIR_N);
}

static void alloc_stop(void)
{
	pool_close(w.region);
}

const struct bench_work work_alloc = {
	.name = "alloc",
	.start = alloc_start,
	.run = alloc_run,
	.stop = alloc_stop,
	.figures = {
		{ "alloc + free of 64 B, 100 pairs a transaction", "ns",
		  AGAINST_VALUE, 150, 0 },
		{ "  freed in the next transaction", "ns",
		  AGAINST_VALUE, 150, 0 },
		{ "alloc + free of 64 B, each durable", "ns",
		  AGAINST_FLOOR, 0, 0 },
	},
};
