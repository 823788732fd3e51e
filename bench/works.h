/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/works.h: the workloads, one in each work_*.c.
 */
#ifndef PMHEAP_BENCH_WORKS_H
#define PMHEAP_BENCH_WORKS_H

#include "bench.h"

extern const struct bench_work work_write, work_alloc, work_mixed, work_queue;
extern const struct bench_work work_map, work_walk;

#endif
