/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * work.c: random work on one or two pools by several threads: objects of all
 * sizes, transactions of few and of many changes, growth, frees of whole slabs.
 */
#include "work.h"

#include <pmheap/backend.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OBJECTS 700

struct thread {
	pthread_t id;
	const struct work *w;
	unsigned seed, ops;
	int second;			/* region number, or 0        */
	char *obj[OBJECTS];
	bool may_die;
};

static pthread_mutex_t root_lock = PTHREAD_MUTEX_INITIALIZER;

static PmBackend dying;
static int fences_left;

/* What it orders is on the medium; nothing that follows is. */
static int fence_and_die(PmMedium *m)
{
	int ret = pm_backend("file")->fence(m);

	if (__atomic_fetch_sub(&fences_left, 1, __ATOMIC_RELAXED) == 1)
		raise(SIGKILL);
	return ret;
}

static unsigned pick(struct thread *t, unsigned n)
{
	t->seed = t->seed * 1664525u + 1013904223u;
	return (t->seed >> 8) % n;
}

static int region(struct thread *t)
{
	return t->second && pick(t, 2) ? t->second : PM_PRIMARY;
}

static size_t random_size(struct thread *t)
{
	switch (pick(t, 60)) {
	case 0:
		return 20000 + pick(t, 60000);
	case 1:
	case 2:
		return 1000 + pick(t, 6000);
	default:
		return 1 + pick(t, 400);
	}
}

static void replace(struct thread *t, unsigned i)
{
	size_t size = random_size(t);

	pm_free(t->obj[i]);
	t->obj[i] = pm_alloc_type(region(t), size,
				  pick(t, 5) | (pick(t, 2) ? PM_ZERO : 0));
}

static void change(struct thread *t, unsigned i)
{
	char *p = t->obj[i];
	size_t size = p ? pm_usable_size(p) : 0, n, off;

	if (size == 0)
		return;
	off = pick(t, (unsigned)size);
	n = 1 + pick(t, (unsigned)(size - off));
	if (pick(t, 3) == 0)
		pm_fill(p + off, (int)t->seed, n);
	else
		pm_write(p + off, p, n);
}

/* Frees many objects, all of some slabs; more than a lane holds. */
static void sweep(struct thread *t)
{
	char *old[OBJECTS];
	unsigned i;

	memcpy(old, t->obj, sizeof(old));
	TX_START {
		for (i = 0; i < OBJECTS; i++)
			if (pick(t, 10)) {
				pm_free(t->obj[i]);
				t->obj[i] = NULL;
			}
	} TX_ONABORT {
		memcpy(t->obj, old, sizeof(old));
	} TX_END
}

/* More than a lane holds. */
static void large(struct thread *t)
{
	char *old[OBJECTS];
	unsigned i;

	memcpy(old, t->obj, sizeof(old));
	TX_START {
		for (i = 0; i < OBJECTS; i++) {
			if (t->obj[i])
				pm_fill(t->obj[i], (int)i,
					pm_usable_size(t->obj[i]));
			else
				t->obj[i] = pm_alloc_in(region(t), 300);
		}
		if (pick(t, 3) == 0)
			TX_ABORT(0);
	} TX_ONABORT {
		memcpy(t->obj, old, sizeof(old));
	} TX_END
}

static void small(struct thread *t)
{
	unsigned i = pick(t, OBJECTS), j = pick(t, OBJECTS);
	char *old[2] = {t->obj[i], t->obj[j]};

	TX_START {
		replace(t, i);
		change(t, j);
		if (t->may_die && t->w->end == DIE_INSIDE && t->ops == 0)
			raise(SIGKILL);
		if (pick(t, 4) == 0)
			TX_ABORT(0);
	} TX_ONABORT {
		t->obj[j] = old[1];
		t->obj[i] = old[0];
	} TX_END
}

static void *work(void *arg)
{
	struct thread *t = arg;

	while (t->ops-- > 0) {
		switch (pick(t, 24)) {
		case 0:
			sweep(t);
			break;
		case 1:
			large(t);
			break;
		case 2:
			pthread_mutex_lock(&root_lock);
			if (!pm_root(64 + pick(t, 2000)))
				abort();
			pthread_mutex_unlock(&root_lock);
			break;
		case 3:
		case 4:
		case 5:
			small(t);
			break;
		case 6:
		case 7:
		case 8:
		case 9:
			change(t, pick(t, OBJECTS));
			break;
		default:
			replace(t, pick(t, OBJECTS));
		}
	}
	t->ops = 0;
	if (t->may_die && t->w->end == DIE_INSIDE)
		small(t);
	return NULL;
}

static void grow_and_die(void)
{
	PmStats s;

	while (pm_alloc(40000) && pm_stats(PM_PRIMARY, &s) == 0)
		if (s.size > 1 << 20)
			raise(SIGKILL);
}

static void pair_and_die(int second)
{
	TX_START {
		if (!pm_alloc(100) || !pm_alloc_in(second, 100))
			TX_ABORT(0);
	} TX_ONCOMMIT {
		raise(SIGKILL);
	} TX_END
}

static int child(const struct work *w)
{
	PmWrapperConfig config = {
		.path = w->path, .layout = "format", .size = 1 << 20,
		.max_size = 6 << 20, .flags = PM_CREATE | w->flags,
		.durability = w->durability, .flush_ms = 5,
	};
	PmWrapperConfig second;
	static struct thread thread[4];
	unsigned i;

	if (w->end == DIE_AT_FENCE) {
		dying = *pm_backend("file");
		dying.fence = fence_and_die;
		fences_left = (int)w->fence;
		config.backend = &dying;
	}
	second = config;
	second.path = w->second;
	if (pm_init(config) != 0 || pm_root(64) == NULL ||
	    (w->second && (thread[0].second = pm_init_sec(second)) < 0)) {
		fprintf(stderr, "%s\n", pm_errormsg());
		return 1;
	}
	if (w->end == DIE_GROWN)
		grow_and_die();
	if (w->end == DIE_PAIRED)
		pair_and_die(thread[0].second);
	for (i = 0; i < w->threads; i++) {
		thread[i].w = w;
		thread[i].seed = w->seed * 31 + i;
		thread[i].ops = w->ops;
		thread[i].second = thread[0].second;
		thread[i].may_die = i == 0;
		if (pthread_create(&thread[i].id, NULL, work, &thread[i]))
			return 1;
	}
	for (i = 0; i < w->threads; i++)
		pthread_join(thread[i].id, NULL);
	return pm_close() != 0;
}

int work_run(const struct work *w)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(child(w));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	if (w->end != CLOSE)
		return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? 0
									  : -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}
