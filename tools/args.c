/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/args.c: reads the command line of a verb by the verb's option table.
 */
#include "tool.h"

#include <getopt.h>
#include <string.h>

#define HELP_KEY 1000

static int options_make(const struct tool_verb *verb, struct option *out)
{
	int n = 0;

	for (; verb->options[n].name; n++)
		out[n] = (struct option){
			.name = verb->options[n].name,
			.has_arg = verb->options[n].arg ? required_argument :
							  no_argument,
			.val = HELP_KEY + 1 + n,
		};
	out[n++] = (struct option){ .name = "help", .val = HELP_KEY };
	out[n] = (struct option){ 0 };
	return n;
}

static int operands_check(const struct tool_verb *verb,
			  const struct tool_args *args)
{
	if (args->help)
		return TOOL_OK;
	if (args->operand_n < verb->operand_min)
		return tool_usage(verb->name, "%s is missing: it needs %s",
				  verb->operand_min - args->operand_n > 1 ?
				  "more than one name" : "a name",
				  verb->operands);
	if (args->operand_n > verb->operand_max)
		return tool_usage(verb->name, "'%s' is one name too many",
				  args->operand[verb->operand_max]);
	return TOOL_OK;
}

int tool_args_read(const struct tool_verb *verb, int argc, char **argv,
		   struct tool_args *args)
{
	struct option options[TOOL_OPTION_MAX + 1];
	int key;

	memset(args, 0, sizeof *args);
	args->options = verb->options;
	options_make(verb, options);
	optind = 0;
	while ((key = getopt_long(argc, argv, verb->command ? "+:h" : ":h",
				  options, NULL)) != -1) {
		if (key == HELP_KEY || key == 'h')
			args->help = true;
		else if (key > HELP_KEY)
			args->value[key - HELP_KEY - 1] = optarg ? optarg : "";
		else if (key == ':')
			return tool_usage(verb->name, "'%s' needs a value",
					  argv[optind - 1]);
		else
			return tool_usage(verb->name, "it has no option '%s'",
					  argv[optind - 1]);
	}
	args->operand_n = argc - optind;
	args->operand = argv + optind;
	return operands_check(verb, args);
}

const char *tool_arg(const struct tool_args *args, const char *name)
{
	for (int i = 0; args->options[i].name; i++)
		if (strcmp(args->options[i].name, name) == 0)
			return args->value[i];
	return NULL;
}
