/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/work_budget.c: libpmheap only: transactions on random words of a pool
 * that is much larger than the DRAM that its working copy may take, and how
 * much it does take.
 */
#include "sys.h"

#define PARTS 20
#define WORDS_GIB ((size_t)128 << 20)

static struct {
	const char *path;
	size_t	 word_n;
	uint64_t stamp;
	struct rng rng;
} w;

static void budget_start(void)
{
	w.word_n = bench_pick((size_t)1 << 20, WORDS_GIB / 4, WORDS_GIB);
	w.rng = rng_of(4);
	w.stamp = 1;
	w.path = bench_path("budget");
	sys_create(0, w.path, w.word_n * sizeof(uint64_t));
	word_make(w.word_n);
}

/* The DRAM is looked at in between, where it is not measured. */
static void budget_run(void)
{
	size_t op_n = bench_pick(50, 2000, 20000);
	struct rng before = w.rng;
	uint64_t first = w.stamp;
	double took = 0, dram = 0;

	for (int part = 0; part < PARTS; part++) {
		double start = bench_now(), held;

		for (size_t i = 0; i < op_n; i++)
			word_set(rng_next(&w.rng) % w.word_n, w.stamp++);
		took += bench_now() - start;
		held = heap_dram_bytes();
		dram = held > dram ? held : dram;
	}
	bench_figure("word", took * 1e9 / (double)(op_n * PARTS));
	bench_figure("dram", dram / (1 << 20));
	for (uint64_t least = first; least < w.stamp; least++)
		if (word_get(rng_next(&before) % w.word_n) < least)
			bench_die("a word that was written is not there");
}

static void budget_stop(void)
{
	sys_close(0);
}

const struct bench_work work_budget = {
	"budget", budget_start, budget_run, budget_stop,
};
