/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/works.c: the workloads that mean something to this program's system.
 */
#include "sys.h"
#include "works.h"

const struct bench_work *const bench_works[] = {
	&work_write,
	&work_map,
#ifdef SYS_IS_HEAP
	&work_alloc,
	&work_mixed,
	&work_queue,
	&work_walk,
#endif
#ifdef SYS_HAS_FAT
	&work_fat,
#endif
#ifdef SYS_PERSISTENT
	&work_open,
	&work_disk,
#endif
	&work_space,
	&work_threads,
	&work_grow,
#ifdef BENCH_PMHEAP
	&work_budget,
#endif
	NULL,
};
