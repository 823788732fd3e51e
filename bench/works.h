/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/works.h: the workloads, one in each work_*.c.
 */
#ifndef PMHEAP_BENCH_WORKS_H
#define PMHEAP_BENCH_WORKS_H

#include "bench.h"

extern const struct bench_work work_write, work_alloc, work_mixed, work_queue;
extern const struct bench_work work_map, work_walk, work_fat, work_budget;
extern const struct bench_work work_open, work_space, work_grow, work_threads;
extern const struct bench_work work_disk;

#endif
