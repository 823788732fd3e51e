/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/floor.c: what this machine takes to make 64 bytes durable, whoever
 * asks: stores, flushes and fences by libpmem on a mapped file.
 */
#include "bench.h"

#include <fcntl.h>
#include <libpmem.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FLOOR_LEN ((size_t)256 << 20)
/* What is appended goes round in a part as large as a usual log. */
#define APPEND_LEN ((size_t)16 << 20)
#define LINE 64

const char *const floor_names[FLOOR_N] = {
	[FLOOR_CLWB] = "append 64 B: store + clwb + sfence",
	[FLOOR_NT] = "append 64 B: NT store + sfence",
	[FLOOR_RANDOM] = "random 64 B in 256 MiB: store + clwb + sfence",
};

void floor_open(struct floor_map *map, const char *dir)
{
	const char *path = bench_path(dir, "floor");
	int fd;

	map->len = FLOOR_LEN;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || posix_fallocate(fd, 0, (off_t)map->len))
		bench_die("no room for the floor's file");
	map->base = mmap(NULL, map->len, PROT_READ | PROT_WRITE, MAP_SHARED,
			 fd, 0);
	close(fd);
	unlink(path);
	if (map->base == MAP_FAILED)
		bench_die("the floor's file cannot be mapped");
	memset(map->base, 1, map->len);
}

double floor_run(struct floor_map *map, int which, size_t op_n)
{
	char line[LINE];
	double start;
	size_t at = 0;

	memset(line, 2, sizeof line);
	start = bench_now();
	for (size_t i = 0; i < op_n; i++) {
		memcpy(line, &i, sizeof i);
		if (which == FLOOR_RANDOM)
			at = bench_random() % (map->len / LINE) * LINE;
		else
			at = (at + LINE) % APPEND_LEN;
		if (which == FLOOR_NT) {
			pmem_memcpy(map->base + at, line, LINE,
				    PMEM_F_MEM_NONTEMPORAL);
		} else {
			memcpy(map->base + at, line, LINE);
			pmem_flush(map->base + at, LINE);
			pmem_drain();
		}
	}
	return (bench_now() - start) * 1e9 / (double)op_n;
}

void floor_close(struct floor_map *map)
{
	munmap(map->base, map->len);
}
