/* SPDX-License-Identifier: BSD-3-Clause */
/* Step 7: an index, a hash table that grows in one transaction. */
#include <pmheap.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	struct entry *next;
	char *text;
	char key[];
};

struct index {
	size_t keys;
	size_t slots;		/* 0, or a power of two */
	struct entry **slot;
};

static size_t hash(const char *key)
{
	uint64_t h = 0xcbf29ce484222325u;	/* FNV-1a */

	while (*key)
		h = (h ^ (unsigned char)*key++) * 0x100000001b3u;
	return (size_t)(h ^ h >> 32);
}

/* The pointer to the entry of key, or to the NULL where it belongs. */
static struct entry **find(struct index *x, const char *key)
{
	struct entry **p = &x->slot[hash(key) & (x->slots - 1)];

	while (*p && strcmp((*p)->key, key) != 0)
		p = &(*p)->next;
	return p;
}

/* Twice the slots. The caller is in a transaction. 0 or -1. */
static int grow(struct index *x)
{
	size_t slots = x->slots ? 2 * x->slots : 8;
	struct entry **slot = pm_calloc(slots, sizeof *slot);

	if (slot == NULL)
		return -1;
	for (size_t i = 0; i < x->slots; i++) {
		struct entry *e = x->slot[i], *next;

		for (; e; e = next) {
			struct entry **p = &slot[hash(e->key) & (slots - 1)];

			next = e->next;
			TX_SET(e->next, *p);	/* an old object */
			*p = e;			/* a new one */
		}
	}
	pm_free(x->slot);
	TX_ADD(x);
	x->slot = slot;
	x->slots = slots;
	return 0;
}

/* Links a new entry at *p. The caller is in a transaction. 0 or -1. */
static int add_entry(struct index *x, struct entry **p, const char *key,
		     const char *text)
{
	size_t len = strlen(key) + 1;
	struct entry *e = pm_alloc(sizeof *e + len);

	if (e == NULL)
		return -1;
	memcpy(e->key, key, len);
	e->text = pm_strdup(text);
	e->next = NULL;
	TX_SET(*p, e);
	TX_SET(x->keys, x->keys + 1);
	return 0;
}

/* 0 or an errno value. */
static int put(struct index *x, const char *key, const char *text)
{
	int err = 0;

	TX_START {
		struct entry **p;

		if (x->keys >= x->slots && grow(x) != 0)
			TX_ABORT(0);
		p = find(x, key);
		if (*p != NULL) {
			pm_free((*p)->text);
			TX_SET((*p)->text, pm_strdup(text));
		} else if (add_entry(x, p, key, text) != 0) {
			TX_ABORT(0);
		}
	} TX_ONABORT {
		err = errno;
	} TX_END
	return err;
}

static const char *get(struct index *x, const char *key)
{
	struct entry *e = x->slots ? *find(x, key) : NULL;

	return e ? e->text : NULL;
}

/* ENOENT: there is no such key. */
static int del(struct index *x, const char *key)
{
	int err = 0;

	TX_START {
		struct entry **p = x->slots ? find(x, key) : NULL, *e;

		if (p == NULL || *p == NULL)
			TX_ABORT(ENOENT);
		e = *p;
		TX_SET(*p, e->next);
		TX_SET(x->keys, x->keys - 1);
		pm_free(e->text);
		pm_free(e);
	} TX_ONABORT {
		err = errno;
	} TX_END
	return err;
}

/* put KEY TEXT, get KEY, del KEY, fill N */
static int run(struct index *x, int argc, char **argv)
{
	const char *verb = argv[1], *key = argc > 2 ? argv[2] : "";
	int err = 0;

	if (strcmp(verb, "put") == 0) {
		err = put(x, key, argc > 3 ? argv[3] : "");
	} else if (strcmp(verb, "del") == 0) {
		err = del(x, key);
	} else if (strcmp(verb, "get") == 0) {
		const char *text = get(x, key);

		puts(text ? text : "(none)");
	} else {
		for (int i = 0; i < atoi(key) && err == 0; i++) {
			char name[32];

			snprintf(name, sizeof name, "key %d", i);
			err = put(x, name, "filled");
		}
	}
	return err;
}

int main(int argc, char **argv)
{
	PmWrapperConfig config = {
		.path = "step07.pool",
		.layout = "step07",
		.size = 1 << 20,
		.max_size = 1 << 30,
		.flags = PM_CREATE,
	};
	struct index *x;
	int err;

	if (pm_init(config) != 0 || !(x = pm_root(sizeof *x))) {
		fprintf(stderr, "step07: %s\n", pm_errormsg());
		return 1;
	}
	err = argc > 1 ? run(x, argc, argv) : 0;
	if (err != 0)
		printf("%s\n", strerror(err));
	printf("%zu keys in %zu slots\n", x->keys, x->slots);
	return err != 0;
}
