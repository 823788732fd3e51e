/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * json.c: the report for programs: one JSON object.
 */
#include "crash/crash.h"

#include <inttypes.h>
#include <stdlib.h>

static void text(const char *key, const char *value)
{
	printf("\"%s\": ", key);
	tool_json_text(value);
}

static void number(const char *key, uint64_t value)
{
	printf("\"%s\": %" PRIu64, key, value);
}

static void source_json(const struct source *s)
{
	putchar('{');
	text("function", s->function);
	fputs(", ", stdout);
	text("file", s->file);
	fputs(", ", stdout);
	number("line", (uint64_t)s->line);
	fputs(", ", stdout);
	text("module", s->module);
	fputs(", ", stdout);
	number("offset", s->offset);
	putchar('}');
}

static void call_json(const struct run *run, const char *key,
		      const struct run_call *call)
{
	struct source s[2 * RUN_FRAMES];
	unsigned n;

	printf("\n      \"%s\": ", key);
	if (!call) {
		fputs("null", stdout);
		return;
	}
	putchar('{');
	text("call", call->name);
	fputs(", ", stdout);
	number("transaction", call->transaction);
	fputs(", \"frames\": [", stdout);
	n = source_of_call(run, call, s, 2 * RUN_FRAMES);
	for (unsigned i = 0; i < n; i++) {
		fputs(i ? ", " : "", stdout);
		source_json(&s[i]);
	}
	fputs("]}", stdout);
}

static void failure_json(const struct crash_test *t, const struct finding *f)
{
	static const char *const kinds[] = {
		[V_GOOD] = "good", [V_DAMAGED] = "damaged",
		[V_LIBRARY] = "library", [V_EXIT] = "exit",
		[V_SIGNAL] = "signal", [V_HANG] = "hang",
		[V_BROKEN] = "broken",
	};
	char state[STATE_TEXT], *replay = NULL;
	size_t len;
	FILE *out = open_memstream(&replay, &len);

	fputs("\n    {", stdout);
	text("kind", kinds[f->verdict.kind]);
	fputs(", ", stdout);
	number("code", (uint64_t)f->verdict.code);
	fputs(", ", stdout);
	text("says", f->verdict.text);
	fputs(", ", stdout);
	number("states", f->states);
	putchar(',');
	call_json(&t->run, "after", f->after);
	putchar(',');
	call_json(&t->run, "before", f->before);
	fputs(",\n      ", stdout);
	state_print(&f->at, state);
	text("state", state);
	fputs(", ", stdout);
	if (out) {
		replay_print(t, &f->at, out);
		fclose(out);
	}
	text("replay", replay ? replay : "");
	putchar('}');
	free(replay);
}

static void numbers_json(const struct crash_test *t)
{
	const struct explore *e = &t->explore;

	number("transactions", t->run.transactions);
	fputs(", ", stdout);
	number("events", t->run.trace.n);
	fputs(", ", stdout);
	number("fences", t->run.fences);
	fputs(", ", stdout);
	number("written", t->run.written);
	fputs(",\n  ", stdout);
	number("points", e->points);
	fputs(", ", stdout);
	number("capped", e->capped);
	fputs(", ", stdout);
	number("states", e->tried);
	fputs(", ", stdout);
	number("different", e->distinct);
	fputs(", ", stdout);
	number("failed", e->failed);
	fputs(",\n  ", stdout);
	text("mode", mode_text(e->mode));
	fputs(", ", stdout);
	number("seed", e->seed);
	printf(", \"complete\": %s", t->run.full || e->stopped || e->hung ?
	       "false" : "true");
}

void findings_json(const struct crash_test *t)
{
	const struct explore *e = &t->explore;

	fputs("{\n  ", stdout);
	text("program", t->program ? t->program[0] : "");
	fputs(", ", stdout);
	text("ended", ended_text(t));
	fputs(",\n  \"pools\": [", stdout);
	for (unsigned i = 0; i < t->run.pool_n; i++) {
		fputs(i ? ", {" : "{", stdout);
		text("file", t->run.pool[i].path);
		fputs(", ", stdout);
		text("backend", t->run.pool[i].backend);
		putchar('}');
	}
	fputs("],\n  ", stdout);
	numbers_json(t);
	fputs(",\n  \"failures\": [", stdout);
	for (size_t i = 0; i < e->found_n; i++) {
		fputs(i ? "," : "", stdout);
		failure_json(t, &e->found[i]);
	}
	puts("]\n}");
}
