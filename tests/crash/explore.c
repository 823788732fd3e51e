/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * explore.c: runs each workload on a simulated medium and crashes it at every
 * fence and at the end of every operation, into as many of the states that a
 * power cut could leave as the budget allows; and crashes recovery itself.
 *
 *	explore [--workload NAME] [--mode adr|eadr|page] [--states N]
 *		[--seed N] [--drop 1..6] [--depth N] [--state S] [--list]
 *	explore --small N | --race N [--quota N] [--family NAME] ...
 *	--jobs N: so many processes at a time
 *
 * --small: all sequences of up to N operations; --race: a thread is stopped at
 * each of its calls while another does up to N operations; at each point up to
 * --quota states. --drop: fences of order T1..T4 (lib/tx/log.c), or flushes (5:
 * of what entries changed, 6: of entries) do nothing; a failure is then what is
 * expected. --state: one state, as a failure printed it. The budget of the
 * other workloads, for all of them and all modes together, is --states or
 * PMHEAP_CRASH_STATES.
 */
#include "options.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const char *const mode_names[MODES] = {"adr", "eadr", "page"};
/* Share of the budget, in parts of ten. */
static const unsigned share[MODES] = {7, 1, 2};

/* Runs the workload to its end, recording. */
static void record_run(const struct workload *w, struct run *r,
		       struct trace *t)
{
	sim_reset();
	sim_record(t);
	if (workload_open(w, r, true))
		run_fail(r, "creating the pool");
	if (!r->error[0] && !w->no_root && !pm_root(sizeof(struct root)))
		run_fail(r, "pm_root");
	if (!r->error[0] && w->second &&
	    !pm_root_in(r->second, sizeof(struct root_b)))
		run_fail(r, "pm_root_in");
	if (!r->error[0] && pm_flush())
		run_fail(r, "pm_flush");
	r->now.has_root = !w->no_root;
	r->root_size = w->no_root ? 0 : sizeof(struct root);
	r->now.objects = r->now.has_root;
	if (!r->error[0]) {
		r->thread = w->threads;
		r->unmarked = w->late_marks;
		run_start(r);
		w->program(r, w);
	}
	if (pm_close() && !r->broken)
		run_fail(r, "closing");
	if (r->n)
		sim_mark(r->n - 1, r->n - 1, 0);
	sim_record(NULL);
}

/* Of all processes. */
static struct totals {
	uint64_t states, points, capped;
} *totals;

static void add_totals(const struct search *s)
{
	__atomic_fetch_add(&totals->states, s->states, __ATOMIC_RELAXED);
	__atomic_fetch_add(&totals->points, s->points, __ATOMIC_RELAXED);
	__atomic_fetch_add(&totals->capped, s->capped, __ATOMIC_RELAXED);
}

static struct search *in_hand;

/* A crash or a hang of the library is a failure like others. */
static void on_signal(int sig)
{
	char text[64];

	snprintf(text, sizeof(text), "signal %d", sig);
	if (in_hand->path_n)
		search_fail(in_hand, text);
	else
		printf("FAIL %s: %s in the run itself\n", in_hand->w->name,
		       text);
	fflush(stdout);
	_exit(1);
}

static void catch_signals(void)
{
	static const int sig[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGALRM};
	unsigned i;

	for (i = 0; i < sizeof(sig) / sizeof(*sig); i++)
		signal(sig[i], on_signal);
}

static void search_start(struct search *s, const struct options *o, int mode)
{
	*s = (struct search){
		.mode = mode == PAGE ? WORLD_PAGES : WORLD_LINES,
		.eadr = mode == EADR, .drop = (enum drop)o->drop,
		.seed = o->seed, .rng = o->seed, .depth = o->depth,
		.budget = o->states, .failures_max = 3,
		.replay = o->state_n ? o->state : NULL,
		.replay_n = o->state_n,
	};
	in_hand = s;
	catch_signals();
	choose_pages(mode == PAGE);
}

/* Records the workload and crashes it. */
static void explore_one(struct search *s, const struct workload *w,
			struct trace *t)
{
	struct run r = {
		.rng = s->seed,
		.tx_late = w->durability == PM_RELAXED,
		.single_late = w->durability == PM_RELAXED ||
			       (w->flags & PM_FLUSH_MANUAL),
	};

	s->w = w;
	s->run = &r;
	trace_clear(t);
	random_seed(s->seed);
	alarm(60);
	record_run(w, &r, t);
	if (r.error[0]) {
		printf("FAIL %s: %s\n", w->name, r.error);
		s->failures++;
	} else {
		search_run(s, t);
	}
	run_free(&r);
}

static void report(const struct search *s, const char *name, uint64_t runs)
{
	printf("%s %s: ", name, s->eadr ? "eadr" :
	       s->mode == WORLD_PAGES ? "page" : "adr");
	if (runs)
		printf("%llu sequences, ", (unsigned long long)runs);
	printf("%llu points (%llu capped), %llu states (%llu inside recovery, "
	       "%llu repeated not counted, %llu outcomes), %u failures",
	       (unsigned long long)s->points, (unsigned long long)s->capped,
	       (unsigned long long)s->states, (unsigned long long)s->nested,
	       (unsigned long long)s->repeated,
	       (unsigned long long)s->recovered.n, s->failures);
	if (s->drop)
		printf(", %llu dropped", (unsigned long long)s->dropped);
	printf("\n");
	fflush(stdout);
	add_totals(s);
}

static int one_workload(const struct options *o, const struct workload *w,
			int mode)
{
	struct trace t = {0};
	struct search s;

	search_start(&s, o, mode);
	explore_one(&s, w, &t);
	report(&s, w->name, 0);
	return s.failures ? 1 : 0;
}

/* Every sequence of the family; the share of it that this process has. */
static int one_family(const struct options *o, const struct family *f,
		      int mode)
{
	const struct workload *w;
	struct trace t = {0};
	struct search s;
	uint64_t n;

	search_start(&s, o, mode);
	s.quota = o->quota;
	for (n = 0; s.failures < s.failures_max &&
	     (w = f->nth(f, n, o->longest)); n++) {
		explore_one(&s, w, &t);
		seen_free(&s.tried);
	}
	report(&s, f->name, n);
	return s.failures ? 1 : 0;
}

struct result {
	unsigned n, failed, running;
};

static void wait_for_one(struct result *res)
{
	int status = 1;

	while (wait(&status) < 0 && errno == EINTR)
		;
	res->running--;
	res->n++;
	res->failed += status != 0;
}

/* In a process of its own, --jobs at a time: either of w and f. */
static void in_child(struct result *res, const struct options *o,
		     const struct workload *w, const struct family *f, int mode)
{
	pid_t pid;

	if (res->running == o->jobs)
		wait_for_one(res);
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		exit(w ? one_workload(o, w, mode) : one_family(o, f, mode));
	res->running++;
}

static void all_workloads(struct result *res, const struct options *o)
{
	struct options part = *o;
	const struct workload *only = o->workload ? workload_find(o->workload)
						  : NULL;
	size_t i;
	int m;

	for (i = 0; i < (o->workload ? only != NULL : workload_n); i++) {
		for (m = 0; m < MODES; m++) {
			if (o->mode >= 0 && o->mode != m)
				continue;
			part.states = o->states;
			if (!o->workload)
				part.states /= workload_n;
			if (o->mode < 0)
				part.states = part.states * share[m] / 10;
			in_child(res, &part, only ? only : &workloads[i], NULL,
				 m);
		}
	}
}

static void all_families(struct result *res, const struct options *o)
{
	size_t i;
	int m;

	for (i = 0; i < family_n; i++) {
		const struct family *f = &families[i];

		if ((f->nth == race_nth) != o->races ||
		    (o->family && strcmp(o->family, f->name)))
			continue;
		for (m = 0; m < MODES; m++)
			if (o->mode < 0 || o->mode == m)
				in_child(res, o, NULL, f, m);
	}
}

int main(int argc, char **argv)
{
	struct result res = {0, 0, 0};
	struct options o;
	struct timespec a, b;
	double seconds;

	totals = mmap(NULL, sizeof(*totals), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (totals == MAP_FAILED)
		return 99;
	options_parse(&o, argc, argv);
	clock_gettime(CLOCK_MONOTONIC, &a);
	if (o.longest) {
		printf("seed %llu, up to %u operations\n",
		       (unsigned long long)o.seed, o.longest);
		all_families(&res, &o);
	} else {
		printf("seed %llu, %llu states\n", (unsigned long long)o.seed,
		       (unsigned long long)o.states);
		all_workloads(&res, &o);
	}
	while (res.running)
		wait_for_one(&res);
	clock_gettime(CLOCK_MONOTONIC, &b);
	seconds = (double)(b.tv_sec - a.tv_sec) +
		  (double)(b.tv_nsec - a.tv_nsec) / 1e9;
	printf("%llu states at %llu points (%llu capped) in %.1f s: %.0f a "
	       "second; %u of %u runs failed\n",
	       (unsigned long long)totals->states,
	       (unsigned long long)totals->points,
	       (unsigned long long)totals->capped, seconds,
	       (double)totals->states / seconds, res.failed, res.n);
	return res.failed || !res.n ? 1 : 0;
}
