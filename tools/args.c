/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/args.c: reads the command line of a verb by the verb's option table.
 */
#include "tool.h"

#include <errno.h>
#include <popt.h>
#include <stdlib.h>
#include <string.h>

#define HELP_KEY 1000

/* popt gives the operands away with its context. */
static poptContext context;

static void options_make(const struct tool_verb *verb, struct poptOption *out)
{
	int n = 0;

	for (; verb->options[n].name; n++)
		out[n] = (struct poptOption){
			.longName = verb->options[n].name,
			.shortName = verb->options[n].letter,
			.argInfo = verb->options[n].arg ? POPT_ARG_STRING :
							  POPT_ARG_NONE,
			.val = HELP_KEY + 1 + n,
		};
	out[n++] = (struct poptOption){ .longName = "help", .shortName = 'h',
					.argInfo = POPT_ARG_NONE,
					.val = HELP_KEY };
	out[n] = (struct poptOption)POPT_TABLEEND;
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

static int bad_option(const struct tool_verb *verb, int error)
{
	const char *name = poptBadOption(context, POPT_BADOPTION_NOALIAS);

	if (error == POPT_ERROR_NOARG)
		return tool_usage(verb->name, "'%s' needs a value", name);
	if (error == POPT_ERROR_UNWANTEDARG)
		return tool_usage(verb->name, "'%s' takes no value", name);
	return tool_usage(verb->name, "it has no option '%s'", name);
}

int tool_args_read(const struct tool_verb *verb, int argc, char **argv,
		   struct tool_args *args)
{
	static struct poptOption options[TOOL_OPTION_MAX + 2];
	int key;

	memset(args, 0, sizeof *args);
	args->verb = verb;
	options_make(verb, options);
	context = poptGetContext(NULL, argc, (const char **)argv, options,
				 verb->command ? POPT_CONTEXT_POSIXMEHARDER :
						 0);
	if (!context)
		return tool_fail(ENOMEM, NULL, "cannot read the options");
	while ((key = poptGetNextOpt(context)) >= 0) {
		char **value;

		if (key == HELP_KEY) {
			args->help = true;
			continue;
		}
		value = &args->value[key - HELP_KEY - 1];
		free(*value);
		*value = poptGetOptArg(context);
		if (!*value)
			*value = strdup("");
	}
	if (key != -1)
		return bad_option(verb, key);
	args->operand = (char **)poptGetArgs(context);
	while (args->operand && args->operand[args->operand_n])
		args->operand_n++;
	return operands_check(verb, args);
}

void tool_args_free(struct tool_args *args)
{
	for (int i = 0; i < TOOL_OPTION_MAX; i++)
		free(args->value[i]);
	context = poptFreeContext(context);
}

const char *tool_arg(const struct tool_args *args, const char *name)
{
	const struct tool_option *options = args->verb->options;

	for (int i = 0; options[i].name; i++)
		if (strcmp(options[i].name, name) == 0)
			return args->value[i];
	return NULL;
}

int tool_arg_number(const struct tool_args *args, const char *name, uint64_t lo,
		    uint64_t hi, uint64_t *out)
{
	const char *text = tool_arg(args, name);
	uint64_t n;
	char *end;

	if (!text)
		return TOOL_OK;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || *end || *text < '0' || *text > '9' || n < lo || n > hi)
		return tool_usage(args->verb->name, "'%s' is no number for "
				  "--%s", text, name);
	*out = n;
	return TOOL_OK;
}
