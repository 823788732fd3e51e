/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/work_mixed.c: W1b, many objects of 16 to 512 bytes, allocated in
 * transactions of 1,000 and freed so in random order. Each is told its number
 * and its length, which are compared before it is freed.
 */
#include "sys.h"

#include <stdlib.h>

#define SIZE_LEAST 16
#define SIZE_MOST 512
#define TX_N 1000

struct object {
	uint32_t len;
	uint32_t idx;
};

static struct {
	const char *path;
	size_t	 n;
	ref	*object;
	uint32_t *order;	/* in which they are freed                */
	long	 object_n;
	struct rng rng;
} w;

static void mixed_start(void)
{
	w.n = bench_pick(2000, 100000, 1000000);
	w.rng = rng_of(2);
	w.path = bench_path("mixed");
	w.object = malloc(w.n * sizeof *w.object);
	w.order = malloc(w.n * sizeof *w.order);
	if (!w.object || !w.order)
		bench_die("out of memory");
	rng_order(&w.rng, w.order, w.n);
	sys_create(0, w.path, w.n * (SIZE_LEAST + SIZE_MOST) / 2);
	(void)heap_array(0, SLOT_OWN, 64);
	w.object_n = heap_objects();
}

static void objects_alloc(size_t from, size_t to)
{
	HEAP_TX_BEGIN {
		for (size_t i = from; i < to; i++) {
			size_t len = SIZE_LEAST + rng_next(&w.rng) %
				     (SIZE_MOST - SIZE_LEAST + 1);
			struct object *object;

			w.object[i] = heap_tx_alloc(len);
			object = ref_at(w.object[i]);
			object->len = (uint32_t)len;
			object->idx = (uint32_t)i;
		}
	} HEAP_TX_END
}

static void objects_free(size_t from, size_t to)
{
	HEAP_TX_BEGIN {
		for (size_t i = from; i < to; i++)
			heap_tx_free(w.object[w.order[i]]);
	} HEAP_TX_END
}

/* The last byte of each belongs to nobody else either. */
static void objects_verify(void)
{
	for (size_t i = 0; i < w.n; i++) {
		struct object *object = ref_at(w.object[i]);

		if (object->len >= 2 * sizeof *object)
			((char *)object)[object->len - 1] = (char)i;
	}
	for (size_t i = 0; i < w.n; i++) {
		struct object *object = ref_at(w.object[i]);

		if (object->idx != i || object->len < SIZE_LEAST ||
		    ((char *)object)[object->len - 1] != (char)i)
			bench_die("two objects share their bytes");
	}
}

static void mixed_run(void)
{
	double start = bench_now();

	for (size_t i = 0; i < w.n; i += TX_N)
		objects_alloc(i, i + TX_N);
	bench_figure("alloc", bench_ns(start, w.n));
	objects_verify();
	start = bench_now();
	for (size_t i = 0; i < w.n; i += TX_N)
		objects_free(i, i + TX_N);
	bench_figure("free", bench_ns(start, w.n));
}

static void mixed_stop(void)
{
	if (heap_objects() != w.object_n)
		bench_die("objects are left");
	sys_close(0);
	free(w.object);
	free(w.order);
}

const struct bench_work work_mixed = {
	"mixed", mixed_start, mixed_run, mixed_stop,
};
