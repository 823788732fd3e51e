/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 10: the whole: an index with threads and a secondary pool, which can
 * judge itself after a crash.
 *
 *	step10 put KEY TEXT | get KEY | del KEY | load N | check
 */
#include <pmheap.h>
#include <pmheap/crash.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHARDS = 16, SLOTS = 256, THREADS = 4, TYPE_TEXT = 1 };

struct entry {
	struct entry *next;
	PmFat text;		/* in the secondary */
	char key[];
};

struct shard {
	pm_rwlock lock;		/* guards all below, and its texts */
	size_t keys;
	struct entry *slot[SLOTS];
};

struct root {
	struct shard shard[SHARDS];
};

static struct root *root;
static int texts;		/* number of the secondary */

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

static PmFat new_text(const char *text)
{
	size_t len = strlen(text) + 1;
	char *copy = pm_alloc_type(texts, len, TYPE_TEXT);

	if (copy == NULL)
		return PM_FAT_NULL;
	memcpy(copy, text, len);
	return pm_fat(copy);
}

static int add_entry(struct shard *s, struct entry **p, const char *key,
		     const char *text)
{
	size_t len = strlen(key) + 1;
	struct entry *e = pm_alloc(sizeof *e + len);

	if (e == NULL)
		return -1;
	memcpy(e->key, key, len);
	e->text = new_text(text);
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

		if (TX_WRLOCK(&s->lock) != 0)
			TX_ABORT(0);
		p = find(s, key);
		if (*p != NULL) {
			pm_free(PM_R((*p)->text));
			TX_SET((*p)->text, new_text(text));
		} else if (add_entry(s, p, key, text) != 0) {
			TX_ABORT(0);
		}
	} TX_ONABORT {
		err = errno;
	} TX_END
	return err;
}

static int del(const char *key)
{
	struct shard *s = shard_of(key);
	int err = 0;

	TX_START {
		struct entry **p, *e;

		if (TX_WRLOCK(&s->lock) != 0)
			TX_ABORT(0);
		p = find(s, key);
		e = *p;
		if (e == NULL)
			TX_ABORT(ENOENT);
		TX_SET(*p, e->next);
		TX_SET(s->keys, s->keys - 1);
		pm_free(PM_R(e->text));
		pm_free(e);
	} TX_ONABORT {
		err = errno;
	} TX_END
	return err;
}

/* Prints the text of key. 0 or an errno value. */
static int get(const char *key)
{
	struct shard *s = shard_of(key);
	int err = pm_rwlock_rdlock(&s->lock);
	const struct entry *e;

	if (err != 0)
		return err;
	e = *find(s, key);
	if (e != NULL)
		puts(PM_R(e->text));
	pm_rwlock_unlock(&s->lock);
	return e != NULL ? 0 : ENOENT;
}

struct job {
	pthread_t thread;
	int number, keys;
};

static void *load_some(void *arg)
{
	struct job *job = arg;
	char key[64];

	for (int i = 0; i < job->keys; i++) {
		snprintf(key, sizeof key, "key %d of %d", i, job->number);
		if (put(key, "loaded") != 0)
			return job;		/* failed */
	}
	return NULL;
}

static int load(int keys)
{
	struct job job[THREADS];
	int n, err = 0;
	void *failed;

	for (n = 0; n < THREADS && err == 0; n++) {
		job[n] = (struct job){ .number = n, .keys = keys };
		err = pthread_create(&job[n].thread, NULL, load_some, &job[n]);
	}
	if (err != 0)
		n--;
	while (n-- > 0) {
		pthread_join(job[n].thread, &failed);
		if (failed != NULL)
			err = EIO;
	}
	return err;
}

/* Is everything as it must be? No thread is at work. */
static int check(void)
{
	size_t keys = 0, linked = 0, objects = 0;

	for (int i = 0; i < SHARDS; i++) {
		const struct shard *s = &root->shard[i];

		keys += s->keys;
		for (int j = 0; j < SLOTS; j++) {
			const struct entry *e = s->slot[j];

			for (; e; e = e->next)
				linked += PM_R(e->text) != NULL;
		}
	}
	for (void *p = pm_first(texts, TYPE_TEXT); p; p = pm_next(p))
		objects++;
	printf("%zu keys, %zu texts linked, %zu allocated\n", keys, linked,
	       objects);
	return keys == linked && linked == objects ? 0 : EUCLEAN;
}

/* The texts lie beside the primary, in PRIMARY-texts. */
static int open_pools(const char *path)
{
	PmWrapperConfig config = {
		.path = path,
		.layout = "step10",
		.size = 1 << 20,
		.max_size = 1 << 30,
		.flags = PM_CREATE,
	};
	PmWrapperConfig second = config;
	char name[4096];

	snprintf(name, sizeof name, "%s-texts", path);
	second.path = name;
	second.layout = "step10-texts";
	if (pm_init(config) != 0 || !(root = pm_root(sizeof *root)) ||
	    (texts = pm_init_sec(second)) < 0) {
		fprintf(stderr, "step10: %s\n", pm_errormsg());
		return -1;
	}
	return 0;
}

/* For pmheap crash-test: opens a crashed pool as main() would. */
static int verify(const char *pool, void *arg)
{
	(void)arg;
	return open_pools(pool) != 0 || check() != 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "check";
	const char *key = argc > 2 ? argv[2] : "";
	int err;

	pm_crash_verify(verify, NULL);
	if (open_pools("step10.pool") != 0)
		return 1;
	if (strcmp(verb, "put") == 0)
		err = put(key, argc > 3 ? argv[3] : "");
	else if (strcmp(verb, "get") == 0)
		err = get(key);
	else if (strcmp(verb, "del") == 0)
		err = del(key);
	else if (strcmp(verb, "load") == 0)
		err = load(atoi(key));
	else
		err = check();
	if (err != 0)
		fprintf(stderr, "step10: %s: %s\n", verb, strerror(err));
	if (pm_close() != 0) {
		fprintf(stderr, "step10: %s\n", pm_errormsg());
		return 1;
	}
	return err != 0;
}
