/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * race.c: a thread is stopped before its nth call of the backend, or before its
 * nth lock of a mutex, in the middle of an operation, while the main thread does
 * others; every crash meanwhile must leave the stopped operation entirely or not
 * at all. It works on other cells and slots than they, but in the same slabs,
 * lines and lanes.
 *
 * What waits for the stopped thread is let go after a while: then the order of
 * events is not quite repeatable, but what is found is no less true.
 */
#include "explore.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATIENCE_NS 20000000

/* Slots 10 to 12 hold objects beforehand. */
static const struct word stopped_one[] = {
	{"set", {OP_SET, 12, 0}, 0},
	{"put", {OP_PUT, 20, 96}, 0},
	{"replace", {OP_PUT, 10, 96}, 0},
	{"del", {OP_DEL, 11, 0}, 0},
	{"rewrite", {OP_REWRITE, 12, 0}, 0},
	{"spill", {OP_RESIZE, 12, 9000}, 0},
	{"direct", {OP_PUT, 21, 66000}, 0},
	{"nested", {OP_NESTED, 12, 0}, 0},
};

static const struct word stopped_two[] = {
	{"both", {OP_BOTH, 12, 2}, 0},
	{"del", {OP_DEL, 11, 0}, 0},
};

static const struct word main_words[] = {
	{"set", {OP_SET, 0, 0}, 0},
	{"put", {OP_PUT, 0, 96}, 0},
	{"del", {OP_DEL, 1, 0}, 0},
	{"many", {OP_MANY, 2, 4}, 0},
	{"abort", {OP_ABORT, 1, 0}, 0},
	{"flush", {OP_FLUSH, 0, 0}, 0},
	{"set-flush", {OP_SET, 0, 0}, 2},
	{"put-flush", {OP_PUT, 0, 96}, 2},
	{"wrap", {OP_FILL, 0, 0}, 1},
	{"direct", {OP_PUT, 5, 67000}, 0},
	{"grow", {OP_PUT, 6, 60000}, 0},
};

#define WRAP 110u	/* operations that fill a lane */

#define N(array) (sizeof(array) / sizeof(*(array)))

static const struct word *stopped, *then[WORDS_MAX];
static unsigned stop_at, then_n;
static bool was_stopped;

/* The linker puts it in front of that of the C library. */
int __real_pthread_mutex_lock(pthread_mutex_t *m);
int __wrap_pthread_mutex_lock(pthread_mutex_t *m);

int __wrap_pthread_mutex_lock(pthread_mutex_t *m)
{
	sim_before_lock(m);
	return __real_pthread_mutex_lock(m);
}

struct beside {
	struct run r;
	struct todo t;
};

static void *run_beside(void *arg)
{
	struct beside *b = arg;

	sim_park(stop_at);
	do_op(&b->r, b->t);
	sim_unpark();
	return NULL;
}

/* Lets the stopped thread go if the main thread waits for it. */
struct watch {
	pthread_mutex_t mu;
	pthread_cond_t cv;
	bool over;
};

static void *watch(void *arg)
{
	struct watch *w = arg;
	struct timespec until;
	int err = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += PATIENCE_NS;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&w->mu);
	while (!w->over && err != ETIMEDOUT)
		err = pthread_cond_timedwait(&w->cv, &w->mu, &until);
	pthread_mutex_unlock(&w->mu);
	if (err == ETIMEDOUT)
		sim_release();
	return NULL;
}

static void main_word(struct run *r, const struct word *word)
{
	unsigned i;

	for (i = 0; i < (word->how == 1 ? WRAP : 1); i++)
		do_op(r, word->t);
	if (word->how == 2)
		do_op(r, (struct todo){OP_FLUSH, 0, 0});
}

/* The main thread's operations, under watch. */
static void do_then(struct run *r)
{
	struct watch w = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,
			  false};
	pthread_t id;
	unsigned i;

	if (pthread_create(&id, NULL, watch, &w))
		abort();
	for (i = 0; i < then_n; i++)
		main_word(r, then[i]);
	pthread_mutex_lock(&w.mu);
	w.over = true;
	pthread_cond_signal(&w.cv);
	pthread_mutex_unlock(&w.mu);
	pthread_join(id, NULL);
}

static struct patch *patch_new(struct run *r)
{
	r->patch = crash_room(r->patch, &r->patch_cap, r->patch_n + 1,
			      sizeof(*r->patch));
	return &r->patch[r->patch_n++];
}

static void race(struct run *r)
{
	struct beside b = {.r = *r, .t = stopped->t};
	struct patch *patch = patch_new(r);
	uint64_t number = r->patch_n;
	pthread_t id;

	b.r.beside = true;
	b.r.next_tag += 1 << 20;
	*patch = (struct patch){r->now, r->now};
	r->aside = number;
	sim_mark(r->durable, r->n - 1, r->aside);
	sim_expect();
	if (pthread_create(&id, NULL, run_beside, &b))
		abort();
	was_stopped = sim_wait_parked();
	if (was_stopped)
		do_then(r);
	sim_release();
	pthread_join(id, NULL);
	if (b.r.error[0])
		memcpy(r->error, b.r.error, sizeof(r->error));
	patch->to = b.r.now;
	run_version(r);
	model_version(r, r->n - 1, number, &r->version[r->n - 1]);
	r->now = r->version[r->n - 1];
	/* A deferred one may be lost while those after it are, too. */
	if (!r->tx_late && !r->single_late)
		r->aside = 0;
	if (!r->aside)
		r->durable = r->n - 1;
	sim_mark(r->durable, r->n - 1, r->aside);
}

static void program(struct run *r, const struct workload *w)
{
	unsigned i;

	(void)w;
	for (i = 0; i < 3; i++) {
		do_op(r, (struct todo){OP_PUT, i, 96});
		do_op(r, (struct todo){OP_PUT, 10 + i, 96});
	}
	do_op(r, (struct todo){OP_FLUSH, 0, 0});
	r->unmarked = false;
	/* A flush meanwhile finds something below the number in flight. */
	if (r->tx_late || r->single_late)
		do_op(r, (struct todo){OP_SET, 3, 0});
	race(r);
}

static const struct workload *made(const struct family *f)
{
	static struct workload w;
	static char name[128];
	unsigned i, n;

	family_workload(f, &w);
	w.program = program;
	w.name = name;
	n = (unsigned)snprintf(name, sizeof(name), "%s:%s@%u", f->name,
			       stopped->name, stop_at);
	for (i = 0; i < then_n; i++)
		n += (unsigned)snprintf(name + n, sizeof(name) - n, "%c%s",
					i ? '+' : '/', then[i]->name);
	return &w;
}

static const struct word *stopped_nth(const struct family *f, unsigned n)
{
	if (f->second)
		return n < N(stopped_two) ? &stopped_two[n] : NULL;
	return n < N(stopped_one) ? &stopped_one[n] : NULL;
}

bool race_was_stopped(void)
{
	return was_stopped;
}

/* The stop is the fastest digit; when one comes too late, the next sequence is
 * due, so n is only a hint of how far the caller is. */
const struct workload *race_nth(const struct family *f, uint64_t n,
				unsigned longest)
{
	static uint64_t at;
	unsigned digit[WORDS_MAX], i, base;

	if (n == 0) {
		at = 0;
		stop_at = 0;
	} else if (!was_stopped) {
		at++;
		stop_at = 0;
	}
	stop_at++;
	for (base = 0; stopped_nth(f, base); base++)
		;
	stopped = stopped_nth(f, (unsigned)(at % base));
	then_n = digits_of(at / base, N(main_words), longest, digit);
	for (i = 0; i < then_n; i++)
		then[i] = &main_words[digit[i]];
	return then_n ? made(f) : NULL;
}

static const struct word *find(const struct word *words, size_t n,
			       const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strlen(words[i].name) == len &&
		    !memcmp(words[i].name, name, len))
			return &words[i];
	return NULL;
}

const struct workload *race_find(const struct family *f, const char *text)
{
	size_t n = strcspn(text, "@");
	char *end;

	stopped = f->second ? find(stopped_two, N(stopped_two), text, n)
			    : find(stopped_one, N(stopped_one), text, n);
	if (!stopped || text[n] != '@')
		return NULL;
	stop_at = (unsigned)strtoul(text + n + 1, &end, 10);
	then_n = 0;
	while (*end && then_n < WORDS_MAX) {
		n = strcspn(++end, "+");
		then[then_n] = find(main_words, N(main_words), end, n);
		if (!then[then_n++])
			return NULL;
		end += n;
	}
	return then_n ? made(f) : NULL;
}
