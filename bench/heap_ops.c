/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/heap_ops.c: makes words, maps and queues in a heap, or finds them in
 * one that was opened again.
 */
#include "sys.h"

#define PAGE_WORDS 512
#define FILL_N 1000

_Static_assert(sizeof(struct node) == 64, "nodes of 64 bytes");
_Static_assert(sizeof(struct queue) == 128, "queues share no line");

uint64_t *heap_words;
struct map heap_map[MAPS];
struct queue *heap_queue;

/* Every page is changed once, so that no page fault is measured. */
void word_make(size_t n)
{
	heap_words = heap_array(0, SLOT_WORDS, n * sizeof *heap_words);
	for (size_t i = 0; i < n; i += PAGE_WORDS)
		heap_set_word(&heap_words[i], heap_words[i]);
}

void map_make(unsigned m, size_t n)
{
	unsigned bits = 4;

	while ((size_t)1 << bits < n)
		bits++;
	heap_map[m].shift = 64 - bits;
	heap_map[m].bucket = heap_array(0, SLOT_MAPS + m,
					sizeof(ref) << bits);
}

void map_fill(unsigned m, size_t n)
{
	for (size_t i = 1; i <= n; i += FILL_N) {
		HEAP_TX_BEGIN {
			for (size_t k = i; k < i + FILL_N && k <= n; k++)
				map_link(m, map_key(m, k), k);
		} HEAP_TX_END
	}
}

void queue_make(void)
{
	heap_queue = heap_array(0, SLOT_QUEUES, QUEUES * sizeof *heap_queue);
}
