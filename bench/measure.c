/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/measure.c: the clock, medians, random numbers, the machine's name, and
 * the files that are removed when the program ends.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "bench.h"

#include <pmheap.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define PATHS_MAX 16

static char *paths[PATHS_MAX];
static size_t path_n;
static uint64_t random_state = 88172645463325252u;

double bench_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* xorshift64: a few cycles, so that it does not count in what is measured. */
uint64_t bench_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(double *values, size_t n)
{
	qsort(values, n, sizeof *values, compare);
	return n % 2 ? values[n / 2] :
		       (values[n / 2 - 1] + values[n / 2]) / 2;
}

double bench_least(const double *values, size_t n)
{
	double least = values[0];

	for (size_t i = 1; i < n; i++)
		if (values[i] < least)
			least = values[i];
	return least;
}

double bench_most(const double *values, size_t n)
{
	double most = values[0];

	for (size_t i = 1; i < n; i++)
		if (values[i] > most)
			most = values[i];
	return most;
}

void bench_die(const char *what)
{
	const char *why = pm_errormsg();

	fflush(stdout);
	fprintf(stderr, "bench: %s: %s\n", what, *why ? why : "failed");
	exit(1);
}

/* The rest of the first line of a file that starts with key. */
static void line_print(const char *label, const char *path, const char *key)
{
	char line[512];
	FILE *in = fopen(path, "r");

	if (!in)
		return;
	while (fgets(line, sizeof line, in)) {
		char *at = line + strlen(key);

		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		at += strspn(at, " \t:");
		printf("  %-15s %s", label, at);
		break;
	}
	fclose(in);
}

void bench_machine_print(const char *dir)
{
	struct utsname u;

	line_print("processor", "/proc/cpuinfo", "model name");
	if (uname(&u) == 0)
		printf("  %-15s %s %s, %ld processors\n", "system", u.sysname,
		       u.release, sysconf(_SC_NPROCESSORS_ONLN));
	line_print("huge pages", "/sys/kernel/mm/transparent_hugepage/enabled",
		   "");
	printf("  %-15s %s, libpmem's flush instructions forced\n\n",
	       "pools in", dir);
}

static void paths_remove(void)
{
	for (size_t i = 0; i < path_n; i++)
		unlink(paths[i]);
}

static void stopped(int signal_number)
{
	paths_remove();
	_exit(128 + signal_number);
}

const char *bench_path(const char *dir, const char *name)
{
	if (path_n == 0) {
		atexit(paths_remove);
		signal(SIGINT, stopped);
		signal(SIGTERM, stopped);
	}
	if (path_n == PATHS_MAX ||
	    asprintf(&paths[path_n], "%s/pmbench-%s.%d", dir, name,
		     (int)getpid()) < 0)
		bench_die("too many files");
	unlink(paths[path_n]);
	return paths[path_n++];
}
