/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ops.c: the operations whose fences, lines and logged bytes are counted. Each
 * starts in an empty pool; a failure ends the test.
 */
#include "counts.h"

#include <string.h>

#define SIZE 64
#define WORDS ((size_t)128 << 10)
#define LARGE ((size_t)1 << 20)
#define PAIRS 100

struct node {
	struct node *next;
	uint64_t value[7];
};

struct root {
	struct node *head;
	struct node *tail;
	void	*slot;
};

static struct root *root;
static uint64_t *words;
static uint64_t *words_b;
static void *kept;
static uint64_t state;

static uint64_t random_next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void committed(void)
{
	if (pm_tx_errno())
		fail("a transaction");
}

static void *given(void *p)
{
	if (!p)
		fail("an allocation");
	return p;
}

static void root_setup(void)
{
	root = given(pm_root_in(region_a, sizeof *root));
}

static void words_setup(void)
{
	state = 88172645463325252u;
	words = given(pm_calloc_in(region_a, WORDS, sizeof *words));
	words_b = given(pm_calloc_in(region_b, WORDS, sizeof *words));
}

static void pair(void)
{
	pm_free(given(pm_alloc_in(region_a, SIZE)));
}

static void pairs_in_tx(void)
{
	TX_START {
		for (int i = 0; i < PAIRS; i++)
			pair();
	} TX_END
	committed();
}

static void publish(void)
{
	if (pm_alloc_to(&root->slot, SIZE, NULL, NULL))
		fail("pm_alloc_to");
}

static void kept_setup(void)
{
	kept = given(pm_alloc_in(region_a, SIZE));
}

/* To a larger class and back. */
static void realloc_both(void)
{
	kept = given(pm_realloc(kept, 2 * SIZE));
	kept = given(pm_realloc(kept, SIZE));
}

static void large(void)
{
	pm_free(given(pm_alloc_in(region_a, LARGE)));
}

/* New bytes need no log. */
static void large_filled(void)
{
	TX_START {
		void *p = given(pm_alloc_in(region_a, LARGE));

		memset(p, 1, LARGE);
		if (kept)
			pm_free(kept);
		kept = p;
	} TX_END
	committed();
}

static void kept_none(void)
{
	kept = NULL;
}

static void word(void)
{
	uint64_t *at = &words[random_next() % WORDS];

	TX_START {
		TX_SET(*at, state);
	} TX_END
	committed();
}

static void word_written(void)
{
	if (!PM_SET(words[random_next() % WORDS], state))
		fail("PM_SET");
}

/* The same bytes over and over count once. */
static void word_again(void)
{
	uint64_t *at = &words[random_next() % WORDS];

	TX_START {
		for (int i = 0; i < 8; i++)
			TX_SET(*at, state + (uint64_t)i);
	} TX_END
	committed();
}

static void words_nested(void)
{
	TX_START {
		TX_SET(words[random_next() % WORDS], state);
		TX_START {
			TX_SET(words[random_next() % WORDS], state);
		} TX_END
	} TX_END
	committed();
}

static void lines(void)
{
	TX_START {
		for (int i = 0; i < 8; i++) {
			uint64_t *at = words + random_next() % (WORDS / 8) * 8;

			(void)TX_ADD_RANGE(at, 64);
			memset(at, i, 64);
		}
	} TX_END
	committed();
}

static void block(void)
{
	uint64_t *at = words + random_next() % (WORDS / 512) * 512;

	TX_START {
		(void)TX_ADD_RANGE(at, 4096);
		memset(at, (int)state, 4096);
	} TX_END
	committed();
}

static void enqueue(void)
{
	TX_START {
		struct node *node = given(pm_alloc_in(region_a, sizeof *node));

		memset(node, 0, sizeof *node);
		(void)TX_ADD(root);
		if (root->tail)
			TX_SET(root->tail->next, node);
		else
			root->head = node;
		root->tail = node;
	} TX_END
	committed();
}

static void queue_setup(void)
{
	root_setup();
	for (int i = 0; i < 4 * COUNTED_N; i++)
		enqueue();
}

static void dequeue(void)
{
	struct node *node = root->head;

	TX_START {
		(void)TX_ADD(root);
		root->head = node->next;
		if (!root->head)
			root->tail = NULL;
		pm_free(node);
	} TX_END
	committed();
}

static void buckets_setup(void)
{
	root_setup();
	words_setup();
}

/* An item of 24 bytes in a bucket, as in a hash map. */
static void insert(void)
{
	uint64_t *bucket = &words[random_next() % WORDS];

	TX_START {
		uint64_t *item = given(pm_alloc_in(region_a, 24));

		item[0] = *bucket;
		item[1] = item[2] = state;
		TX_SET(*bucket, (uint64_t)(uintptr_t)item);
	} TX_END
	committed();
}

static void inserted_setup(void)
{
	buckets_setup();
	for (int i = 0; i < 4 * COUNTED_N; i++)
		insert();
	state = 88172645463325252u;
}

static void remove_one(void)
{
	uint64_t *bucket = &words[random_next() % WORDS];
	uint64_t *item = (uint64_t *)(uintptr_t)*bucket;

	if (!item)
		fail("an item is not there");
	TX_START {
		TX_SET(*bucket, item[0]);
		pm_free(item);
	} TX_END
	committed();
}

static void two_regions(void)
{
	TX_START {
		TX_SET(words[random_next() % WORDS], state);
		TX_SET(words_b[random_next() % WORDS], state);
	} TX_END
	committed();
}

static void aborted(void)
{
	TX_START {
		TX_SET(words[random_next() % WORDS], state);
		pm_free(given(pm_alloc_in(region_a, SIZE)));
		TX_ABORT(0);
	} TX_END
	if (!pm_tx_errno())
		fail("an abort");
}

static void empty(void)
{
	TX_START {
	} TX_END
	committed();
}

const struct operation operations[] = {
	{ .name = "alloc+free", .run = pair },
	{ .name = "alloc+free-100-in-tx", .run = pairs_in_tx, .op_n = 10 },
	{ .name = "alloc-and-publish", .setup = root_setup, .run = publish },
	{ .name = "realloc-up-and-down", .setup = kept_setup,
	  .run = realloc_both },
	{ .name = "alloc+free-1-MiB", .run = large },
	{ .name = "tx-8-bytes", .setup = words_setup, .run = word },
	{ .name = "tx-8-bytes-8-times", .setup = words_setup,
	  .run = word_again },
	{ .name = "tx-nested", .setup = words_setup, .run = words_nested },
	{ .name = "tx-8-lines", .setup = words_setup, .run = lines },
	{ .name = "tx-4-KiB", .setup = words_setup, .run = block },
	{ .name = "tx-two-regions", .setup = words_setup, .run = two_regions },
	{ .name = "tx-aborted", .setup = words_setup, .run = aborted },
	{ .name = "tx-empty", .setup = words_setup, .run = empty },
	{ .name = "write-8-bytes", .setup = words_setup, .run = word_written },
	{ .name = "enqueue", .setup = queue_setup, .run = enqueue },
	{ .name = "dequeue", .setup = queue_setup, .run = dequeue },
	{ .name = "map-insert", .setup = buckets_setup, .run = insert },
	{ .name = "map-remove", .setup = inserted_setup, .run = remove_one },
	{ .name = "relaxed-tx-8-bytes", .setup = words_setup, .run = word,
	  .durability = PM_RELAXED },
	{ .name = "relaxed-alloc+free", .run = pair, .durability = PM_RELAXED },
	{ .name = "checkpoints-tx-8-bytes", .setup = words_setup, .run = word,
	  .op_n = 20000, .checkpoints = true },
	{ .name = "checkpoints-tx-8-lines", .setup = words_setup, .run = lines,
	  .op_n = 5000, .checkpoints = true },
	{ .name = "checkpoints-alloc+free", .run = pair, .op_n = 20000,
	  .checkpoints = true },
	{ .name = "checkpoints-tx-new-1-MiB", .setup = kept_none,
	  .run = large_filled, .op_n = 100, .checkpoints = true },
	{ .name = NULL },
};
