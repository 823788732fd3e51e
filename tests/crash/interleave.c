/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * interleave.c: two threads, one of them stopped at each of its calls of the
 * backend in turn while the other works; the power is cut then, and again when
 * both are done. In other runs a fence fails instead.
 *
 *	interleave [-v] [mode [op-a op-b [call [fail]]]]
 *
 * repeats what a failure names. PMHEAP_INTERLEAVE (default 4) says that one
 * pair of so many is tried, and not every one of its later calls; 1: all. Each
 * thread owns one side of the root object; what they share are lanes, bitmaps,
 * descriptors, the header, checkpoints.
 */
#include "interleave.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define IMAGES 4
#define STUCK_MS 5
#define DENSE 16		/* calls that are tried one by one */

struct moment {
	struct park_image image;
	uint64_t lo[SIDES], hi[SIDES];
};

struct worker {
	struct play *play;
	int side;
	enum op_kind what;
	unsigned call;
	bool fail;
	sem_t ready, go, done;
	pthread_t thread;
};

static struct park_image base;
static unsigned long runs, stuck, checked;
static unsigned every;			/* 1: all pairs, all calls */
static bool verbose;

static void *work(void *arg)
{
	struct worker *w = arg;

	play_prefill(w->play, w->side);
	sem_post(&w->ready);
	while (sem_wait(&w->go))
		;
	if (w->call)
		park_me(w->call, w->fail);
	play_op(w->play, w->side, w->what);
	if (w->call) {
		park_done();
		/* A region that is not poisoned goes on. */
		play_op(w->play, w->side, DO_SET);
	}
	sem_post(&w->done);
	park_end();
	return NULL;
}

static void start(struct worker *w)
{
	sem_init(&w->ready, 0, 0);
	sem_init(&w->go, 0, 0);
	sem_init(&w->done, 0, 0);
	if (pthread_create(&w->thread, NULL, work, w))
		abort();
	/* In this order, so that each gets a lane of its own. */
	while (sem_wait(&w->ready))
		;
}

static void take(struct moment *m, struct play *p, bool certain)
{
	play_bounds(p, m->lo, NULL);
	park_take(&m->image, certain);
	play_bounds(p, NULL, m->hi);
}

/* Until it is done, or waits for the one that is stopped. */
static void let_work(struct worker *w)
{
	struct timespec t;

	sem_post(&w->go);
	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += STUCK_MS * 1000000L;
	t.tv_sec += t.tv_nsec / 1000000000L;
	t.tv_nsec %= 1000000000L;
	if (sem_timedwait(&w->done, &t))
		stuck++;
}

static int look(const struct play *p, struct moment *m, int i)
{
	static const char *const names[IMAGES] = {
		"all that was executed, while it was stopped",
		"what was certain, while it was stopped",
		"all that was executed, at the end",
		"what was certain, at the end",
	};
	char text[256];
	int ret;

	park_put(&m->image);
	ret = play_check(p, m->lo, m->hi, text, sizeof(text));
	park_free(&m->image);
	checked++;
	if (ret)
		fprintf(stderr, "%s: %s\n", names[i], text);
	return ret;
}

/* True: the call was reached. */
static bool run(enum mode mode, enum op_kind a, enum op_kind b, unsigned call,
		bool fail, int *bad)
{
	struct moment m[IMAGES];
	struct play p;
	struct worker w[SIDES] = {
		{.play = &p, .what = a, .call = call, .fail = fail},
		{.play = &p, .side = 1, .what = b},
	};
	bool was_stopped;
	int i, n = 0;

	/* Only one thread may close what the other has not opened yet. */
	if (a == DO_REOPEN && b == DO_REOPEN)
		return false;
	park_put(&base);
	play_start(&p, mode);
	start(&w[0]);
	start(&w[1]);
	sem_post(&w[0].go);
	was_stopped = park_wait();
	let_work(&w[1]);
	take(&m[n++], &p, false);
	take(&m[n++], &p, true);
	if (was_stopped)
		park_release();
	for (i = 0; i < SIDES; i++)
		pthread_join(w[i].thread, NULL);
	take(&m[n++], &p, false);
	take(&m[n++], &p, true);
	play_end(&p);
	runs++;
	for (i = 0; i < n; i++)
		*bad |= look(&p, &m[i], i);
	if (*bad)
		fprintf(stderr, "repeat: interleave %s %s %s %u%s\n",
			play_mode_name(mode), play_name(a), play_name(b), call,
			fail ? " fail" : "");
	return was_stopped;
}

static int pair(enum mode mode, enum op_kind a, enum op_kind b)
{
	int fail, bad = 0;
	unsigned call;

	for (fail = 0; fail < 2; fail++)
		for (call = 1; !bad && run(mode, a, b, call, fail, &bad);
		     call += every > 1 ? 1 + call / DENSE : 1)
			;
	if (verbose)
		printf("%s %s %s: %u calls\n", play_mode_name(mode),
		       play_name(a), play_name(b), call);
	return bad;
}

static int all(int mode)
{
	int a, b, bad = 0;

	for (a = 0; a < OP_KINDS && !bad; a++)
		for (b = 0; b < OP_KINDS && !bad; b++)
			if ((unsigned)(5 * a + b + mode) % every == 0)
				bad = pair((enum mode)mode, (enum op_kind)a,
					    (enum op_kind)b);
	return bad;
}

static int one_of(const char *name, int n, const char *(*names)(int))
{
	int i;

	for (i = 0; i < n; i++)
		if (!strcmp(name, names(i)))
			return i;
	fprintf(stderr, "interleave: no \"%s\"\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	const char *env = getenv("PMHEAP_INTERLEAVE");
	int mode = -1, bad = 0;

	if (argc > 1 && !strcmp(argv[1], "-v")) {
		verbose = true;
		argc--;
		argv++;
	}
	every = env ? (unsigned)strtoul(env, NULL, 10) : 4;
	every = every ? every : 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	play_setup(&base);
	if (argc > 1)
		mode = one_of(argv[1], MODES, play_mode_name);
	if (argc > 3) {
		enum op_kind a = (enum op_kind)one_of(argv[2], OP_KINDS,
						      play_name);
		enum op_kind b = (enum op_kind)one_of(argv[3], OP_KINDS,
						      play_name);

		if (argc > 4)
			run((enum mode)mode, a, b,
			    (unsigned)strtoul(argv[4], NULL, 10), argc > 5,
			    &bad);
		else
			bad = pair((enum mode)mode, a, b);
	} else {
		int i;

		for (i = 0; i < MODES; i++)
			if (mode < 0 || mode == i)
				bad |= all(i);
	}
	park_free(&base);
	printf("%lu runs, %lu crashes looked at, in %lu runs the second thread "
	       "had to wait\n", runs, checked, stuck);
	return bad != 0;
}
