/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/pools.c: secondaries on the forced-pmem path.
 */
#include "bench.h"

#include <pmheap.h>

int pool_open(const char *path, size_t size, unsigned flags)
{
	PmWrapperConfig config = {
		.path = path,
		.size = size,
		.flags = flags | PM_ASSUME_PMEM | (size ? PM_CREATE | PM_EXCL : 0),
		.backend_name = "dax",
	};
	int region = pm_init_sec(config);

	if (region < 0)
		bench_die("opening a pool");
	return region;
}

void pool_close(int region)
{
	if (pm_close_sec(region))
		bench_die("closing a pool");
}
