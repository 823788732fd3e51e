/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/work_threads.c: 1, 2 and 4 threads that change words, queues and maps
 * of their own in one pool. ns an operation: of all threads together.
 */
#include "sys.h"

#define THREADS_MOST 4
#define THREAD_WORDS ((size_t)1 << 16)
#define LENGTH 100

static struct {
	const char *path;
	size_t	 op_n;		/* per thread                             */
	struct rng rng[THREADS_MOST];
	uint64_t stamp;
	uint64_t wrong[THREADS_MOST];
} w;

static void threads_start(void)
{
	size_t word_n = THREADS_MOST * THREAD_WORDS;

	w.op_n = bench_pick(50, 20000, 100000);
#ifndef SYS_IS_HEAP
	w.op_n = bench_pick(50, 1000, 10000);
#endif
	w.path = bench_path("threads");
	sys_create(0, w.path, word_n * 8 + THREADS_MOST * w.op_n * 128);
	word_make(word_n);
	for (unsigned t = 0; t < THREADS_MOST; t++) {
		w.rng[t] = rng_of(t);
		map_make(t, w.op_n);
	}
#ifdef SYS_IS_HEAP
	queue_make();
#endif
}

static void words_change(void *arg, unsigned t)
{
	(void)arg;
	for (size_t i = 0; i < w.op_n; i++)
		word_set(t * THREAD_WORDS + rng_next(&w.rng[t]) % THREAD_WORDS,
			 w.stamp + i);
}

/* Each thread's random numbers once more: what it wrote last is there. */
static void words_verify(unsigned n, const struct rng *before)
{
	for (unsigned t = 0; t < n; t++) {
		struct rng rng = before[t];

		for (size_t i = 0; i < w.op_n; i++) {
			uint64_t value = word_get(t * THREAD_WORDS +
				rng_next(&rng) % THREAD_WORDS);

			if (value < w.stamp + i ||
			    value >= w.stamp + w.op_n)
				bench_die("a thread's word is not there");
		}
	}
}

static void map_use(void *arg, unsigned t)
{
	(void)arg;
	for (uint64_t i = 1; i <= w.op_n; i++)
		map_insert(t, map_key(t, i), i);
	for (uint64_t i = 1; i <= w.op_n; i++)
		w.wrong[t] |= map_find(t, map_key(t, i)) ^ i;
	for (uint64_t i = 1; i <= w.op_n; i++)
		w.wrong[t] |= !map_remove(t, map_key(t, i));
}

#ifdef SYS_IS_HEAP
static void queue_use(void *arg, unsigned t)
{
	struct queue *q = &heap_queue[t];
	uint64_t in = 0, out = 0;

	(void)arg;
	while (in < LENGTH)
		enqueue(q, in++);
	for (size_t i = 0; i < w.op_n; i++) {
		enqueue(q, in++);
		w.wrong[t] |= dequeue(q) ^ out++;
	}
	while (out < in)
		w.wrong[t] |= dequeue(q) ^ out++;
}
#endif

static void threads_measure(const char *name, unsigned n,
			    void (*f)(void *arg, unsigned t))
{
	double took = bench_threads(n, f, NULL);

	bench_figure_n(name, n, took * 1e9 / (double)(n * w.op_n));
	for (unsigned t = 0; t < n; t++)
		if (w.wrong[t])
			bench_die("a thread found something else");
}

static void threads_run(void)
{
	for (unsigned n = 1; n <= THREADS_MOST; n *= 2) {
		struct rng before[THREADS_MOST];

		for (unsigned t = 0; t < THREADS_MOST; t++)
			before[t] = w.rng[t];
		w.stamp += w.op_n;
		threads_measure("word", n, words_change);
		words_verify(n, before);
		threads_measure("map", n, map_use);
#ifdef SYS_IS_HEAP
		threads_measure("queue", n, queue_use);
#endif
	}
}

static void threads_stop(void)
{
	for (unsigned t = 0; t < THREADS_MOST; t++)
		if (map_find(t, map_key(t, 1)))
			bench_die("a map holds what was removed");
	sys_close(0);
}

const struct bench_work work_threads = {
	"threads", threads_start, threads_run, threads_stop,
};
