/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/pairs.h: systems that keep pairs of a key and a value: LMDB and SQLite.
 * Words, a map and blobs are tables; see sys.h for what the functions do.
 */
#ifndef PMHEAP_BENCH_PAIRS_H
#define PMHEAP_BENCH_PAIRS_H

#define SYS_PERSISTENT 1

/* Rows; a table of them is what there is instead of a large array. */
#define WORDS_FULL ((size_t)1 << 20)
#define WORDS_QUICK ((size_t)100000)

void word_make(size_t n);
void word_set(size_t i, uint64_t value);
uint64_t word_get(size_t i);
void map_make(unsigned m, size_t n);
void map_fill(unsigned m, size_t n);
void map_insert(unsigned m, uint64_t key, uint64_t value);
uint64_t map_find(unsigned m, uint64_t key);
bool map_remove(unsigned m, uint64_t key);
/* Blobs 1..n of len(arg) bytes each, in transactions of 1,000. */
void blob_fill(size_t n, size_t (*len)(void *arg), void *arg);
size_t blob_count(void);
/* Starts a transaction that changes a word, and does not end it. */
void word_leave(size_t i, uint64_t value);

#endif
