/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/cmd_crash_test.c: pmheap crash-test, which runs a program, and looks at
 * what power cuts in the middle of it would have left in its pools.
 */
#include "crash/crash.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERB "crash-test"

static int points_read(const struct tool_args *args, struct explore *e)
{
	const char *text = tool_arg(args, "points");
	int end = 0;

	e->from = 0;
	e->to = SIZE_MAX;
	if (!text)
		return TOOL_OK;
	if (sscanf(text, "%zu-%zu%n", &e->from, &e->to, &end) != 2 ||
	    text[end] || e->from > e->to)
		return tool_usage(VERB, "'%s' is not FROM-TO", text);
	return TOOL_OK;
}

static int numbers_read(const struct tool_args *args, struct crash_test *t)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t jobs = cpus < 1 ? 1 : cpus > 8 ? 8 : (uint64_t)cpus;
	uint64_t timeout = 10;
	struct explore *e = &t->explore;
	int code;

	e->budget = 10000;
	e->seed = 1;
	code = tool_arg_number(args, "states", 1, 1ull << 40, &e->budget);
	if (!code)
		code = tool_arg_number(args, "seed", 0, UINT64_MAX, &e->seed);
	if (!code)
		code = tool_arg_number(args, "jobs", 1, JOBS_MAX, &jobs);
	if (!code)
		code = tool_arg_number(args, "timeout", 1, 86400, &timeout);
	if (!code)
		code = points_read(args, e);
	e->jobs = (unsigned)jobs;
	t->judge.timeout_s = (unsigned)timeout;
	return code;
}

/* The program's pools as files mean pages that are synced. */
static int mode_choose(struct crash_test *t, const char *text)
{
	unsigned m;

	if (text && strcmp(text, "auto")) {
		for (m = MODE_ADR; m <= MODE_PAGE; m++)
			if (strcmp(text, mode_text(m)) == 0)
				break;
		if (m > MODE_PAGE)
			return tool_usage(VERB, "there is no mode '%s'", text);
		t->explore.mode = m;
		return TOOL_OK;
	}
	t->explore.mode = MODE_ADR;
	if (t->run.pool_n &&
	    strcmp(t->run.pool[run_primary(&t->run)].backend, "file") == 0)
		t->explore.mode = MODE_PAGE;
	return TOOL_OK;
}

static int state_choose(struct crash_test *t, struct state *only)
{
	if (!t->state)
		return TOOL_OK;
	if (!state_parse(only, t->state))
		return tool_usage(VERB, "'%s' is no state of a report",
				  t->state);
	t->explore.only = only;
	t->explore.jobs = 1;
	return TOOL_OK;
}

static int record(struct crash_test *t)
{
	if (t->trace) {
		snprintf(t->record_dir, sizeof(t->record_dir), "%s", t->trace);
		return TOOL_OK;
	}
	if (t->keep && mkdir(t->keep, 0777))
		return tool_fail(errno, NULL, "cannot make '%s'", t->keep);
	if (t->keep) {
		if (!realpath(t->keep, t->record_dir))
			return tool_fail(errno, NULL, "cannot use '%s'",
					 t->keep);
	} else {
		snprintf(t->record_dir, sizeof(t->record_dir), "%.4000s/run",
			 t->dir);
		if (mkdir(t->record_dir, 0700))
			return tool_fail(errno, NULL, "cannot make '%s'",
					 t->record_dir);
	}
	return target_run(t);
}

static int load(struct crash_test *t)
{
	const char *why = run_load(&t->run, t->record_dir);

	if (!why)
		return TOOL_OK;
	if (t->trace)
		return tool_fail(EINVAL, why, "cannot use '%s'", t->trace);
	return tool_fail(EINVAL, why, "cannot test '%s'", t->program[0]);
}

/* A verify that cannot be run says nothing about the program. */
static int check_verify(const struct crash_test *t)
{
	for (size_t i = 0; i < t->explore.found_n; i++) {
		const struct verdict *v = &t->explore.found[i].verdict;

		if (v->kind == V_BROKEN)
			return tool_fail(EINVAL, *v->text ? v->text :
					 "it does not answer", "cannot verify "
					 "a crashed pool by %s", t->verify ?
					 t->verify : "the program's function");
	}
	return TOOL_OK;
}

static int test(struct crash_test *t, const char *mode)
{
	struct state only;
	int code = record(t);

	if (!code)
		code = load(t);
	if (!code)
		code = mode_choose(t, mode);
	if (!code)
		code = state_choose(t, &only);
	if (code)
		return code;
	if (t->explore.only && only.point > t->run.trace.n)
		return tool_usage(VERB, "the run has no point %zu",
				  only.point);
	t->judge.run = t->explore.run = &t->run;
	t->judge.command = t->verify;
	t->judge.recorder = t->recorder;
	if (!t->verify && t->run.callback && t->program)
		t->judge.program = t->program;
	t->explore.judge = &t->judge;
	t->explore.dir = t->dir;
	if (explore_run(&t->explore))
		return tool_fail(errno, NULL, "cannot try states");
	code = check_verify(t);
	if (!code)
		code = keep_failures(t);
	return code ? code : findings_print(t);
}

int cmd_crash_test(const struct tool_args *args)
{
	static struct crash_test t;
	int code = numbers_read(args, &t);

	t.program = args->operand_n ? args->operand : NULL;
	t.verify = tool_arg(args, "verify");
	t.trace = tool_arg(args, "trace");
	t.keep = tool_arg(args, "keep");
	t.state = tool_arg(args, "state");
	t.json = tool_arg(args, "json") != NULL;
	t.explore.progress = !t.json && isatty(STDERR_FILENO);
	if (!code && !t.program && !t.trace)
		code = tool_usage(VERB, "a program is missing");
	if (!code && t.trace && t.keep)
		code = tool_usage(VERB, "--trace and --keep exclude each "
				  "other");
	if (!code)
		code = target_find_recorder(&t);
	if (!code)
		code = target_make_dir(&t, tool_arg(args, "dir"));
	signal(SIGPIPE, SIG_IGN);
	if (!code)
		code = test(&t, tool_arg(args, "mode"));
	source_done();
	run_free(&t.run);
	explore_free(&t.explore);
	target_remove_dir(t.dir);
	return code;
}
