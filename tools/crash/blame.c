/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * blame.c: between which calls of the program a crash state lies.
 *
 * When a crash comes while a transaction commits, the pool may hold that
 * transaction or not. The library counts what it commits by sequence numbers;
 * so the number that a crashed pool recovers to is compared with those that it
 * has after each call with everything executed.
 */
#include "crash/explore.h"

#include <pmheap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct level {
	uint64_t of[CRASH_MEDIA_MAX];	/* 0: not there, or not readable */
};

struct blame {
	struct explore *e;
	struct judge judge;
	struct level *after;		/* by call                    */
	bool *known;
	const struct run_call **order;	/* those that returned, by end */
	size_t order_n;
};

/*
 * The number of the last entry. A pool that was cut off goes on with numbers
 * that are 2^32 higher, which tell nothing here.
 */
static uint64_t sequence_of(const char *path)
{
	PmWrapperConfig c = {.path = path, .flags = PM_RDONLY};
	PmStats st;

	if (access(path, F_OK) || pm_init(c))
		return 0;
	if (pm_stats(PM_PRIMARY, &st))
		st.sequence = 0;
	(void)pm_close();
	return st.sequence & UINT32_MAX;
}

/* In a child: a pool that kills its reader must not kill us. */
static void read_level(const struct blame *b, struct level *level)
{
	int fds[2], status;
	pid_t pid;

	memset(level, 0, sizeof(*level));
	if (pipe(fds))
		return;
	pid = fork();
	if (pid == 0) {
		alarm(b->judge.timeout_s);
		for (unsigned i = 0; i < b->e->run->pool_n; i++)
			level->of[i] = sequence_of(pools_path(&b->judge, i));
		_exit(write(fds[1], level, sizeof(*level)) !=
		      sizeof(*level));
	}
	close(fds[1]);
	if (pid > 0 && read(fds[0], level, sizeof(*level)) != sizeof(*level))
		memset(level, 0, sizeof(*level));
	close(fds[0]);
	if (pid > 0)
		waitpid(pid, &status, 0);
}

static void level_of_state(const struct blame *b, const struct state *at,
			   struct level *level)
{
	const struct trace *t = &b->e->run->trace;
	struct journal images;
	struct world w;

	explore_world(b->e, &w, &images);
	for (size_t i = 0; i < at->point && i < t->n; i++)
		world_step(&w, t, &t->ev[i]);
	state_enter(&w, at);
	memset(level, 0, sizeof(*level));
	if (pools_write(&b->judge, &images, at->point) == 0)
		read_level(b, level);
	world_free(&w);
	run_images_free(b->e->run, &images);
}

/* Of the run when call k has returned. */
static const struct level *level_after(const struct blame *b, size_t k)
{
	size_t i = (size_t)(b->order[k] - b->e->run->call);
	struct state at = {b->order[k]->end, S_ALL, 0};

	if (!b->known[i])
		level_of_state(b, &at, &b->after[i]);
	b->known[i] = true;
	return &b->after[i];
}

/* Has b everything that a has? */
static bool is_within(const struct level *a, const struct level *b)
{
	for (unsigned i = 0; i < CRASH_MEDIA_MAX; i++)
		if (a->of[i] > b->of[i])
			return false;
	return true;
}

/*
 * The call after which the state lies: of those whose effects are all there
 * the last that committed something, not one that only tidied up.
 */
static const struct run_call *last_within(const struct blame *b,
					  const struct level *level)
{
	size_t lo = 0, hi = b->order_n, end;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (is_within(level_after(b, mid), level))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0)
		return NULL;
	for (end = lo - 1, lo = 0, hi = end; lo < hi;) {
		size_t mid = (lo + hi) / 2;

		if (is_within(level_after(b, end), level_after(b, mid)))
			hi = mid;
		else
			lo = mid + 1;
	}
	return b->order[lo];
}

static void blame(struct blame *b, struct finding *f)
{
	struct level level;

	level_of_state(b, &f->at, &level);
	if (f->verdict.kind != V_DAMAGED && f->verdict.kind != V_LIBRARY)
		f->after = last_within(b, &level);
	f->before = run_next(b->e->run, f->after);
}

static int by_end(const void *a, const void *b)
{
	const struct run_call *x = *(const struct run_call *const *)a;
	const struct run_call *y = *(const struct run_call *const *)b;

	return x->end < y->end ? -1 : x->end > y->end;
}

static int by_state(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	return state_order(&x->at, &y->at);
}

/* Findings come in the order in which workers are done; the earliest of those
 * that are one is the one that is told. */
static void merge(struct explore *e)
{
	size_t n = 0;

	qsort(e->found, e->found_n, sizeof(*e->found), by_state);
	for (size_t i = 0; i < e->found_n; i++) {
		size_t k = 0;

		while (k < n && (e->found[k].verdict.kind !=
				 e->found[i].verdict.kind ||
				 !run_same_place(e->found[k].after,
						 e->found[i].after)))
			k++;
		if (k == n)
			e->found[n++] = e->found[i];
		else
			e->found[k].states += e->found[i].states;
	}
	e->found_n = n;
}

void blame_all(struct explore *e)
{
	const struct run *run = e->run;
	struct blame b = {.e = e, .judge = *e->judge};
	char dir[4096];

	snprintf(dir, sizeof(dir), "%.4000s/blame", e->dir);
	b.after = calloc(run->call_n + 1, sizeof(*b.after));
	b.known = calloc(run->call_n + 1, sizeof(*b.known));
	b.order = calloc(run->call_n + 1, sizeof(*b.order));
	if (e->found_n == 0 || !b.after || !b.known || !b.order ||
	    judge_start(&b.judge, dir))
		goto out;
	for (size_t i = 0; i < run->call_n; i++)
		if (run->call[i].end != SIZE_MAX)
			b.order[b.order_n++] = &run->call[i];
	qsort(b.order, b.order_n, sizeof(*b.order), by_end);
	for (size_t i = 0; i < e->found_n; i++)
		blame(&b, &e->found[i]);
	merge(e);
	judge_end(&b.judge);
out:
	free(b.after);
	free(b.known);
	free(b.order);
}
