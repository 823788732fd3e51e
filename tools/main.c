/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/main.c: the pmheap command; owns the table of verbs, which is also
 * what its help is printed from.
 */
#include "tool.h"

#include <errno.h>
#include <limits.h>
#include <pmheap.h>
#include <string.h>

static const struct tool_verb verbs[] = {
	{
		.name = "create",
		.operands = "FILE",
		.operand_min = 1,
		.operand_max = 1,
		.run = cmd_create,
		.summary = "make a new, empty pool",
		.detail =
		"Sizes are bytes, or have a suffix K, M, G or T (powers of 1024).\n"
		"The smallest pool is 1M. FILE must not exist.\n",
		.options = {
			{ "size", "SIZE", "size of the pool (64M)" },
			{ "max-size", "SIZE",
			  "size that it may grow to (as --size: it never grows)" },
			{ "layout", "NAME",
			  "name of the program's data; programs that open the\n"
			  "pool must give the same" },
			{ "backend", "NAME",
			  "dax, file or shm instead of the one that fits FILE" },
			{ "mode", "OCTAL", "permissions of the file (0600)" },
		},
	}, {
		.name = "info",
		.operands = "FILE",
		.operand_min = 1,
		.operand_max = 1,
		.run = cmd_info,
		.summary = "show what is in a pool",
		.detail =
		"The pool is opened read-only; the file is not changed.\n",
		.options = {
			{ "json", NULL, "print one JSON object" },
		},
	}, {
		.name = "check",
		.operands = "FILE",
		.operand_min = 1,
		.operand_max = 1,
		.run = cmd_check,
		.summary = "look for damage in a closed pool, and repair it",
		.detail =
		"Exit code: 0 clean, 1 repaired, 4 damaged, 8 cannot be read,\n"
		"16 usage. Without --repair the file is not changed.\n",
		.options = {
			{ "repair", NULL,
			  "replay the log and rewrite a damaged header copy" },
			{ "json", NULL, "print one JSON object" },
		},
	}, {
		.name = "clone",
		.operands = "SOURCE COPY",
		.operand_min = 2,
		.operand_max = 2,
		.run = cmd_clone,
		.summary = "copy a closed pool; the copy gets an id of its own",
		.detail =
		"COPY must not exist. Both pools can be open side by side.\n",
	}, {
		.name = "reid",
		.operands = "FILE",
		.operand_min = 1,
		.operand_max = 1,
		.run = cmd_reid,
		.summary = "give a closed pool a new id, after a copy by cp",
		.detail =
		"Fat pointers to the pool name the old id and no longer lead\n"
		"into it. Do this to the copy, not to the original.\n",
	}, {
		.name = "crash-test",
		.operands = "-- PROGRAM...",
		.operand_min = 0,
		.operand_max = INT_MAX,
		.command = true,
		.run = cmd_crash_test,
		.summary = "find out what power cuts do to a program's pools",
		.detail =
		"Runs PROGRAM with its arguments and records what reaches its\n"
		"pools; then looks at what power cuts on the way would have left.\n"
		"Exit code: 0 no failure, 1 a failure, 8 it could not be done,\n"
		"16 usage. pmheap(1) tells more.\n",
		.options = {
			{ "verify", "COMMAND",
			  "run by the shell for each crashed pool, whose path\n"
			  "replaces {}; 0 means good" },
			{ "states", "N", "try at most about so many states (10000)" },
			{ "mode", "NAME",
			  "adr, eadr or page: what a power cut leaves; auto\n"
			  "takes what fits the backend (auto)" },
			{ "seed", "N", "of random choices (1)" },
			{ "points", "FROM-TO", "crash between these events only" },
			{ "state", "STATE", "only this one, from a report" },
			{ "timeout", "SECONDS", "for verify, each time (10)" },
			{ "jobs", "N", "so many at a time (one per processor)" },
			{ "dir", "DIR", "where crashed pools are put (/dev/shm)" },
			{ "keep", "DIR",
			  "make DIR and keep the run and the pools of failures\n"
			  "in it" },
			{ "trace", "DIR", "use the run kept in DIR" },
			{ "json", NULL, "print one JSON object" },
		},
	}, {
		.name = "demo",
		.operands = "[DIR]",
		.operand_min = 0,
		.operand_max = 1,
		.run = cmd_demo,
		.summary = "see a pool survive a process that is killed",
		.detail =
		"Works in a new folder in DIR ($TMPDIR or /tmp), and removes it.\n",
	},
};

#define VERB_N (sizeof verbs / sizeof verbs[0])

static const struct tool_verb *verb_find(const char *name)
{
	for (size_t i = 0; i < VERB_N; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static int version_print(void)
{
	int v = pm_version();

	printf("pmheap %d.%d.%d\n", v / 10000, v / 100 % 100, v % 100);
	return TOOL_OK;
}

static int help_print(void)
{
	puts("Usage: pmheap VERB [OPTIONS] ...");
	puts("Makes, shows, checks and copies pools of libpmheap, the heap that "
	     "survives.\n");
	for (size_t i = 0; i < VERB_N; i++)
		printf("  %-10s %-13s %s\n", verbs[i].name, verbs[i].operands,
		       verbs[i].summary);
	puts("\n  pmheap VERB --help   the options of a verb");
	puts("  pmheap --version     the version of the library");
	return TOOL_OK;
}

/* Prints text, and indents what follows its newlines. */
static void help_indent(const char *text)
{
	for (; *text; text++) {
		putchar(*text);
		if (*text == '\n')
			printf("%23s", "");
	}
	putchar('\n');
}

static int verb_help_print(const struct tool_verb *verb)
{
	const struct tool_option *o;
	char left[32];

	printf("Usage: pmheap %s [OPTIONS] %s\n", verb->name, verb->operands);
	printf("pmheap %s: %s.\n\n", verb->name, verb->summary);
	for (o = verb->options; o->name; o++) {
		snprintf(left, sizeof left, "--%s%s%s", o->name,
			 o->arg ? " " : "", o->arg ? o->arg : "");
		printf("  %-20s ", left);
		help_indent(o->help);
	}
	printf("  %-20s ", "--help");
	help_indent("this text");
	printf("\n%s", verb->detail);
	return TOOL_OK;
}

static int verb_run(const struct tool_verb *verb, int argc, char **argv)
{
	struct tool_args args;
	int code = tool_args_read(verb, argc, argv, &args);

	if (code)
		return code;
	return args.help ? verb_help_print(verb) : verb->run(&args);
}

static int word_run(int argc, char **argv)
{
	const char *word = argv[1];
	const struct tool_verb *verb;

	if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
		return version_print();
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return help_print();
	if (strcmp(word, "help") == 0 && argc == 2)
		return help_print();
	if (strcmp(word, "help") == 0) {
		verb = verb_find(argv[2]);
		return verb ? verb_help_print(verb) :
			      tool_usage(NULL, "no verb '%s'", argv[2]);
	}
	verb = verb_find(word);
	if (!verb)
		return tool_usage(NULL, word[0] == '-' ? "no option '%s'" :
						"no verb '%s'", word);
	return verb_run(verb, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	int code = argc < 2 ? tool_usage(NULL, "no verb given") :
			      word_run(argc, argv);

	if (fflush(stdout) || ferror(stdout))
		return tool_fail(errno, NULL, "cannot write the output");
	return code;
}
