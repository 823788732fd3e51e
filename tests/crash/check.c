/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check.c: the oracle. A crashed pool must open, hold a version that the crash
 * could leave, own every object once, and then work on.
 */
#include "explore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

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
		p[i] = (uint8_t)rng_next(&random_state);
	return (ssize_t)n;
}

static int say(char *text, size_t room, const char *what)
{
	snprintf(text, room, "%s: %s (%s)", what, pm_errormsg(),
		 strerror(errno));
	return -1;
}

/* The image as a file, for what works on files only. */
static int write_file(int medium)
{
	const struct sim_image *im = &sim_image[medium];
	int fd = open(medium_path(medium), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int ret = fd >= 0 && write(fd, im->bytes, im->size) ==
		  (ssize_t)im->size ? 0 : -1;

	if (fd >= 0)
		close(fd);
	return ret;
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

static int judge(const struct search *s, const struct model *got, uint64_t lo,
		 uint64_t hi, char *text, size_t room)
{
	char a[128] = "", b[128] = "";
	uint64_t v;

	if (hi >= s->run->n)
		hi = s->run->n - 1;
	for (v = lo; v <= hi; v++)
		if (model_is(got, &s->run->version[v], s->w->second))
			return 0;
	model_diff(got, &s->run->version[lo], s->w->second, a, sizeof(a));
	model_diff(got, &s->run->version[hi], s->w->second, b, sizeof(b));
	snprintf(text, room, "is not version %llu (%s) nor %llu (%s)",
		 (unsigned long long)lo, a, (unsigned long long)hi, b);
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

static int work_on(struct search *s, struct run *r, char *text, size_t room)
{
	bool second = s->w->second;

	r->n = 0;
	run_start(r);
	go_on(r);
	if (agree(r, second, text, room))
		return -1;
	if (pm_close())
		return say(text, room, "closing");
	if (r->rng % 4)
		return 0;
	if (workload_open(s->w, r, false))
		return say(text, room, "opening again");
	if (agree(r, second, text, room))
		return -1;
	return pm_close() ? say(text, room, "closing again") : 0;
}

/* The closed pool, seen by the checker. */
static int check_clean(int medium, char *text, size_t room)
{
	PmCheckReport report;

	if (write_file(medium))
		return say(text, room, "file for pm_check");
	if (pm_check(medium_path(medium), 0, &report))
		return say(text, room, "pm_check");
	if (report.status == PM_CHECK_CLEAN)
		return 0;
	snprintf(text, room, "pm_check: status %d: %s", report.status,
		 report.message);
	return -1;
}

int check_state(struct search *s, uint64_t lo, uint64_t hi,
		struct sim_trace *t, char *text, size_t room)
{
	static struct run r;
	struct model got;
	const struct state *at = &s->path[s->path_n - 1];
	uint64_t hash = s->seed ^ at->point * 31 ^ at->param * 7 ^ at->strategy;
	int ret;

	r.second = 0;
	r.error[0] = 0;
	r.rng = hash;
	r.next_tag = 1ull << 40;
	random_seed(hash);
	sim_record(t);
	ret = open_all(s, &r, (unsigned)(at->point + at->param), text, room);
	sim_record(NULL);
	if (ret)
		return -1;
	ret = model_read(&got, s->w->second, text, room);
	if (ret == 0)
		ret = judge(s, &got, lo, hi, text, room);
	r.now = got;
	if (ret == 0)
		ret = work_on(s, &r, text, room);
	if (ret == 0 && hash % 64 == 0)
		ret = check_clean(0, text, room);
	if (ret)
		(void)pm_close();
	return ret;
}
