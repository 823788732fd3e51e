/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/work_queue.c: W5, a queue of 1,000 nodes of 64 bytes; a transaction
 * that enqueues and one that dequeues.
 */
#include "sys.h"

#define LENGTH 1000

static struct {
	const char *path;
	uint64_t in, out;	/* next value to go in, and to come out   */
} w;

static void queue_start(void)
{
	w.path = bench_path("queue");
	sys_create(0, w.path, (size_t)16 << 20);
	queue_make();
	while (w.in < LENGTH)
		enqueue(heap_queue, w.in++);
}

static void queue_run(void)
{
	size_t op_n = bench_pick(100, 50000, 200000);
	uint64_t wrong = 0;
	double start = bench_now();

	for (size_t i = 0; i < op_n; i++) {
		enqueue(heap_queue, w.in++);
		wrong |= dequeue(heap_queue) ^ w.out++;
	}
	bench_figure("pair", bench_ns(start, op_n));
	if (wrong)
		bench_die("what comes out is not what went in");
}

static void queue_stop(void)
{
#ifdef SYS_PERSISTENT
	sys_close(0);
	sys_reopen(0, w.path);
	queue_make();
#endif
	while (w.out < w.in)
		if (dequeue(heap_queue) != w.out++)
			bench_die("the queue is not what it was");
	if (!ref_is_null(heap_queue->head))
		bench_die("the queue is longer than it was");
	sys_close(0);
}

const struct bench_work work_queue = {
	"queue", queue_start, queue_run, queue_stop,
};
