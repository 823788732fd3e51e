/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/sys_malloc.c: malloc; that of jemalloc if the program is linked with
 * it.
 */
#include "sys.h"

#include <errno.h>
#include <string.h>

#define ARRAYS 24

static void *arrays[ARRAYS];

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
	return strerror(errno);
}

/* Objects of the pool before stay where they are. */
void sys_create(unsigned pool, const char *path, size_t len)
{
	(void)pool;
	(void)path;
	(void)len;
	for (size_t i = 0; i < ARRAYS; i++) {
		free(arrays[i]);
		arrays[i] = NULL;
	}
}

void sys_reopen(unsigned pool, const char *path)
{
	(void)pool;
	(void)path;
}

/* Objects stay until the program ends; what it verifies comes after. */
void sys_close(unsigned pool)
{
	(void)pool;
}

void *heap_array(unsigned pool, unsigned slot, size_t len)
{
	(void)pool;
	if (!arrays[slot])
		arrays[slot] = calloc(1, len);
	if (!arrays[slot])
		bench_die("an array");
	return arrays[slot];
}

long heap_objects(void)
{
	return -1;
}

long heap_commits(void)
{
	return -1;
}
