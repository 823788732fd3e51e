/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * words.c: what the text and the JSON report have in common.
 */
#include "crash/crash.h"

#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

#define CALLERS 4u	/* that are named, with the place of the call */

const char *mode_text(enum explore_mode mode)
{
	static const char *const names[] = {"adr", "eadr", "page"};

	return names[mode];
}

const char *verdict_text(const struct verdict *v)
{
	static char text[160];

	switch (v->kind) {
	case V_DAMAGED:
		return "THE POOL IS DAMAGED: a fault of libpmheap";
	case V_LIBRARY:
		return "CHECKING THE POOL FAILS: a fault of libpmheap";
	case V_EXIT:
		snprintf(text, sizeof(text), "verify ends with %d", v->code);
		return text;
	case V_SIGNAL:
		snprintf(text, sizeof(text), "verify is killed by signal %d, "
			 "%s", v->code, strsignal(v->code));
		return text;
	case V_HANG:
		return "verify does not end";
	case V_BROKEN:
		return "verify could not be run";
	default:
		return "good";
	}
}

const char *ended_text(const struct crash_test *t)
{
	static char text[160];

	if (!t->was_run)
		return "recorded earlier";
	if (WIFSIGNALED(t->status))
		snprintf(text, sizeof(text), "by signal %d, %s",
			 WTERMSIG(t->status), strsignal(WTERMSIG(t->status)));
	else
		snprintf(text, sizeof(text), "with exit code %d",
			 WEXITSTATUS(t->status));
	return text;
}

/* ", in f() at file:line", or the next best. */
static void place_text(const struct source *s, char *text, size_t room)
{
	if (*s->file)
		snprintf(text, room, ", in %s() at %s:%d",
			 *s->function ? s->function : "?", s->file, s->line);
	else if (strncmp(s->module, "libc.so", 7) == 0)
		snprintf(text, room, ", %s", strstr(s->function, "exit") ?
			 "when the program ended" :
			 "in a thread of the library");
	else if (*s->module)
		snprintf(text, room, ", at %s+0x%" PRIx64 "%s%s%s", s->module,
			 s->offset, *s->function ? " in " : "", s->function,
			 *s->function ? "()" : "");
}

/* Callers whose source is known. */
static void callers_text(const struct source *s, unsigned n, char *text,
			 size_t room)
{
	size_t len = 0;

	for (unsigned i = 0; i < n && *s[i].file && len < room; i++)
		len += (size_t)snprintf(text + len, room - len,
					", from %s() at %s:%d",
					*s[i].function ? s[i].function : "?",
					s[i].file, s[i].line);
}

void call_text(const struct run *run, const struct run_call *call, char *text)
{
	char place[600] = "", callers[1400] = "", what[64];
	struct source s[CALLERS];
	unsigned n;

	*text = 0;
	if (!call)
		return;
	if (call->transaction)
		snprintf(what, sizeof(what), "transaction %" PRIu64,
			 call->transaction);
	else
		snprintf(what, sizeof(what), "%s", *call->name ? call->name :
			 "a call of the library");
	n = source_of_call(run, call, s, CALLERS);
	if (n)
		place_text(&s[0], place, sizeof(place));
	if (n > 1)
		callers_text(s + 1, n - 1, callers, sizeof(callers));
	snprintf(text, CALL_TEXT, "%s%s%s", what, place, callers);
}

/* A word for the shell. */
static void word_print(const char *word, FILE *f)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-:=,@%";

	if (*word && strspn(word, plain) == strlen(word)) {
		fputs(word, f);
		return;
	}
	fputc('\'', f);
	for (; *word; word++)
		if (*word == '\'')
			fputs("'\\''", f);
		else
			fputc(*word, f);
	fputc('\'', f);
}

void replay_print(const struct crash_test *t, const struct state *at, FILE *f)
{
	const char *trace = t->trace ? t->trace : t->keep;
	char state[STATE_TEXT];

	state_print(at, state);
	fprintf(f, "pmheap crash-test --mode %s --state %s",
		mode_text(t->explore.mode), state);
	if (trace) {
		fputs(" --trace ", f);
		word_print(trace, f);
	}
	if (t->verify) {
		fputs(" --verify ", f);
		word_print(t->verify, f);
	}
	if (t->program && (!trace || t->judge.program)) {
		fputs(" --", f);
		for (char **word = t->program; *word; word++) {
			fputc(' ', f);
			word_print(*word, f);
		}
	}
}
