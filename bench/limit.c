/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/limit.c: prints this machine's floor, without libpmheap's heap.
 */
#include "bench.h"

#include <stdio.h>

#define ROUNDS 11
#define OP_N 500000

int main(int argc, char **argv)
{
	const char *dir = argc > 1 ? argv[1] : "/dev/shm";
	double sample[FLOOR_N][ROUNDS];
	struct floor_map map;

	if (argc > 2 || dir[0] == '-') {
		fputs("Usage: limit [DIR]\n", stderr);
		return 2;
	}
	puts("limit: what 64 durable bytes cost on this machine");
	bench_machine_print(dir);
	floor_open(&map, dir);
	for (int r = 0; r < ROUNDS; r++)
		for (int f = 0; f < FLOOR_N; f++)
			sample[f][r] = floor_run(&map, f, OP_N);
	floor_close(&map);
	printf("%-48s %8s %8s %8s\n", "ns", "median", "min", "max");
	for (int f = 0; f < FLOOR_N; f++) {
		double median = bench_median(sample[f], ROUNDS);

		printf("%-48s %8.1f %8.1f %8.1f\n", floor_names[f], median,
		       sample[f][0], sample[f][ROUNDS - 1]);
	}
	return 0;
}
