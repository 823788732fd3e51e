/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/help.c: help on the command and on each verb, from the table.
 */
#include "tool.h"

#include <string.h>

#define LEFT 22		/* width of what stands left of an explanation */

int tool_help_print(void)
{
	puts("Usage: pmheap VERB [OPTIONS] ...");
	puts("Makes, shows, checks and copies pools of libpmheap, the heap that "
	     "survives.\n");
	for (const struct tool_verb *v = tool_verbs; v->name; v++)
		printf("  %-10s %-13s %s\n", v->name, v->operands, v->summary);
	puts("\n  pmheap VERB --help   the options of a verb");
	puts("  pmheap --version     the version of the library");
	return TOOL_OK;
}

/* Prints text, and indents what follows its newlines. */
static void explain(const char *left, const char *text)
{
	printf("  %-*s ", LEFT, left);
	for (; *text; text++) {
		putchar(*text);
		if (*text == '\n')
			printf("%*s", LEFT + 3, "");
	}
	putchar('\n');
}

static void options_print(const struct tool_verb *verb)
{
	const struct tool_option *o;
	char left[64], letter[8] = "";

	for (o = verb->options; o->name; o++) {
		if (o->letter)
			snprintf(letter, sizeof letter, "-%c, ", o->letter);
		snprintf(left, sizeof left, "%s--%s%s%s",
			 o->letter ? letter : "", o->name, o->arg ? " " : "",
			 o->arg ? o->arg : "");
		explain(left, o->help);
	}
	explain("-h, --help", "this text");
}

static void columns_print(const struct tool_verb *verb)
{
	char left[64];

	if (!verb->columns)
		return;
	puts("\nColumns for --output; those in brackets are not shown without:");
	for (const struct tool_column *c = verb->columns; c->name; c++) {
		snprintf(left, sizeof left, c->extra ? "[%s]" : "%s", c->name);
		explain(left, c->help);
	}
}

int tool_verb_help_print(const struct tool_verb *verb)
{
	printf("Usage: pmheap %s [OPTIONS] %s\n", verb->name, verb->operands);
	printf("pmheap %s: %s.\n\n", verb->name, verb->summary);
	options_print(verb);
	columns_print(verb);
	printf("\n%s", verb->detail);
	return TOOL_OK;
}
