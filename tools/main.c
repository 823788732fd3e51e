/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/main.c: the pmheap command: finds the verb and runs it.
 */
#include "tool.h"

#include <errno.h>
#include <locale.h>
#include <pmheap.h>
#include <string.h>

static int version_print(void)
{
	int v = pm_version();

	printf("pmheap %d.%d.%d\n", v / 10000, v / 100 % 100, v % 100);
	return TOOL_OK;
}

static int help_run(int argc, char **argv)
{
	const struct tool_verb *verb;

	if (argc == 2)
		return tool_help_print();
	if (argc == 4 && strcmp(argv[2], "--generate") == 0)
		return tool_generate(argv[3]);
	verb = tool_verb_find(argv[2]);
	return verb ? tool_verb_help_print(verb) :
		      tool_usage(NULL, "no verb '%s'", argv[2]);
}

static int verb_run(const struct tool_verb *verb, int argc, char **argv)
{
	struct tool_args args;
	int code = tool_args_read(verb, argc, argv, &args);

	if (!code)
		code = args.help ? tool_verb_help_print(verb) :
				   verb->run(&args);
	tool_args_free(&args);
	return code;
}

static int word_run(int argc, char **argv)
{
	const char *word = argv[1];
	const struct tool_verb *verb;

	if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
		return version_print();
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return tool_help_print();
	if (strcmp(word, "help") == 0)
		return help_run(argc, argv);
	verb = tool_verb_find(word);
	if (!verb)
		return tool_usage(NULL, word[0] == '-' ? "no option '%s'" :
						"no verb '%s'", word);
	return verb_run(verb, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	int code;

	/* What the terminal can show; numbers stay as programs read them. */
	setlocale(LC_CTYPE, "");
	code = argc < 2 ? tool_usage(NULL, "no verb given") :
			  word_run(argc, argv);
	if (fflush(stdout) || ferror(stdout))
		return tool_fail(errno, NULL, "cannot write the output");
	return code;
}
