/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/floor.h: what `limit` is made of.
 */
#ifndef PMHEAP_BENCH_FLOOR_H
#define PMHEAP_BENCH_FLOOR_H

#include "bench.h"

#define FLOOR_LINE 64
#define FLOOR_LOG_LEN ((size_t)4 << 20)
/* Logs of up to 16 threads, and what is changed in place. */
#define FLOOR_DATA_OFF ((size_t)64 << 20)
#define FLOOR_DATA_LEN ((size_t)256 << 20)
#define FLOOR_LEN (FLOOR_DATA_OFF + FLOOR_DATA_LEN)

struct floor_log {
	size_t	 off;		/* in the mapping                         */
	size_t	 at;		/* where the next entry goes              */
	char	*last;		/* the last entry                         */
};

extern char *floor_base;

void floor_open(void);
/* Durable on return; len is rounded up to whole lines. */
void floor_append(struct floor_log *log, const void *entry, size_t len);
/* The same by stores and flushes; len is in whole lines. */
void floor_append_clwb(struct floor_log *log, const void *entry, size_t len);
void floor_store(char *to, const void *from, size_t len);
void floor_store_nt(char *to, const void *from, size_t len);

#endif
