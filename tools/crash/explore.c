/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * explore.c: the workers and what they report. A worker that dies over a state
 * has found a fault of the library; another goes on behind that state.
 */
#include "crash/explore.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SLOTS_MAX (1ull << 24)
#define GRACE_S 20	/* for the library, beyond the time of verify */

struct crew {
	struct explore *e;
	struct worker_shared *shared;
	size_t shared_len;
	pid_t pid[JOBS_MAX];
	bool killed[JOBS_MAX];	/* by us: it hung */
	int in, out;
	unsigned running;
};

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	stop = sig;
}

void explore_world(const struct explore *e, struct world *w, struct journal *j)
{
	run_images(e->run, j);
	world_init(w, e->mode == MODE_PAGE ? WORLD_PAGES : WORLD_LINES, j);
}

static uint64_t count_points(const struct explore *e)
{
	uint64_t n = 0;

	for (size_t i = e->from; i <= e->to && i <= e->run->trace.n; i++)
		n += run_is_point(e->run, i);
	return n;
}

static int crew_prepare(struct crew *c)
{
	uint64_t slots = 4096;
	int fds[2];

	while (slots < 2 * c->e->budget && slots < SLOTS_MAX)
		slots *= 2;
	c->shared_len = sizeof(*c->shared) + slots * 8;
	c->shared = mmap(NULL, c->shared_len, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (c->shared == MAP_FAILED)
		return -1;
	c->shared->slot_n = slots;
	if (pipe(fds)) {
		munmap(c->shared, c->shared_len);
		return -1;
	}
	c->in = fds[0];
	c->out = fds[1];
	return 0;
}

static void worker_start(struct crew *c, unsigned id, uint64_t first)
{
	fflush(NULL);
	c->killed[id] = false;
	c->pid[id] = fork();
	if (c->pid[id] == 0) {
		signal(SIGINT, SIG_DFL);
		signal(SIGTERM, SIG_DFL);
		signal(SIGHUP, SIG_DFL);
		close(c->in);
		worker_run(c->e, c->shared, id, first, c->out);
	}
	if (c->pid[id] > 0)
		c->running++;
	else
		c->e->stopped = true;
}

/* The group of findings that this one falls into. */
static struct finding *group(struct explore *e, const struct finding *f)
{
	for (size_t i = 0; i < e->found_n; i++) {
		struct finding *g = &e->found[i];

		if (g->verdict.kind == f->verdict.kind &&
		    run_same_place(g->after, f->after) &&
		    run_same_place(g->during, f->during))
			return g;
	}
	return NULL;
}

static void finding_add(struct explore *e, const struct state *at,
			const struct verdict *v)
{
	struct finding f = {.at = *at, .verdict = *v, .states = 1}, *g;

	f.after = run_returned(e->run, at->point);
	f.during = run_in_progress(e->run, at->point);
	g = group(e, &f);
	if (!g) {
		e->found = crash_room(e->found, &e->found_cap, e->found_n + 1,
				      sizeof(*e->found));
		e->found[e->found_n++] = f;
		return;
	}
	g->states++;
	if (state_order(at, &g->at) < 0) {
		g->at = *at;
		g->verdict = *v;
		g->after = f.after;
		g->during = f.during;
	}
}

static void take_messages(struct crew *c, int timeout_ms)
{
	struct pollfd p = {.fd = c->in, .events = POLLIN};
	struct worker_message m;

	while (poll(&p, 1, timeout_ms) > 0 &&
	       read(c->in, &m, sizeof(m)) == sizeof(m)) {
		finding_add(c->e, &m.at, &m.verdict);
		timeout_ms = 0;
	}
}

/* A worker died over the state that it had in hand. */
static void worker_died(struct crew *c, unsigned id, int sig)
{
	struct verdict v = {.kind = V_LIBRARY, .code = sig};

	snprintf(v.text, sizeof(v.text), "%s", c->killed[id] ?
		 "checking the pool does not end" : strsignal(sig));
	c->shared->failed++;
	finding_add(c->e, &c->shared->worker[id].at, &v);
	c->shared->worker[id].since = 0;
	worker_start(c, id, c->shared->worker[id].index + 1);
}

static void reap(struct crew *c)
{
	int status;

	for (unsigned i = 0; i < c->e->jobs; i++) {
		if (c->pid[i] <= 0 ||
		    waitpid(c->pid[i], &status, WNOHANG) != c->pid[i])
			continue;
		c->pid[i] = 0;
		c->running--;
		if (stop)
			continue;
		if (WIFSIGNALED(status) && c->shared->worker[i].since)
			worker_died(c, i, WTERMSIG(status));
		else if (!WIFEXITED(status) || WEXITSTATUS(status))
			c->e->stopped = true;
	}
}

/* Kills workers that have had one state in hand for too long. */
static void watch(struct crew *c)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	for (unsigned i = 0; i < c->e->jobs; i++) {
		int64_t since = c->shared->worker[i].since;

		if (c->pid[i] > 0 && since &&
		    t.tv_sec - since > c->e->judge->timeout_s + GRACE_S) {
			c->killed[i] = true;
			kill(c->pid[i], SIGKILL);
		}
	}
}

static void progress(const struct crew *c, bool end)
{
	if (!c->e->progress)
		return;
	if (end)
		fprintf(stderr, "\r\033[K");
	else
		fprintf(stderr, "\r\033[K%llu of about %llu states, %llu bad",
			(unsigned long long)c->shared->tried,
			(unsigned long long)c->e->budget,
			(unsigned long long)c->shared->failed);
	fflush(stderr);
}

static void kill_all(struct crew *c)
{
	for (unsigned i = 0; i < c->e->jobs; i++)
		if (c->pid[i] > 0)
			kill(c->pid[i], SIGKILL);
}

static void crew_run(struct crew *c)
{
	for (unsigned i = 0; i < c->e->jobs; i++)
		worker_start(c, i, 0);
	while (c->running) {
		take_messages(c, 100);
		if (stop)
			kill_all(c);
		reap(c);
		watch(c);
		progress(c, false);
	}
	take_messages(c, 0);
	progress(c, true);
}

int explore_run(struct explore *e)
{
	struct sigaction act = {.sa_handler = on_signal}, old[3];
	struct crew c = {.e = e};

	e->points = count_points(e);
	if (e->points == 0)
		e->points = 1;
	if (crew_prepare(&c))
		return -1;
	sigaction(SIGINT, &act, &old[0]);
	sigaction(SIGTERM, &act, &old[1]);
	sigaction(SIGHUP, &act, &old[2]);
	crew_run(&c);
	blame_all(e);
	sigaction(SIGINT, &old[0], NULL);
	sigaction(SIGTERM, &old[1], NULL);
	sigaction(SIGHUP, &old[2], NULL);
	e->stopped |= stop != 0;
	e->tried = c.shared->tried;
	e->distinct = c.shared->distinct;
	e->failed = c.shared->failed;
	e->capped = c.shared->capped;
	e->hung = c.shared->hangs >= HANGS_MAX;
	munmap(c.shared, c.shared_len);
	close(c.in);
	close(c.out);
	return 0;
}

void explore_free(struct explore *e)
{
	free(e->found);
}
