/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/work_fat.c: loads through plain addresses, and through references that
 * are valid under any address: all into one pool, and into two in turn.
 */
#include "sys.h"

#define REF_N 1000

static struct {
	const char *path[2];
	uint64_t *plain[REF_N];
	fat	 one[REF_N];
	fat	 two[REF_N];
} w;

static void fat_start(void)
{
	for (unsigned pool = 0; pool < 2; pool++) {
		w.path[pool] = bench_path(pool ? "fat1" : "fat0");
		sys_create(pool, w.path[pool], (size_t)1 << 20);
	}
	for (unsigned i = 0; i < REF_N; i++) {
		uint64_t *a = heap_array(0, SLOT_WORDS, REF_N * sizeof *a);
		uint64_t *b = heap_array(1, SLOT_WORDS, REF_N * sizeof *b);

		heap_set_word(&a[i], i);
		w.plain[i] = &a[i];
		w.one[i] = fat_of(&a[i]);
		w.two[i] = fat_of(i % 2 ? &b[i] : &a[i]);
	}
}

static uint64_t plain_sum(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < REF_N; i++) {
		uint64_t *p = w.plain[i];

		bench_keep(&p);
		sum += *p;
	}
	return sum;
}

static uint64_t fat_sum(const fat *f)
{
	uint64_t sum = 0;

	for (int i = 0; i < REF_N; i++) {
		uint64_t *p = fat_at(f[i]);

		bench_keep(&p);
		sum += *p;
	}
	return sum;
}

static void sum_verify(uint64_t sum, unsigned step)
{
	uint64_t want = 0;

	for (unsigned i = 0; i < REF_N; i += step)
		want += i;
	if (sum != want)
		bench_die("a reference leads elsewhere");
}

static void fat_run(void)
{
	size_t n = bench_pick(10, 3000, 20000);
	uint64_t sum = 0;
	double start = bench_now();

	for (size_t i = 0; i < n; i++)
		sum = plain_sum();
	bench_figure("plain", bench_ns(start, n * REF_N));
	sum_verify(sum, 1);
	start = bench_now();
	for (size_t i = 0; i < n; i++)
		sum = fat_sum(w.one);
	bench_figure("one", bench_ns(start, n * REF_N));
	sum_verify(sum, 1);
	start = bench_now();
	for (size_t i = 0; i < n; i++)
		sum = fat_sum(w.two);
	bench_figure("two", bench_ns(start, n * REF_N));
	sum_verify(sum, 2);
}

static void fat_stop(void)
{
	sys_close(1);
	sys_close(0);
}

const struct bench_work work_fat = {
	"fat", fat_start, fat_run, fat_stop,
};
