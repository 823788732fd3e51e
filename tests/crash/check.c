/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check.c: the oracle. A crashed pool must open, hold a version that the crash
 * could leave, own every object once, and then work on and be found clean.
 *
 * Working on is the slow part. What recovery made is known by its hash (of all
 * but the lanes), and works on once for each.
 */
#include "explore.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* Of recovered pools that were met before one in so many works on again. */
#define AGAIN_EVERY 64u

static uint64_t random_state;

void random_seed(uint64_t seed)
{
	random_state = seed;
}

/* In place of the C library's: region ids and nonces repeat with the seed. */
ssize_t getrandom(void *buf, size_t n, unsigned flags)
{
	uint8_t *p = buf;
	size_t i;

	(void)flags;
	for (i = 0; i < n; i++)
		p[i] = (uint8_t)crash_random(&random_state);
	return (ssize_t)n;
}

static int say(char *text, size_t room, const char *what)
{
	snprintf(text, room, "%s: %s (%s)", what, pm_errormsg(),
		 strerror(errno));
	return -1;
}

/* One region is opened and closed before the other. */
static int open_alone(const struct workload *w, int medium, char *text,
		      size_t room)
{
	const char *with[2] = {medium_path(!medium), NULL};
	PmWrapperConfig c = workload_config(w, medium);

	c.recover_with = with;
	if (pm_init(c))
		return say(text, room, medium ? "opening the second alone"
					      : "opening the first alone");
	if (pm_close())
		return say(text, room, "closing what was opened alone");
	return 0;
}

static int open_all(struct search *s, struct run *r, unsigned order,
		    char *text, size_t room)
{
	if (s->w->second && order % 3 &&
	    open_alone(s->w, order % 3 == 2, text, room))
		return -1;
	if (workload_open(s->w, r, false))
		return say(text, room, "opening after the crash");
	return 0;
}

static int judge(const struct search *s, const struct model *got,
		 const struct bounds *b, char *text, size_t room)
{
	char first[128] = "", last[128] = "";
	bool second = s->w->second;
	struct model want;
	uint64_t v, hi = b->hi, alone;

	if (hi >= s->run->n)
		hi = s->run->n - 1;
	for (v = b->lo; v <= hi; v++) {
		for (alone = 0; alone <= (b->aside != 0); alone++) {
			model_version(s->run, v, alone ? b->aside : 0, &want);
			if (model_is(got, &want, second))
				return 0;
		}
	}
	model_diff(got, &s->run->version[b->lo], second, first, sizeof(first));
	model_diff(got, &s->run->version[hi], second, last, sizeof(last));
	snprintf(text, room, "is not version %llu (%s) nor %llu (%s)%s",
		 (unsigned long long)b->lo, first, (unsigned long long)hi, last,
		 b->aside ? ", nor that with what was in flight" : "");
	return -1;
}

/* Is what the run believes what the pool holds? */
static int agree(struct run *r, bool second, char *text, size_t room)
{
	struct model got;

	if (r->error[0]) {
		snprintf(text, room, "going on: %s", r->error);
		return -1;
	}
	if (model_read(&got, second, text, room))
		return -1;
	if (model_is(&got, &r->now, second))
		return 0;
	strcpy(text, "going on: ");
	model_diff(&got, &r->now, second, text + 10, room - 10);
	return -1;
}

static void go_on(struct run *r)
{
	static const uint64_t size[] = {16, 100, 640, 1500, 3500};
	unsigned i;

	void *p;

	while ((p = pm_first(PM_PRIMARY, FILLER))) {
		pm_free(p);
		r->now.objects--;
	}
	if (!r->now.has_root)
		run_root(r, sizeof(struct root));
	run_op(r, (struct todo){OP_DEL, 1, 0});
	for (i = 0; i < 5; i++)
		run_op(r, (struct todo){OP_PUT, i, size[i]});
	run_op(r, (struct todo){OP_SET, 0, 0});
	run_op(r, (struct todo){OP_MANY, 3, 5});
	if (r->second)
		run_op(r, (struct todo){OP_BOTH, 2, 3});
	run_op(r, (struct todo){OP_DEL, 2, 0});
}

/* The closed pool, seen by the checker. */
static int check_clean(int medium, char *text, size_t room)
{
	PmCheckReport report;

	if (pm_check(medium_path(medium), 0, &report))
		return say(text, room, "pm_check");
	if (report.status == PM_CHECK_CLEAN)
		return 0;
	snprintf(text, room, "pm_check: status %d: %s", report.status,
		 report.message);
	return -1;
}

static int work_on(struct search *s, struct run *r, char *text, size_t room)
{
	bool second = s->w->second;
	int i;

	r->n = 0;
	run_start(r);
	go_on(r);
	if (agree(r, second, text, room))
		return -1;
	if (pm_close())
		return say(text, room, "closing");
	for (i = 0; i <= second; i++)
		if (check_clean(i, text, room))
			return -1;
	if (workload_open(s->w, r, false))
		return say(text, room, "opening again");
	if (agree(r, second, text, room))
		return -1;
	return pm_close() ? say(text, room, "closing again") : 0;
}

int check_state(struct search *s, const struct bounds *b, struct trace *t,
		char *text, size_t room)
{
	static struct run r;
	struct model got;
	const struct state *at = &s->path[s->path_n - 1];
	uint64_t hash = s->seed ^ at->point * 31 ^ at->param * 7 ^ at->strategy;
	bool work;
	int ret;

	r.second = 0;
	r.error[0] = 0;
	r.rng = hash;
	r.next_tag = 1ull << 40;
	/* A nonce repeats with the state, not inside it. */
	random_seed(s->seed + s->path_n);
	sim_record(t);
	ret = open_all(s, &r, (unsigned)(at->point + at->param), text, room);
	sim_record(NULL);
	if (ret)
		return -1;
	work = seen_add(&s->recovered, sim_journal.hash.loud) ||
	       hash % AGAIN_EVERY == 0 || s->replay;
	ret = model_read(&got, s->w->second, text, room);
	if (ret == 0)
		ret = judge(s, &got, b, text, room);
	r.now = got;
	r.root_size = sizeof(struct root);
	if (ret == 0 && work)
		ret = work_on(s, &r, text, room);
	else if (ret == 0 && pm_close())
		ret = say(text, room, "closing");
	if (ret)
		(void)pm_close();
	return ret;
}
