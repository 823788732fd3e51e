/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/measure.c: the clock, printed figures, threads that start at once, and
 * the files that are removed when the program ends.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "bench.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PATHS_MAX 16
#define THREADS_MAX 16

/* What LMDB and SQLite put beside their files. */
static const char *const beside[] = { "", "-lock", "-wal", "-shm",
				      "-journal" };
#define BESIDE_N (sizeof beside / sizeof beside[0])

static char *paths[PATHS_MAX];
static size_t path_n;
static pid_t paths_pid;

double bench_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

double bench_ns(double start, size_t op_n)
{
	return (bench_now() - start) * 1e9 / (double)op_n;
}

size_t bench_pick(size_t tiny, size_t quick, size_t full)
{
	if (bench_run.scale == SCALE_TINY)
		return tiny;
	return bench_run.scale == SCALE_QUICK ? quick : full;
}

void bench_figure(const char *name, double value)
{
	printf("%s\t%.5f\n", name, value);
}

void bench_figure_n(const char *name, size_t n, double value)
{
	printf("%s.%zu\t%.5f\n", name, n, value);
}

void bench_die(const char *what)
{
	fflush(stdout);
	fprintf(stderr, "bench: %s: %s\n", what, sys_error());
	exit(1);
}

/* Name of a file beside the path, malloced. */
static char *name_beside(const char *path, size_t i)
{
	char *name;

	if (asprintf(&name, "%s%s", path, beside[i]) < 0)
		bench_die("out of memory");
	return name;
}

void bench_remove(const char *path)
{
	for (size_t i = 0; i < BESIDE_N; i++) {
		char *name = name_beside(path, i);

		unlink(name);
		free(name);
	}
}

/* Children that end leave the files to their parent. */
static void paths_remove(void)
{
	if (getpid() != paths_pid)
		return;
	for (size_t i = 0; i < path_n; i++)
		bench_remove(paths[i]);
}

static void stopped(int signal_number)
{
	paths_remove();
	_exit(128 + signal_number);
}

const char *bench_path(const char *name)
{
	if (path_n == 0) {
		paths_pid = getpid();
		atexit(paths_remove);
		signal(SIGINT, stopped);
		signal(SIGTERM, stopped);
	}
	if (path_n == PATHS_MAX ||
	    asprintf(&paths[path_n], "%s/pmheap-bench-%s.%d", bench_run.dir,
		     name, (int)getpid()) < 0)
		bench_die("too many files");
	for (size_t i = 0; i < path_n; i++)
		if (strcmp(paths[i], paths[path_n]) == 0) {
			free(paths[path_n]);
			bench_remove(paths[i]);
			return paths[i];
		}
	bench_remove(paths[path_n]);
	return paths[path_n++];
}

double bench_file_bytes(const char *path)
{
	double bytes = 0;

	for (size_t i = 0; i < BESIDE_N; i++) {
		char *name = name_beside(path, i);
		struct stat st;

		if (stat(name, &st) == 0)
			bytes += (double)st.st_size;
		free(name);
	}
	return bytes;
}

struct thread {
	pthread_t id;
	unsigned t;
	void	(*f)(void *arg, unsigned t);
	void	*arg;
	pthread_barrier_t *ready;
	double	 start, end;
};

static void *thread_main(void *arg)
{
	struct thread *thread = arg;

	sys_thread_begin();
	pthread_barrier_wait(thread->ready);
	thread->start = bench_now();
	thread->f(thread->arg, thread->t);
	thread->end = bench_now();
	sys_thread_end();
	return NULL;
}

double bench_threads(unsigned n, void (*f)(void *arg, unsigned t), void *arg)
{
	struct thread threads[THREADS_MAX];
	pthread_barrier_t ready;
	double start = 0, end = 0;

	if (n > THREADS_MAX || pthread_barrier_init(&ready, NULL, n))
		bench_die("threads");
	for (unsigned t = 0; t < n; t++) {
		threads[t] = (struct thread){ .t = t, .f = f, .arg = arg,
					      .ready = &ready };
		if (pthread_create(&threads[t].id, NULL, thread_main,
				   &threads[t]))
			bench_die("starting a thread");
	}
	for (unsigned t = 0; t < n; t++) {
		pthread_join(threads[t].id, NULL);
		if (t == 0 || threads[t].start < start)
			start = threads[t].start;
		if (threads[t].end > end)
			end = threads[t].end;
	}
	pthread_barrier_destroy(&ready);
	return end - start;
}
