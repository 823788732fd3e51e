/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * search.c: crashing a recorded run at its points, and recovery inside.
 *
 * A state is made in the media themselves, recovered there, and undone. Two
 * states with the same bytes are one; they are counted as repeated.
 */
#include "explore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of this many states one is crashed again inside its recovery. */
#define NEST_EVERY 120u
#define NEST_STATES 30u
#define DEADLINE_S 60u
/* Of a sequence of a family at most so many points, chosen at random. */
#define FAMILY_POINTS 32u

/* One trace that is being explored: the run, or a recovery inside it. */
struct level {
	struct search *s;
	const struct trace *t;
	struct world w;
	struct bounds b;
	struct dropper drop;
	bool armed;
};

void search_fail(struct search *s, const char *text)
{
	char at[STATE_TEXT];
	unsigned i;

	s->failures++;
	printf("FAIL %s: %s\n  replay: tests/crash/explore --workload %s "
	       "--mode %s --drop %u --seed %llu --state ", s->w->name, text,
	       s->w->name, s->eadr ? "eadr" : s->mode == WORLD_PAGES ? "page"
	       : "adr", (unsigned)s->drop, (unsigned long long)s->seed);
	for (i = 0; i < s->path_n; i++) {
		state_print(&s->path[i], at);
		printf("%s%s", i ? "/" : "", at);
	}
	printf("\n");
	fflush(stdout);
}

static void explore(struct search *s, const struct trace *t,
		    const struct bounds *b, uint64_t budget);

static bool is_new(struct search *s, const struct bounds *b)
{
	uint64_t key = sim_journal.hash.all + b->lo * 0x9e3779b97f4a7c15ull +
		       b->hi * 0xd6e8feb86659fd93ull + b->aside * 31;

	if (s->replay || seen_add(&s->tried, key ^ s->path_n))
		return true;
	s->repeated++;
	return false;
}

/* The media hold a crashed state: recovers it, and perhaps crashes that. */
static void try_here(struct search *s, const struct bounds *b)
{
	struct journal_mark mark = journal_mark(&sim_journal);
	bool deeper = s->path_n <= s->depth && s->states % NEST_EVERY == 0;
	struct trace t = {0};
	char text[512] = "";
	int ret;

	if (s->replay)
		deeper = s->path_n < s->replay_n;
	s->states++;
	alarm(DEADLINE_S);
	ret = check_state(s, b, deeper ? &t : NULL, text, sizeof(text));
	journal_undo(&sim_journal, &mark);
	if (ret)
		search_fail(s, text);
	else if (deeper) {
		uint64_t states = s->states;

		explore(s, &t, b, NEST_STATES);
		s->nested += s->states - states;
		journal_undo(&sim_journal, &mark);
	}
	trace_free(&t);
}

static void try_state(void *arg, const struct state *at)
{
	struct level *l = arg;
	struct search *s = l->s;
	struct journal_mark mark = journal_mark(&sim_journal);
	bool was_on = sim_journal.on;

	if (s->failures >= s->failures_max)
		return;
	sim_journal.on = true;
	state_enter(&l->w, at);
	s->path[s->path_n++] = *at;
	if (is_new(s, &l->b))
		try_here(s, &l->b);
	s->path_n--;
	journal_undo(&sim_journal, &mark);
	sim_journal.on = was_on;
}

static void step(struct level *l, const struct trace_event *e)
{
	if (e->kind == TRACE_MARK) {
		l->b = (struct bounds){e->off, e->n, e->arg};
		l->armed = l->drop.armed = true;
	}
	if (drop_event(&l->drop, e, &sim_journal))
		l->w.at++;
	else
		world_step(&l->w, l->t, e);
}

static void go_to_the_end(struct level *l, uint64_t budget, size_t points)
{
	struct search *s = l->s;
	size_t i, n = l->t->n;
	struct states st = {.quota = s->quota && s->path_n == 0 ? s->quota :
				     points ? budget / points : 0,
			    .rng = s->rng, .try = try_state, .arg = l};

	if (st.quota < STATES_MIN)
		st.quota = STATES_MIN;
	for (i = 0; i <= n && s->failures < s->failures_max; i++) {
		if (l->armed && states_is_point(l->t, i) && !s->eadr &&
		    crash_below(&st.rng, points * st.quota) < budget)
			states_try(&st, &l->w);
		/* In the middle of things, the caches survive. */
		if (l->armed && crash_below(&st.rng, n + 1) <
		    (s->eadr ? budget : budget / 16))
			try_state(l, &(struct state){l->w.at, S_CUT, (uint32_t)
				  crash_below(&st.rng, 4)});
		if (i < n)
			step(l, &l->t->ev[i]);
	}
	s->rng = st.rng;
	s->points += st.points;
	s->capped += st.capped;
}

static void replay(struct level *l)
{
	struct search *s = l->s;
	const struct state *at = &s->replay[s->path_n];
	size_t i;

	for (i = 0; i < at->point && i < l->t->n; i++)
		step(l, &l->t->ev[i]);
	try_state(l, at);
}

/* The media are as they were before the trace began; b NULL: there were none,
 * and crashes count from the first mark on. */
static void explore(struct search *s, const struct trace *t,
		    const struct bounds *b, uint64_t budget)
{
	struct level l = {.s = s, .t = t, .armed = b != NULL,
			  .drop = {.what = s->drop, .armed = b != NULL}};
	bool armed = l.armed;
	size_t i, points = 0;

	if (b)
		l.b = *b;
	for (i = 0; i <= t->n; i++) {
		armed |= i < t->n && t->ev[i].kind == TRACE_MARK;
		points += armed && states_is_point(t, i);
	}
	world_init(&l.w, s->mode, &sim_journal);
	if (s->quota && !b)
		budget = s->quota * (points < FAMILY_POINTS ? points
							: FAMILY_POINTS);
	if (s->replay)
		replay(&l);
	else
		go_to_the_end(&l, budget, points);
	s->dropped += l.drop.dropped;
	world_free(&l.w);
}

void search_run(struct search *s, const struct trace *t)
{
	sim_reset();
	explore(s, t, NULL, s->budget);
}
