/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/sys_pmheap.c: pools of libpmheap. They are secondaries, the primary is
 * a small volatile region; unless they are on a disk, the flush instructions
 * of persistent memory are forced.
 */
#include "sys.h"

#include <errno.h>
#include <string.h>

#define ARRAYS 24

struct root {
	void	*array[ARRAYS];
};

int pmheap_region[SYS_POOLS];
static unsigned open_n;

void sys_start(char **argv)
{
	(void)argv;
}

void sys_thread_begin(void)
{
}

void sys_thread_end(void)
{
}

const char *sys_error(void)
{
	const char *why = pm_errormsg();

	return *why ? why : strerror(errno);
}

static void pool_open(unsigned pool, const char *path, size_t size)
{
	PmWrapperConfig primary = { .size = (size_t)4 << 20 };
	PmWrapperConfig config = {
		.path = path,
		.size = size,
		.flags = size ? PM_CREATE | PM_EXCL : 0,
		.work_budget = bench_run.budget_len,
	};

	if (!bench_run.disk) {
		config.flags |= PM_ASSUME_PMEM;
		config.backend_name = "dax";
	}
	if (bench_run.resident)
		config.flags |= PM_RESIDENT;
	if (bench_run.relaxed)
		config.durability = PM_RELAXED;
	if (open_n++ == 0 && pm_init(primary))
		bench_die("the primary");
	pmheap_region[pool] = pm_init_sec(config);
	if (pmheap_region[pool] < 0)
		bench_die("opening a pool");
}

void sys_create_exact(unsigned pool, const char *path, size_t len)
{
	pool_open(pool, path, len);
}

void sys_create(unsigned pool, const char *path, size_t len)
{
	size_t size = len + len / 4 + ((size_t)16 << 20);

	sys_create_exact(pool, path, size / 4096 * 4096);
}

void sys_reopen(unsigned pool, const char *path)
{
	pool_open(pool, path, 0);
}

void sys_close(unsigned pool)
{
	if (pm_close_sec(pmheap_region[pool]))
		bench_die("closing a pool");
	if (--open_n == 0 && pm_close())
		bench_die("closing the primary");
}

void *heap_array(unsigned pool, unsigned slot, size_t len)
{
	struct root *root = pm_root_in(pmheap_region[pool], sizeof *root);

	if (!root)
		bench_die("the root");
	if (!root->array[slot]) {
		void *array = pm_calloc_in(pmheap_region[pool], 1, len);

		if (!array || !PM_SET(root->array[slot], array))
			bench_die("an array");
	}
	return root->array[slot];
}

static PmStats stats(void)
{
	PmStats out;

	if (pm_stats(pmheap_region[0], &out))
		bench_die("statistics");
	return out;
}

long heap_objects(void)
{
	return (long)stats().objects;
}

long heap_commits(void)
{
	return (long)stats().commits;
}

long heap_pending(void)
{
	return (long)(stats().sequence - stats().watermark);
}

unsigned heap_lanes(void)
{
	return stats().lanes;
}

void word_leave(size_t i, uint64_t value)
{
	if (pm_tx_begin() || pm_tx_add(&heap_words[i], sizeof value))
		bench_die("a transaction");
	heap_words[i] = value;
}

double heap_dram_bytes(void)
{
	return (double)stats().work_bytes;
}
