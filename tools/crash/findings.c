/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * findings.c: the report for people: a short table, and a block for each
 * failure.
 */
#include "crash/crash.h"

#include <inttypes.h>
#include <string.h>

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void pools_text(const struct run *run, char *text, size_t room)
{
	size_t len = 0;

	for (unsigned i = 0; i < run->pool_n && len < room; i++)
		len += (size_t)snprintf(text + len, room - len, "%s%s (%s)",
					i ? ", " : "", run->pool[i].name,
					run->pool[i].backend);
}

static const char *verify_text(const struct crash_test *t)
{
	if (t->verify)
		return t->verify;
	return t->judge.program ? "the program's own function" :
				  "none: only the pools are checked";
}

static void table_print(const struct crash_test *t)
{
	const struct explore *e = &t->explore;
	char recorded[160], tried[200], pools[512], size[TOOL_SIZE_LEN];
	char model[64];
	const struct tool_row rows[] = {
		{ "program", "", TOOL_TEXT, 0, t->program ? t->program[0] : "" },
		{ "ended", "", TOOL_TEXT, 0, ended_text(t) },
		{ "recorded", "", TOOL_TEXT, 0, recorded },
		{ "pools", "", TOOL_TEXT, 0, pools },
		{ "tried", "", TOOL_TEXT, 0, tried },
		{ "model", "", TOOL_TEXT, 0, model },
		{ "verify", "", TOOL_TEXT, 0, verify_text(t) },
	};

	pools_text(&t->run, pools, sizeof(pools));
	snprintf(recorded, sizeof(recorded), "%" PRIu64 " transaction%s, "
		 "%zu event%s, %" PRIu64 " fence%s, %s written",
		 t->run.transactions, plural(t->run.transactions),
		 t->run.trace.n, plural(t->run.trace.n), t->run.fences,
		 plural(t->run.fences), tool_size_text(t->run.written, size));
	snprintf(tried, sizeof(tried), "%" PRIu64 " point%s, %" PRIu64
		 " state%s, %" PRIu64 " of them different", e->points,
		 plural(e->points), e->tried, plural(e->tried), e->distinct);
	snprintf(model, sizeof(model), "%s, seed %" PRIu64,
		 mode_text(e->mode), e->seed);
	tool_rows_print(rows, sizeof(rows) / sizeof(*rows), false);
}

static void warnings_print(const struct crash_test *t)
{
	if (t->run.full)
		puts("The record ends before the program did: no room was "
		     "left in its folder.");
	if (t->run.other)
		puts("Another process opened pools too; it was not recorded.");
	if (t->explore.capped)
		printf("%" PRIu64 " point%s had more states than were tried "
		       "there (--states).\n", t->explore.capped,
		       plural(t->explore.capped));
	if (t->explore.stopped)
		puts("Stopped before all states were tried.");
	if (t->explore.hung)
		puts("Given up: verify does not end, or cannot be run.");
}

static void failure_print(const struct crash_test *t, const struct finding *f,
			  size_t n)
{
	char text[CALL_TEXT], state[STATE_TEXT];

	printf("\n%s%zu. %s%s, in %" PRIu64 " state%s\n",
	       tool_colour(stdout, TOOL_RED), n, verdict_text(&f->verdict),
	       tool_colour_end(stdout), f->states, plural(f->states));
	if (*f->verdict.text)
		printf("   says      %s\n", f->verdict.text);
	call_text(&t->run, f->after, text);
	printf("   after     %s\n", f->after ? text : "the start");
	call_text(&t->run, f->before, text);
	printf("   before    %s\n", f->before ? text : "the end");
	state_print(&f->at, state);
	printf("   state     %s\n   replay    ", state);
	replay_print(t, &f->at, stdout);
	putchar('\n');
	if (t->keep)
		printf("   kept in   %s/failure-%zu\n", t->keep, n);
}

/* What a replay by running the program again rests on. */
static void replay_hint(const struct crash_test *t)
{
	if (t->keep || t->trace)
		return;
	puts("\nA replay runs the program again, from the same pools as "
	     "before;\n--keep DIR keeps the run itself.");
}

int findings_print(const struct crash_test *t)
{
	const struct explore *e = &t->explore;
	bool bad = e->found_n != 0;

	if (t->json) {
		findings_json(t);
		return bad ? TOOL_FOUND : TOOL_OK;
	}
	table_print(t);
	printf("%sresult%s    %s", tool_colour(stdout, TOOL_BOLD),
	       tool_colour_end(stdout),
	       tool_colour(stdout, bad ? TOOL_RED : TOOL_GREEN));
	if (bad)
		printf("%zu failure%s, in %" PRIu64 " state%s", e->found_n,
		       plural(e->found_n), e->failed, plural(e->failed));
	else
		printf("no failure");
	puts(tool_colour_end(stdout));
	warnings_print(t);
	for (size_t i = 0; i < e->found_n; i++)
		failure_print(t, &e->found[i], i + 1);
	if (bad)
		replay_hint(t);
	return bad ? TOOL_FOUND : TOOL_OK;
}
