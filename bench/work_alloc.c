/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/work_alloc.c: objects of 64 bytes, allocated and freed. W1, each
 * durable; pairs inside a transaction of 100; W1c, allocated and published in
 * a persistent slot.
 */
#include "sys.h"

#define SIZE 64
#define PAIR_N 100
#define SLOT_N 4096

static struct {
	const char *path;
	ref	*slot;
	long	 object_n;	/* before the first run                   */
} w;

static void alloc_start(void)
{
	w.path = bench_path("alloc");
	sys_create(0, w.path, (size_t)32 << 20);
	w.slot = heap_array(0, SLOT_OWN, SLOT_N * sizeof *w.slot);
	w.object_n = heap_objects();
}

static void pairs_durable(size_t pair_n)
{
	long commits = heap_commits();
	double start = bench_now();

	for (size_t i = 0; i < pair_n; i++)
		heap_free(heap_alloc(SIZE));
	bench_figure("pair", bench_ns(start, pair_n));
	if (commits >= 0 && heap_commits() - commits != 2 * (long)pair_n)
		bench_die("there are not two commits to a pair");
}

static void pairs_make(void)
{
	HEAP_TX_BEGIN {
		for (size_t i = 0; i < PAIR_N; i++)
			heap_tx_free(heap_tx_alloc(SIZE));
	} HEAP_TX_END
}

static void pairs_in_tx(size_t tx_n)
{
	double start = bench_now();

	for (size_t t = 0; t < tx_n; t++)
		pairs_make();
	bench_figure("pair_in_tx", bench_ns(start, tx_n * PAIR_N));
}

/* Freeing is not measured. */
static void publish(size_t round_n)
{
	double took = 0;

	for (size_t r = 0; r < round_n; r++) {
		double start = bench_now();

		for (size_t i = 0; i < SLOT_N; i++)
			heap_publish(&w.slot[i], SIZE);
		took += bench_now() - start;
		for (size_t i = 0; i < SLOT_N; i++)
			*(size_t *)ref_at(w.slot[i]) = i;
		for (size_t i = 0; i < SLOT_N; i++) {
			if (*(size_t *)ref_at(w.slot[i]) != i)
				bench_die("two objects share their bytes");
			heap_free(w.slot[i]);
		}
	}
	bench_figure("publish", took * 1e9 / (double)(round_n * SLOT_N));
}

static void alloc_run(void)
{
	pairs_durable(bench_pick(100, 50000, 300000));
	pairs_in_tx(bench_pick(10, 1000, 5000));
	publish(bench_pick(1, 8, 40));
}

static void alloc_stop(void)
{
	if (heap_objects() != w.object_n)
		bench_die("objects are left");
	sys_close(0);
#ifdef SYS_PERSISTENT
	sys_reopen(0, w.path);
	if (heap_objects() != w.object_n)
		bench_die("objects are left after opening again");
	sys_close(0);
#endif
}

const struct bench_work work_alloc = {
	"alloc", alloc_start, alloc_run, alloc_stop,
};
