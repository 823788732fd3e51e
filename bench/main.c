/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/main.c: the program around a system's workloads. With --serve it runs
 * the workload once for every line that it reads, so that the driver can let
 * systems take turns; a line of a dot ends what it answers.
 */
#include "bench.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bench_run bench_run = { .dir = "/dev/shm", .scale = SCALE_QUICK };

static int usage(FILE *out)
{
	fputs("Usage: on-SYSTEM --work NAME [OPTION]...\n"
	      "Measures one workload, and verifies what it did.\n\n"
	      "  --work NAME    the workload:", out);
	for (size_t i = 0; bench_works[i]; i++)
		fprintf(out, " %s", bench_works[i]->name);
	fputs("\n  --scale SCALE  tiny, quick or full (quick)\n"
	      "  --rounds N     run it N times (3)\n"
	      "  --serve        run it once for each line of input\n"
	      "  --dir DIR      where files are made (/dev/shm)\n"
	      "  --disk         they are on a disk: persistent memory is not "
	      "assumed\n"
	      "  --list         print the names of the workloads\n"
	      "libpmheap only:\n"
	      "  --resident     pools in anonymous memory\n"
	      "  --relaxed      commits become durable in groups\n"
	      "  --budget MIB   DRAM for the working copy\n", out);
	return out == stderr ? 2 : 0;
}

static int list(void)
{
	for (size_t i = 0; bench_works[i]; i++)
		puts(bench_works[i]->name);
	return 0;
}

static const struct bench_work *work_named(const char *name)
{
	for (size_t i = 0; name && bench_works[i]; i++)
		if (strcmp(bench_works[i]->name, name) == 0)
			return bench_works[i];
	return NULL;
}

static bool scale_parse(const char *name)
{
	static const char *const names[] = { "tiny", "quick", "full" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(names[i], name) == 0) {
			bench_run.scale = (enum bench_scale)i;
			return true;
		}
	return false;
}

static void answer(const struct bench_work *work)
{
	work->run();
	puts(".");
	fflush(stdout);
}

static int work_do(const struct bench_work *work, bool serve, long rounds)
{
	char line[64];

	sys_thread_begin();
	work->start();
	if (serve) {
		puts(".");
		fflush(stdout);
		while (fgets(line, sizeof line, stdin))
			answer(work);
	}
	for (long r = 0; !serve && r < rounds; r++)
		answer(work);
	work->stop();
	sys_thread_end();
	return fflush(stdout) ? 1 : 0;
}

/* What the command line says besides bench_run. */
struct arguments {
	const char *name;
	bool	 serve;
	long	 rounds;
};

/* An option that is not known, or whose value is not, is false. */
static bool option_take(struct arguments *a, int key)
{
	if (key == 'w')
		a->name = optarg;
	else if (key == 'r')
		a->rounds = atol(optarg);
	else if (key == 'v')
		a->serve = true;
	else if (key == 'd')
		bench_run.dir = optarg;
	else if (key == 'k')
		bench_run.disk = true;
	else if (key == 'R')
		bench_run.resident = true;
	else if (key == 'X')
		bench_run.relaxed = true;
	else if (key == 'b')
		bench_run.budget_len = (size_t)atol(optarg) << 20;
	else
		return key == 's' && scale_parse(optarg);
	return true;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "work", required_argument, NULL, 'w' },
		{ "scale", required_argument, NULL, 's' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "serve", no_argument, NULL, 'v' },
		{ "dir", required_argument, NULL, 'd' },
		{ "disk", no_argument, NULL, 'k' },
		{ "list", no_argument, NULL, 'l' },
		{ "resident", no_argument, NULL, 'R' },
		{ "relaxed", no_argument, NULL, 'X' },
		{ "budget", required_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct arguments a = { .rounds = 3 };
	int key;

	while ((key = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (key == 'l')
			return list();
		if (!option_take(&a, key))
			return usage(key == 'h' ? stdout : stderr);
	}
	if (optind < argc || !work_named(a.name))
		return usage(stderr);
	sys_start(argv);
	return work_do(work_named(a.name), a.serve, a.rounds);
}
