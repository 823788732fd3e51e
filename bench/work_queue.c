/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/work_queue.c: a FIFO of 64-byte nodes, a transaction per operation.
 */
#include "bench.h"

#include <pmheap.h>

#define POOL_SIZE ((size_t)64 << 20)
#define LENGTH 1000

struct node {
	struct node *next;
	char	 data[56];
};

struct queue {
	struct node *head;
	struct node *tail;
};

static struct {
	int	 region;
	struct queue *queue;
} w;

static int enqueue(struct queue *q, uint64_t value)
{
	TX_START {
		struct node *n = pm_alloc_in(w.region, sizeof *n);

		if (n) {
			n->next = NULL;
			*(uint64_t *)n->data = value;
			if (q->tail)
				TX_SET(q->tail->next, n);
			TX_ADD(q);
			if (!q->head)
				q->head = n;
			q->tail = n;
		}
	} TX_END
	return pm_tx_errno();
}

static int dequeue(struct queue *q)
{
	struct node *n = q->head;

	TX_START {
		TX_ADD(q);
		q->head = n->next;
		if (!q->head)
			q->tail = NULL;
		pm_free(n);
	} TX_END
	return pm_tx_errno();
}

static void queue_start(const struct bench_run *run)
{
	w.region = pool_open(bench_path(run->dir, "queue"), POOL_SIZE, 0);
	w.queue = pm_root_in(w.region, sizeof *w.queue);
	if (!w.queue)
		bench_die("the queue's root");
	for (int i = 0; i < LENGTH; i++)
		if (enqueue(w.queue, 0))
			bench_die("filling the queue");
}

static void queue_run(const struct bench_run *run, double *out)
{
	size_t op_n = run->quick ? 50000 : 200000;
	double start = bench_now();

	for (size_t i = 0; i < op_n; i++)
		if (enqueue(w.queue, i) || dequeue(w.queue))
			bench_die("an operation on the queue");
	out[0] = (bench_now() - start) * 1e9 / (double)op_n;
}

static void queue_stop(void)
{
	pool_close(w.region);
}

const struct bench_work work_queue = {
	.name = "queue",
	.start = queue_start,
	.run = queue_run,
	.stop = queue_stop,
	.figures = {
		{ "queue of 64 B nodes: enqueue + dequeue, durable", "ns",
		  AGAINST_FLOOR, 0, 0 },
	},
};
