/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * seen.c: hashes that were met before.
 */
#include "explore.h"

#include <stdlib.h>

static size_t slot_of(const struct seen *s, uint64_t key)
{
	size_t i = (size_t)(key * 0x9e3779b97f4a7c15ull >> 20) & (s->cap - 1);

	while (s->key[i] && s->key[i] != key)
		i = (i + 1) & (s->cap - 1);
	return i;
}

static void grow(struct seen *s)
{
	struct seen old = *s;
	size_t i;

	s->cap = old.cap ? 2 * old.cap : 1024;
	s->key = calloc(s->cap, sizeof(*s->key));
	if (!s->key)
		abort();
	for (i = 0; i < old.cap; i++)
		if (old.key[i])
			s->key[slot_of(s, old.key[i])] = old.key[i];
	free(old.key);
}

bool seen_add(struct seen *s, uint64_t key)
{
	size_t i;

	if (2 * s->n >= s->cap)
		grow(s);
	key |= 1;
	i = slot_of(s, key);
	if (s->key[i])
		return false;
	s->key[i] = key;
	s->n++;
	return true;
}

void seen_free(struct seen *s)
{
	free(s->key);
	*s = (struct seen){0};
}
