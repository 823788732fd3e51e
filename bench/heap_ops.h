/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/heap_ops.h: words, chained hash maps and queues in a heap. Arrays are
 * found through the root: words in slot 0, maps from 1, queues after them.
 */
#ifndef PMHEAP_BENCH_HEAP_OPS_H
#define PMHEAP_BENCH_HEAP_OPS_H

#define SLOT_WORDS 0
#define SLOT_MAPS 1
#define SLOT_QUEUES (SLOT_MAPS + MAPS)
#define SLOT_OWN (SLOT_QUEUES + 1)	/* a workload's own, and beyond  */

/* Words of the workload that changes random ones: more than the caches hold. */
#define WORDS_FULL ((size_t)28 << 20)
#define WORDS_QUICK ((size_t)6 << 20)

/* heap_ops.c */
extern uint64_t *heap_words;
void word_make(size_t n);

static inline void word_set(size_t i, uint64_t value)
{
	heap_set_word(&heap_words[i], value);
}

static inline uint64_t word_get(size_t i)
{
	return heap_words[i];
}

struct item {
	ref	 next;
	uint64_t key;
	uint64_t value;
};

struct map {
	ref	*bucket;
	unsigned shift;		/* of a 64-bit hash                       */
};

extern struct map heap_map[MAPS];
void map_make(unsigned m, size_t n);
void map_fill(unsigned m, size_t n);

static inline ref *map_bucket(unsigned m, uint64_t key)
{
	return &heap_map[m].bucket[key * 0xff51afd7ed558ccdu >>
				   heap_map[m].shift];
}

/* In a transaction. */
static inline void map_link(unsigned m, uint64_t key, uint64_t value)
{
	ref *bucket = map_bucket(m, key);
	ref r = heap_tx_alloc(sizeof(struct item));
	struct item *item = ref_at(r);

	item->next = *bucket;
	item->key = key;
	item->value = value;
	heap_add(bucket, sizeof *bucket);
	*bucket = r;
}

static inline void map_insert(unsigned m, uint64_t key, uint64_t value)
{
	HEAP_TX_BEGIN {
		map_link(m, key, value);
	} HEAP_TX_END
}

static inline uint64_t map_find(unsigned m, uint64_t key)
{
	ref r = *map_bucket(m, key);

	while (!ref_is_null(r)) {
		const struct item *item = ref_at(r);

		if (item->key == key)
			return item->value;
		r = item->next;
	}
	return 0;
}

static inline bool map_remove(unsigned m, uint64_t key)
{
	ref *at = map_bucket(m, key);
	struct item *item;

	while (!ref_is_null(*at)) {
		item = ref_at(*at);
		if (item->key == key)
			break;
		at = &item->next;
	}
	if (ref_is_null(*at))
		return false;
	HEAP_TX_BEGIN {
		ref r = *at;

		heap_add(at, sizeof *at);
		*at = item->next;
		heap_tx_free(r);
	} HEAP_TX_END
	return true;
}

struct node {
	ref	 next;
	uint64_t value;
	char	 data[48 - sizeof(ref) + 8];	/* 64 bytes in all        */
};

/* A queue has lines of its own. */
struct queue {
	ref	 head;
	ref	 tail;
	char	 unused[128 - 2 * sizeof(ref)];
};

#define QUEUES 8
extern struct queue *heap_queue;
void queue_make(void);

static inline void enqueue(struct queue *q, uint64_t value)
{
	HEAP_TX_BEGIN {
		ref r = heap_tx_alloc(sizeof(struct node));
		struct node *node = ref_at(r);

		node->next = REF_NULL;
		node->value = value;
		heap_add(q, 2 * sizeof(ref));
		if (ref_is_null(q->head)) {
			q->head = r;
		} else {
			struct node *tail = ref_at(q->tail);

			heap_add(&tail->next, sizeof tail->next);
			tail->next = r;
		}
		q->tail = r;
	} HEAP_TX_END
}

static inline uint64_t dequeue(struct queue *q)
{
	ref r = q->head;
	struct node *node = ref_at(r);
	uint64_t value = node->value;

	HEAP_TX_BEGIN {
		heap_add(q, 2 * sizeof(ref));
		q->head = node->next;
		if (ref_is_null(q->head))
			q->tail = REF_NULL;
		heap_tx_free(r);
	} HEAP_TX_END
	return value;
}

#endif
