/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pmwords_table.c: a hash table of words, made of plain structs and pointers.
 *
 * Objects allocated in the running transaction are filled without logging;
 * whatever existed before is logged by TX_SET before it changes.
 */
#define _GNU_SOURCE 1

#include "pmwords.h"

#include <pmheap.h>

#include <stdlib.h>
#include <string.h>

#define BUCKETS_FIRST 1024u

/* A letter in lower case; 0 for any other byte. */
static inline unsigned char letter(char c)
{
	unsigned char low = (unsigned char)c | 0x20;

	return low >= 'a' && low <= 'z' ? low : 0;
}

int table_init(struct table *t)
{
	struct word **bucket = pm_calloc(BUCKETS_FIRST, sizeof(*bucket));

	if (!bucket || TX_ADD(t) < 0)
		return -1;
	t->bucket = bucket;
	t->bucket_n = BUCKETS_FIRST;
	t->word_n = 0;
	t->total = 0;
	return 0;
}

/* Twice the buckets; every word is linked anew, the old array is freed. */
static int table_grow(struct table *t)
{
	uint64_t n = t->bucket_n * 2;
	struct word **bucket = pm_calloc(n, sizeof(*bucket));

	if (!bucket)
		return -1;
	for (uint64_t i = 0; i < t->bucket_n; i++) {
		struct word *next;

		for (struct word *w = t->bucket[i]; w; w = next) {
			struct word **head = &bucket[w->hash & (n - 1)];

			next = w->next;
			if (TX_ADD_FIELD(w, next) < 0)
				return -1;
			w->next = *head;
			*head = w;
		}
	}
	pm_free(t->bucket);
	TX_SET(t->bucket, bucket);
	TX_SET(t->bucket_n, n);
	return 0;
}

/* A word seen for the first time. */
static int table_insert(struct table *t, const char *text, uint32_t len,
			uint32_t hash)
{
	struct word *w = PM_NEW(struct word);
	char *copy = pm_alloc((size_t)len + 1);
	struct word **head;

	if (!w || !copy)
		return -1;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (t->word_n >= t->bucket_n && table_grow(t) < 0)
		return -1;
	head = &t->bucket[hash & (t->bucket_n - 1)];
	w->next = *head;
	w->text = copy;
	w->count = 1;
	w->hash = hash;
	w->len = len;
	if (TX_ADD(head) < 0 || TX_ADD_FIELD(t, word_n) < 0)
		return -1;
	*head = w;
	t->word_n++;
	return 0;
}

/* Counts one word, already in lower case. */
static int table_add(struct table *t, const char *text, uint32_t len,
		     uint32_t hash)
{
	struct word *w = t->bucket[hash & (t->bucket_n - 1)];

	for (; w; w = w->next) {
		if (w->hash != hash || w->len != len ||
		    memcmp(w->text, text, len) != 0)
			continue;
		if (TX_ADD_FIELD(w, count) < 0)
			return -1;
		w->count++;
		return 0;
	}
	return table_insert(t, text, len, hash);
}

int table_count(struct table *t, char *text, size_t n)
{
	uint64_t found = 0;

	for (size_t i = 0; i < n;) {
		uint64_t hash = 0xcbf29ce484222325u;	/* FNV-1a */
		size_t start = i;
		unsigned char c;

		for (; i < n && (c = letter(text[i])) != 0; i++) {
			text[i] = (char)c;
			hash = (hash ^ c) * 0x100000001b3u;
		}
		if (i == start) {
			i++;
			continue;
		}
		if (table_add(t, text + start, (uint32_t)(i - start),
			      (uint32_t)(hash ^ hash >> 32)) < 0)
			return -1;
		found++;
	}
	TX_SET(t->total, t->total + found);
	return 0;
}

/* Order of the report: most frequent first, then by the alphabet. */
static int word_order(const void *a, const void *b)
{
	const struct word *x = *(const struct word *const *)a;
	const struct word *y = *(const struct word *const *)b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->text, y->text);
}

const struct word **table_sorted(const struct table *t)
{
	const struct word **all = calloc(t->word_n + 1, sizeof(*all));
	uint64_t n = 0;

	if (!all)
		return NULL;
	for (uint64_t i = 0; i < t->bucket_n; i++)
		for (const struct word *w = t->bucket[i]; w; w = w->next)
			all[n++] = w;
	qsort(all, n, sizeof(*all), word_order);
	return all;
}
