/* SPDX-License-Identifier: BSD-3-Clause */
/* Step 8: threads. Each shard of the index has a lock of its own. */
#include <pmheap.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { SHARDS = 16, SLOTS = 256, THREADS = 4, KEYS = 500 };

struct entry {
	struct entry *next;
	char *text;
	char key[];
};

struct shard {
	pm_rwlock lock;		/* guards all below */
	size_t keys;
	struct entry *slot[SLOTS];
};

struct root {
	struct shard shard[SHARDS];
};

static struct root *root;

static size_t hash(const char *key)
{
	uint64_t h = 0xcbf29ce484222325u;

	while (*key)
		h = (h ^ (unsigned char)*key++) * 0x100000001b3u;
	return (size_t)(h ^ h >> 32);
}

static struct shard *shard_of(const char *key)
{
	return &root->shard[hash(key) % SHARDS];
}

static struct entry **find(struct shard *s, const char *key)
{
	struct entry **p = &s->slot[hash(key) / SHARDS % SLOTS];

	while (*p && strcmp((*p)->key, key) != 0)
		p = &(*p)->next;
	return p;
}

static int add_entry(struct shard *s, struct entry **p, const char *key,
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
	TX_SET(s->keys, s->keys + 1);
	return 0;
}

static int put(const char *key, const char *text)
{
	struct shard *s = shard_of(key);
	int err = 0;

	TX_START {
		struct entry **p;

		/* Held until the transaction is durable or undone. */
		if (TX_WRLOCK(&s->lock) != 0)
			TX_ABORT(0);
		p = find(s, key);
		if (*p != NULL) {
			pm_free((*p)->text);
			TX_SET((*p)->text, pm_strdup(text));
		} else if (add_entry(s, p, key, text) != 0) {
			TX_ABORT(0);
		}
	} TX_ONABORT {
		err = errno;
	} TX_END
	return err;
}

/* Copies the text out: the lock does not outlive this call. */
static int get(const char *key, char *text, size_t size)
{
	struct shard *s = shard_of(key);
	struct entry *e;

	if (pm_rwlock_rdlock(&s->lock) != 0)
		return -1;
	e = *find(s, key);
	if (e != NULL)
		snprintf(text, size, "%s", e->text);
	pm_rwlock_unlock(&s->lock);
	return e != NULL ? 0 : -1;
}

static void key_of(char *key, size_t size, int thread, int i)
{
	snprintf(key, size, "key %d of thread %d", i, thread);
}

static void *work(void *arg)
{
	int thread = *(int *)arg;
	char key[64], text[64];

	for (int i = 0; i < KEYS; i++) {
		key_of(key, sizeof key, thread, i);
		if (put(key, key) != 0 || get(key, text, sizeof text) != 0)
			return arg;		/* failed */
	}
	return NULL;
}

static int work_all(void)
{
	pthread_t id[THREADS];
	int number[THREADS], n, failed = 0;
	void *result;

	for (n = 0; n < THREADS; n++) {
		number[n] = n;
		if (pthread_create(&id[n], NULL, work, &number[n]) != 0)
			break;
	}
	failed = n < THREADS;
	while (n-- > 0) {
		pthread_join(id[n], &result);
		failed |= result != NULL;
	}
	return failed;
}

int main(void)
{
	PmWrapperConfig config = {
		.path = "step08.pool",
		.layout = "step08",
		.size = 1 << 20,
		.max_size = 1 << 30,
		.flags = PM_CREATE,
	};
	char key[64], text[64];
	size_t keys = 0;

	if (pm_init(config) != 0 || !(root = pm_root(sizeof *root))) {
		fprintf(stderr, "step08: %s\n", pm_errormsg());
		return 1;
	}
	if (work_all() != 0) {
		fprintf(stderr, "step08: a thread failed\n");
		return 1;
	}
	for (int i = 0; i < SHARDS; i++)
		keys += root->shard[i].keys;
	key_of(key, sizeof key, THREADS - 1, KEYS - 1);
	if (get(key, text, sizeof text) == 0)
		printf("%zu keys, the last text is \"%s\"\n", keys, text);
	return 0;
}
