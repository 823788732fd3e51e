/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/floor.c: the primitives that a redo log cannot do without, by libpmem
 * on a mapped file: an append to a log by non-temporal stores, a fence, and
 * stores in place whose flush is left for later.
 */
#include "floor.h"

#include <fcntl.h>
#include <libpmem.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

char *floor_base;

/* The mapping is the program's to the end. */
void floor_open(void)
{
	const char *path = bench_path("floor");
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);

	if (fd < 0 || posix_fallocate(fd, 0, (off_t)FLOOR_LEN))
		bench_die("no room for the floor's file");
	floor_base = mmap(NULL, FLOOR_LEN, PROT_READ | PROT_WRITE, MAP_SHARED,
			  fd, 0);
	close(fd);
	if (floor_base == MAP_FAILED)
		bench_die("the floor's file cannot be mapped");
	memset(floor_base, 1, FLOOR_LEN);
}

/* What is appended goes round in a part as large as a usual log. */
static char *append(struct floor_log *log, const void *entry, size_t len)
{
	char *to;

	if (log->at + len > FLOOR_LOG_LEN)
		log->at = 0;
	to = floor_base + log->off + log->at;
	log->at += (len + FLOOR_LINE - 1) / FLOOR_LINE * FLOOR_LINE;
	pmem_memcpy(to, entry, len,
		    PMEM_F_MEM_NONTEMPORAL | PMEM_F_MEM_NODRAIN);
	return to;
}

void floor_append(struct floor_log *log, const void *entry, size_t len)
{
	log->last = append(log, entry, len);
	pmem_drain();
}

void floor_append_clwb(struct floor_log *log, const void *entry, size_t len)
{
	char *to;

	if (log->at + len > FLOOR_LOG_LEN)
		log->at = 0;
	to = floor_base + log->off + log->at;
	log->at += len;
	memcpy(to, entry, len);
	pmem_flush(to, len);
	pmem_drain();
	log->last = to;
}

void floor_store(char *to, const void *from, size_t len)
{
	memcpy(to, from, len);
}

void floor_store_nt(char *to, const void *from, size_t len)
{
	pmem_memcpy(to, from, len,
		    PMEM_F_MEM_NONTEMPORAL | PMEM_F_MEM_NODRAIN);
}
