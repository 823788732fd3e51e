/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/sys_pmemobj.c: pools of libpmemobj. Unless they are on a disk, the
 * flush instructions of persistent memory are forced; libpmem reads that from
 * the environment when it is loaded, so the program starts itself again.
 */
#include "sys.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARRAYS 24
#define LAYOUT "bench"

struct root {
	PMEMoid	 array[ARRAYS];
};

PMEMobjpool *pmemobj_pool[SYS_POOLS];

void sys_start(char **argv)
{
	const char *want = bench_run.disk ? "0" : "1";
	const char *is = getenv("PMEM_IS_PMEM_FORCE");

	if (is && strcmp(is, want) == 0)
		return;
	setenv("PMEM_IS_PMEM_FORCE", want, 1);
	execv("/proc/self/exe", argv);
	bench_die("starting again");
}

void sys_thread_begin(void)
{
}

void sys_thread_end(void)
{
}

const char *sys_error(void)
{
	return pmemobj_errormsg();
}

void sys_create_exact(unsigned pool, const char *path, size_t len)
{
	pmemobj_pool[pool] = pmemobj_create(path, LAYOUT, len, 0600);
	if (!pmemobj_pool[pool])
		bench_die("creating a pool");
}

/* An object of 64 bytes takes 128 and its part of a chunk's header. */
void sys_create(unsigned pool, const char *path, size_t len)
{
	sys_create_exact(pool, path, len * 5 / 2 + ((size_t)32 << 20));
}

void sys_reopen(unsigned pool, const char *path)
{
	pmemobj_pool[pool] = pmemobj_open(path, LAYOUT);
	if (!pmemobj_pool[pool])
		bench_die("opening a pool");
}

void sys_close(unsigned pool)
{
	pmemobj_close(pmemobj_pool[pool]);
}

void *heap_array(unsigned pool, unsigned slot, size_t len)
{
	PMEMobjpool *pop = pmemobj_pool[pool];
	struct root *root = pmemobj_direct(pmemobj_root(pop, sizeof *root));

	if (!root)
		bench_die("the root");
	if (OID_IS_NULL(root->array[slot]) &&
	    pmemobj_zalloc(pop, &root->array[slot], len, 0))
		bench_die("an array");
	return pmemobj_direct(root->array[slot]);
}

long heap_objects(void)
{
	PMEMoid oid;
	long n = 0;

	for (oid = pmemobj_first(pmemobj_pool[0]); !OID_IS_NULL(oid);
	     oid = pmemobj_next(oid))
		n++;
	return n;
}

long heap_commits(void)
{
	return -1;
}

long heap_pending(void)
{
	return -1;
}

unsigned heap_lanes(void)
{
	return 1;
}

void word_leave(size_t i, uint64_t value)
{
	if (pmemobj_tx_begin(pmemobj_pool[0], NULL, TX_PARAM_NONE) ||
	    pmemobj_tx_add_range_direct(&heap_words[i], sizeof value))
		bench_die("a transaction");
	heap_words[i] = value;
}
