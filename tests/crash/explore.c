/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * explore.c: runs each workload on a simulated medium and crashes it at every
 * fence and at the end of every operation, into as many of the states that a
 * power cut could leave as the budget allows; and crashes recovery itself.
 *
 *	explore [--workload NAME] [--mode adr|eadr|page] [--states N]
 *		[--seed N] [--drop 1..6] [--depth N] [--state S] [--list]
 *
 * --drop: fences of order T1..T4 (lib/tx/log.c), or flushes (5: of what entries
 * changed, 6: of entries) do nothing; a failure is then what is expected.
 * --state: one state, as a failure printed it. The budget is
 * PMHEAP_CRASH_STATES or --states, for all workloads and modes together.
 */
#include "explore.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEFAULT_STATES 15000u

enum mode { ADR, EADR, PAGE, MODES };
static const char *const mode_names[MODES] = {"adr", "eadr", "page"};
/* Share of the budget, in parts of ten. */
static const unsigned share[MODES] = {7, 1, 2};

struct options {
	const char *workload;
	int mode;		/* -1: all */
	uint64_t states, seed;
	unsigned drop, depth;
	struct state state[DEPTH_MAX];
	unsigned state_n;
};

/* Runs the workload to its end, recording. */
static void record_run(const struct workload *w, struct run *r,
		       struct trace *t)
{
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
	run_start(r);
	if (!r->error[0]) {
		r->thread = w->threads;
		w->program(r, w);
	}
	if (pm_close() && !r->broken)
		run_fail(r, "closing");
	sim_mark(r->n - 1, r->n - 1, 0);
	sim_record(NULL);
}

static void report(const struct search *s)
{
	printf("%s %s: %llu points (%llu capped), %llu states (%llu inside "
	       "recovery, %llu repeated not counted, %llu outcomes), %u "
	       "failures", s->w->name,
	       s->eadr ? "eadr" : s->mode == WORLD_PAGES ? "page" : "adr",
	       (unsigned long long)s->points, (unsigned long long)s->capped,
	       (unsigned long long)s->states, (unsigned long long)s->nested,
	       (unsigned long long)s->repeated,
	       (unsigned long long)s->recovered.n, s->failures);
	if (s->drop)
		printf(", %llu dropped", (unsigned long long)s->dropped);
	printf("\n");
	fflush(stdout);
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

/* One workload in one mode, in a process of its own. Exit status 0: sound. */
static int one(const struct options *o, const struct workload *w, int mode)
{
	struct run r = {
		.rng = o->seed,
		.tx_late = w->durability == PM_RELAXED,
		.single_late = w->durability == PM_RELAXED ||
			       (w->flags & PM_FLUSH_MANUAL),
	};
	struct trace t = {0};
	struct search s = {
		.w = w, .mode = mode == PAGE ? WORLD_PAGES : WORLD_LINES,
		.eadr = mode == EADR, .drop = o->drop, .seed = o->seed,
		.rng = o->seed, .depth = o->depth, .budget = o->states,
		.run = &r, .failures_max = 3,
		.replay = o->state_n ? o->state : NULL,
		.replay_n = o->state_n,
	};

	in_hand = &s;
	catch_signals();
	random_seed(o->seed);
	choose_pages(mode == PAGE);
	alarm(60);
	record_run(w, &r, &t);
	if (r.error[0]) {
		printf("FAIL %s: %s\n", w->name, r.error);
		s.failures++;
	} else {
		search_run(&s, &t);
		report(&s);
	}
	trace_free(&t);
	run_free(&r);
	seen_free(&s.tried);
	seen_free(&s.recovered);
	return s.failures ? 1 : 0;
}

static int in_child(const struct options *o, const struct workload *w,
		    int mode)
{
	pid_t pid;
	int status = 1;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		exit(one(o, w, mode));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status ? 1 : 0;
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 0);

	if (*end || end == text) {
		fprintf(stderr, "\"%s\" is not a number\n", text);
		exit(2);
	}
	return n;
}

static void parse_state(struct options *o, char *text)
{
	char *one_state;

	for (one_state = strtok(text, "/"); one_state && o->state_n < DEPTH_MAX;
	     one_state = strtok(NULL, "/"))
		if (!state_parse(&o->state[o->state_n++], one_state))
			exit(2);
}

static int parse_mode(const char *text)
{
	int m = 0;

	while (m < MODES && strcmp(text, mode_names[m]))
		m++;
	if (m == MODES)
		exit(2);
	return m;
}

static void list(void)
{
	size_t i;

	for (i = 0; i < workload_n; i++)
		printf("%s\n", workloads[i].name);
	exit(0);
}

static void parse(struct options *o, int argc, char **argv)
{
	static const struct option known[] = {
		{"workload", 1, 0, 'w'}, {"mode", 1, 0, 'm'},
		{"states", 1, 0, 'n'}, {"seed", 1, 0, 's'},
		{"drop", 1, 0, 'd'}, {"depth", 1, 0, 'D'},
		{"state", 1, 0, 'S'}, {"list", 0, 0, 'l'}, {0, 0, 0, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) >= 0) {
		if (c == 'w')
			o->workload = optarg;
		else if (c == 'm')
			o->mode = parse_mode(optarg);
		else if (c == 'n')
			o->states = number(optarg);
		else if (c == 's')
			o->seed = number(optarg);
		else if (c == 'd')
			o->drop = (unsigned)number(optarg);
		else if (c == 'D')
			o->depth = (unsigned)number(optarg);
		else if (c == 'S')
			parse_state(o, optarg);
		else if (c == 'l')
			list();
		else
			exit(2);
	}
	if (o->depth >= DEPTH_MAX)
		o->depth = DEPTH_MAX - 1;
}

int main(int argc, char **argv)
{
	const char *env = getenv("PMHEAP_CRASH_STATES");
	struct options o = {.mode = -1, .seed = 1, .depth = 1,
			    .states = env ? number(env) : DEFAULT_STATES};
	unsigned n = 0, failed = 0;
	uint64_t all;
	size_t i;
	int m;

	parse(&o, argc, argv);
	all = o.states;
	printf("seed %llu, %llu states\n", (unsigned long long)o.seed,
	       (unsigned long long)all);
	for (i = 0; i < workload_n; i++) {
		if (o.workload && strcmp(o.workload, workloads[i].name))
			continue;
		for (m = 0; m < MODES; m++) {
			if (o.mode >= 0 && o.mode != m)
				continue;
			o.states = all;
			if (!o.workload)
				o.states = o.states / workload_n;
			if (o.mode < 0)
				o.states = o.states * share[m] / 10;
			failed += (unsigned)in_child(&o, &workloads[i], m);
			n++;
		}
	}
	printf("%u of %u runs failed\n", failed, n);
	return failed || !n ? 1 : 0;
}
