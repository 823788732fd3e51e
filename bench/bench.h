/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/bench.h: what all programs here share. Each program is one system (or
 * `limit`, the machine itself) with the same loops. It sets one workload up,
 * runs it whenever it is told to, prints what it measured, and verifies in the
 * end that everything it did is there. main.c is the program, measure.c the
 * clock and the like, work_*.c the loops, compare the driver of them all.
 */
#ifndef PMHEAP_BENCH_H
#define PMHEAP_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How much work a run is: a test that it works at all, a first impression, the
 * figures. */
enum bench_scale { SCALE_TINY, SCALE_QUICK, SCALE_FULL };

struct bench_run {
	const char *dir;	/* where pools are made                       */
	enum bench_scale scale;
	bool	 disk;		/* dir is on a disk: no forced pmem           */
	bool	 resident;	/* libpmheap: PM_RESIDENT                     */
	bool	 relaxed;	/* libpmheap: PM_RELAXED                      */
	size_t	 budget_len;	/* libpmheap: work_budget; 0: none            */
};

extern struct bench_run bench_run;

/* A workload. run() measures all its figures once and prints them. */
struct bench_work {
	const char *name;
	void	(*start)(void);
	void	(*run)(void);
	void	(*stop)(void);	/* verifies, closes                           */
};

/* All workloads of this program; NULL ends the list. */
extern const struct bench_work *const bench_works[];

/* One of three numbers, by the scale of the run. */
size_t bench_pick(size_t tiny, size_t quick, size_t full);

/* xorshift64: a few cycles, so that it does not count in what is measured. */
struct rng {
	uint64_t state;
};

static inline uint64_t rng_next(struct rng *r)
{
	r->state ^= r->state << 13;
	r->state ^= r->state >> 7;
	r->state ^= r->state << 17;
	return r->state;
}

static inline struct rng rng_of(uint64_t seed)
{
	return (struct rng){ 88172645463325252u + seed * 0x9e3779b97f4a7c15u };
}

/* The numbers below n in an order of chance. */
static inline void rng_order(struct rng *r, uint32_t *order, size_t n)
{
	for (size_t i = 0; i < n; i++)
		order[i] = (uint32_t)i;
	for (size_t i = n - 1; i > 0; i--) {
		size_t k = rng_next(r) % (i + 1);
		uint32_t kept = order[i];

		order[i] = order[k];
		order[k] = kept;
	}
}

/* The compiler must take p for used, and its bytes for read and written. */
static inline void bench_keep(void *p)
{
	__asm__ volatile("" : "+r"(p) : : "memory");
}

double bench_now(void);				/* seconds               */
/* Prints name and value; the driver reads them. */
void bench_figure(const char *name, double value);
/* The same with a number in the name: "name.n". */
void bench_figure_n(const char *name, size_t n, double value);
/* ns an operation since start. */
double bench_ns(double start, size_t op_n);
/* Prints what failed, with the system's sentence if it has one; exits. */
void bench_die(const char *what) __attribute__((noreturn));
/* Name of a new file in the run's directory, the same for the same name. It is
 * removed, with what others add to its name, when the program ends. */
const char *bench_path(const char *name);
/* Before that. */
void bench_remove(const char *path);
/* bytes of the file and of what the system put beside it */
double bench_file_bytes(const char *path);
/*
 * Runs f(arg, t) in n threads that start at once; seconds from the first start
 * to the last end.
 */
double bench_threads(unsigned n, void (*f)(void *arg, unsigned t), void *arg);

/* Each system's: after the options are read, before anything else. */
void sys_start(char **argv);
/* Each system's: why its last call failed; never NULL. */
const char *sys_error(void);
/* Each system's: around what a thread does (main's too). */
void sys_thread_begin(void);
void sys_thread_end(void);

#endif
