/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/pmbench.c: the figures of libpmheap beside this machine's floor.
 *
 * All workloads and the floor run in turn, round after round, in one process:
 * what moves the machine moves them all, and only ratios within a round count.
 */
#include "bench.h"

#include <getopt.h>
#include <pmheap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct bench_work *const works[] = {
	&work_tx, &work_alloc, &work_walk, &work_queue, &work_map,
	&work_open, &work_space,
};

#define WORK_N (sizeof works / sizeof works[0])

static struct bench_result results[WORK_N];
static double floors[FLOOR_N][BENCH_ROUNDS];

static int usage(FILE *out)
{
	fputs("Usage: pmbench [--quick] [--only NAME] [--dir DIR]\n"
	      "Measures libpmheap beside this machine's own floor.\n\n"
	      "  --quick      fewer rounds of less work\n"
	      "  --only NAME  one workload:", out);
	for (size_t i = 0; i < WORK_N; i++)
		fprintf(out, " %s", works[i]->name);
	fputs("\n  --dir DIR    where the pools are made (/dev/shm)\n", out);
	return out == stderr ? 2 : 0;
}

static bool work_known(const char *name)
{
	for (size_t i = 0; i < WORK_N; i++)
		if (strcmp(works[i]->name, name) == 0)
			return true;
	return false;
}

static void round_run(const struct bench_run *run, const bool *chosen,
		      struct floor_map *map, size_t round)
{
	double out[BENCH_FIGURES];

	for (int f = 0; f < FLOOR_N; f++)
		floors[f][round] = floor_run(map, f,
					     run->quick ? 50000 : 300000);
	for (size_t i = 0; i < WORK_N; i++) {
		if (!chosen[i] || (works[i]->once && round))
			continue;
		works[i]->run(run, out);
		for (int f = 0; works[i]->figures[f].name; f++)
			results[i].sample[f][round] = out[f];
		results[i].n = round + 1;
	}
}

static void floors_print(size_t rounds)
{
	for (int f = 0; f < FLOOR_N; f++) {
		struct bench_work work = {
			.figures = { { .name = floor_names[f], .unit = "ns" } },
		};
		struct bench_result result = { .n = rounds };

		memcpy(result.sample[0], floors[f], sizeof floors[f]);
		table_work(&work, &result, floors[FLOOR_CLWB]);
	}
}

static int results_print(const bool *chosen, size_t rounds)
{
	int missed = 0;

	table_head();
	floors_print(rounds);
	for (size_t i = 0; i < WORK_N; i++)
		if (chosen[i])
			missed += table_work(works[i], &results[i],
					   floors[FLOOR_CLWB]);
	printf("\nLimits that are not met: %d.\n", missed);
	return 0;
}

static int bench_all(const struct bench_run *run, const char *only)
{
	PmWrapperConfig primary = { .size = (size_t)4 << 20 };
	size_t rounds = run->quick ? 3 : 11;
	struct floor_map map;
	bool chosen[WORK_N];

	printf("pmbench: libpmheap %d.%d.%d, medians of %zu rounds\n",
	       pm_version() / 10000, pm_version() / 100 % 100,
	       pm_version() % 100, rounds);
	bench_machine_print(run->dir);
	fflush(stdout);
	if (pm_init(primary))
		bench_die("the primary");
	floor_open(&map, run->dir);
	for (size_t i = 0; i < WORK_N; i++) {
		chosen[i] = !only || strcmp(only, works[i]->name) == 0;
		if (chosen[i])
			works[i]->start(run);
	}
	for (size_t r = 0; r < rounds; r++)
		round_run(run, chosen, &map, r);
	for (size_t i = 0; i < WORK_N; i++)
		if (chosen[i])
			works[i]->stop();
	floor_close(&map);
	if (pm_close())
		bench_die("closing the primary");
	return results_print(chosen, rounds);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "quick", no_argument, NULL, 'q' },
		{ "only", required_argument, NULL, 'o' },
		{ "dir", required_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct bench_run run = { .dir = "/dev/shm" };
	const char *only = NULL;
	int key;

	while ((key = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (key == 'q')
			run.quick = true;
		else if (key == 'o')
			only = optarg;
		else if (key == 'd')
			run.dir = optarg;
		else
			return usage(key == 'h' ? stdout : stderr);
	}
	if (optind < argc || (only && !work_known(only)))
		return usage(stderr);
	return bench_all(&run, only);
}
