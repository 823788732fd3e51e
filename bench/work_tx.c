/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/work_tx.c: a transaction that changes 8 random bytes, and its fences.
 */
#include "bench.h"

#include <pmheap.h>

#define POOL_SIZE ((size_t)256 << 20)
#define DATA_LEN ((size_t)224 << 20)
#define PAGE 4096

static struct {
	int	 region;
	char	*data;
} w;

static void word_change(uint64_t *word, uint64_t value)
{
	TX_START {
		TX_SET(*word, value);
	} TX_END
	if (pm_tx_errno())
		bench_die("a transaction");
}

/* Every page is changed once, so that no page fault is measured. */
static void tx_start(const struct bench_run *run)
{
	w.region = pool_open(bench_path(run->dir, "tx"), POOL_SIZE, 0);
	w.data = pm_alloc_in(w.region, DATA_LEN);
	if (!w.data)
		bench_die("allocating the transactions' bytes");
	for (size_t at = 0; at < DATA_LEN; at += PAGE)
		word_change((uint64_t *)(w.data + at), at);
}

static void tx_run(const struct bench_run *run, double *out)
{
	size_t op_n = run->quick ? 50000 : 300000;
	PmStats before, after;
	double start, commits;

	pm_stats(w.region, &before);
	start = bench_now();
	for (size_t i = 0; i < op_n; i++) {
		uint64_t r = bench_random();

		word_change((uint64_t *)(w.data + r % (DATA_LEN / 8) * 8), r);
	}
	out[0] = (bench_now() - start) * 1e9 / (double)op_n;
	pm_stats(w.region, &after);
	commits = (double)(after.commits - before.commits);
	if (after.commits - before.commits != op_n)
		bench_die("commits are not those that were made");
	out[1] = (double)(after.commit_fences - before.commit_fences) / commits;
	out[2] = (double)(after.fences - before.fences) / commits;
}

static void tx_stop(void)
{
	pool_close(w.region);
}

const struct bench_work work_tx = {
	.name = "tx",
	.start = tx_start,
	.run = tx_run,
	.stop = tx_stop,
	.figures = {
		{ "transaction of 8 random bytes, 256 MiB pool", "ns",
		  AGAINST_FLOOR, 3.0, 0 },
		{ "  fences per commit", "", AGAINST_EXACT, 1.0, 0 },
		{ "  with those of its checkpoints", "", AGAINST_NOTHING, 0, 0 },
	},
};
