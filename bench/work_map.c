/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/work_map.c: W6, a hash map (in a store of pairs: a table); inserts and
 * removes are transactions, lookups are not.
 */
#include "sys.h"

static struct {
	const char *path;
	size_t	 n;
} w;

static void map_start(void)
{
	w.n = bench_pick(200, 50000, 1000000);
#ifndef SYS_IS_HEAP
	w.n = bench_pick(200, 5000, 100000);
#endif
	w.path = bench_path("map");
	sys_create(0, w.path, w.n * 64);
	map_make(0, w.n);
}

static void lookups(size_t n)
{
	for (uint64_t i = 1; i <= n; i++)
		if (map_find(0, map_key(0, i)) != i)
			bench_die("a lookup found something else");
}

static void map_run(void)
{
	double start = bench_now();
	bool found = true;

	for (uint64_t i = 1; i <= w.n; i++)
		map_insert(0, map_key(0, i), i);
	bench_figure("insert", bench_ns(start, w.n));
	/* What inserting left in the cache is another question. */
	lookups(w.n);
	start = bench_now();
	lookups(w.n);
	bench_figure("lookup", bench_ns(start, w.n));
	start = bench_now();
	for (uint64_t i = 1; i <= w.n; i++)
		found &= map_remove(0, map_key(0, i));
	bench_figure("remove", bench_ns(start, w.n));
	if (!found || map_find(0, map_key(0, 1)))
		bench_die("removes did not find what was there");
}

static void map_stop(void)
{
	size_t n = w.n < 1000 ? w.n : 1000;

	for (uint64_t i = 1; i <= n; i++)
		map_insert(0, map_key(0, i), i);
#ifdef SYS_PERSISTENT
	sys_close(0);
	sys_reopen(0, w.path);
	map_make(0, w.n);
#endif
	lookups(n);
	if (map_find(0, map_key(0, n + 1)))
		bench_die("the map holds what was removed");
	sys_close(0);
}

const struct bench_work work_map = {
	"map", map_start, map_run, map_stop,
};
