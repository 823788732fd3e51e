/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/bench.h: what the benchmarks share. Clock, medians and random numbers
 * are in measure.c, the machine's floor in floor.c, the table in table.c; the
 * workloads are in work_*.c and are listed in pmbench.c.
 */
#ifndef PMHEAP_BENCH_H
#define PMHEAP_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* measure.c */
double bench_now(void);				/* seconds               */
uint64_t bench_random(void);			/* never 0               */
/* Sorts values. */
double bench_median(double *values, size_t n);
double bench_least(const double *values, size_t n);
double bench_most(const double *values, size_t n);
/* Prints what failed, with the library's sentence if it has one; exits. */
void bench_die(const char *what) __attribute__((noreturn));
/* What the figures depend on: processor, kernel, page sizes. */
void bench_machine_print(const char *dir);
/* Name of a new file, which is removed when the program ends. */
const char *bench_path(const char *dir, const char *name);

/* floor.c: ns for 64 B made durable, by libpmem's primitives alone. */
enum { FLOOR_CLWB, FLOOR_NT, FLOOR_RANDOM, FLOOR_N };
extern const char *const floor_names[FLOOR_N];

struct floor_map {
	char	*base;
	size_t	 len;
};

void floor_open(struct floor_map *map, const char *dir);
double floor_run(struct floor_map *map, int which, size_t op_n);
void floor_close(struct floor_map *map);

/* Settings of a run. */
struct bench_run {
	const char *dir;
	bool	 quick;
};

/* How a figure is judged. */
enum bench_against {
	AGAINST_NOTHING,
	AGAINST_FLOOR,		/* ratio to the floor's first figure     */
	AGAINST_VALUE,		/* the figure itself                     */
	AGAINST_EXACT,		/* the figure itself, no more, no less   */
	AGAINST_ROW,		/* ratio to another figure of its work   */
};

struct bench_figure {
	const char *name;	/* NULL ends the list                    */
	const char *unit;
	enum bench_against against;
	double	 limit;		/* at most; 0: none                      */
	int	 row;		/* AGAINST_ROW: index in its work        */
};

#define BENCH_FIGURES 5
#define BENCH_ROUNDS 15

/* A workload; run() measures all its figures once. */
struct bench_work {
	const char *name;
	bool	 once;		/* run in the first round only           */
	void	(*start)(const struct bench_run *run);
	void	(*run)(const struct bench_run *run, double *out);
	void	(*stop)(void);
	struct bench_figure figures[BENCH_FIGURES + 1];
};

struct bench_result {
	double	 sample[BENCH_FIGURES][BENCH_ROUNDS];
	size_t	 n;		/* rounds                                */
};

/* table.c */
void table_head(void);
/* floor: FLOOR_CLWB of each round. Returns how many limits are not met. */
int table_work(const struct bench_work *work, const struct bench_result *result,
	       const double *floor);

/* work_*.c */
extern const struct bench_work work_tx, work_alloc, work_queue, work_map;
extern const struct bench_work work_walk, work_open, work_space;

/*
 * pools.c: a secondary on the forced-pmem path; size 0: it exists. flags: 0 or
 * PM_RESIDENT.
 */
int pool_open(const char *path, size_t size, unsigned flags);
void pool_close(int region);

#endif
