/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/complete.c: what is made of the table of verbs when the command is
 * built: completions for bash, zsh and fish, and the synopsis that the manual
 * page must have. `pmheap help --generate WHAT` prints one.
 */
#include "tool.h"

#include <ctype.h>
#include <string.h>

#define GENERATED "generated from the verbs of pmheap; do not edit"

static bool is_dir(const char *arg)
{
	return arg && strstr(arg, "DIR");
}

/* Values that are names of files. */
static bool is_file(const char *arg)
{
	return arg && (strstr(arg, "FILE") || strstr(arg, "SOURCE") ||
		       strstr(arg, "BACKUP"));
}

/* The first line of a help text, for inside single quotes. */
static void line_print(const char *text)
{
	for (; *text && *text != '\n'; text++)
		if (*text == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*text);
}

/* The words after an option that takes a value. */
static void bash_values(const struct tool_verb *v)
{
	const struct tool_option *o;

	for (o = v->options; o->name; o++) {
		if (!o->arg)
			continue;
		printf("\t%s:--%s", v->name, o->name);
		if (o->letter)
			printf(" | %s:-%c", v->name, o->letter);
		if (o->choices)
			printf(") COMPREPLY=($(compgen -W '%s' -- \"$cur\")) ;;"
			       "\n", o->choices);
		else if (is_dir(o->arg))
			puts(") COMPREPLY=($(compgen -d -- \"$cur\")) ;;");
		else if (is_file(o->arg))
			puts(") COMPREPLY=($(compgen -f -- \"$cur\")) ;;");
		else
			puts(") COMPREPLY=() ;;");
	}
}

static void bash_options(const struct tool_verb *v)
{
	const struct tool_option *o;

	printf("\t%s) words='--help", v->name);
	for (o = v->options; o->name; o++)
		printf(" --%s", o->name);
	printf("'%s ;;\n", is_dir(v->operands) ? "; kind=-d" : "");
}

static void bash_print(void)
{
	const struct tool_verb *v;

	puts("# bash completion for pmheap; " GENERATED "\n"
	     "_pmheap()\n{\n"
	     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} words= kind=-f\n"
	     "\tlocal prev=${COMP_WORDS[COMP_CWORD-1]} verb=${COMP_WORDS[1]}\n"
	     "\tif [ \"$COMP_CWORD\" -eq 1 ] || { [ \"$COMP_CWORD\" -eq 2 ] &&\n"
	     "\t\t[ \"$verb\" = help ]; }; then");
	fputs("\t\tCOMPREPLY=($(compgen -W '", stdout);
	for (v = tool_verbs; v->name; v++)
		printf("%s ", v->name);
	puts("help --help --version' -- \"$cur\"))\n\t\treturn\n\tfi\n"
	     "\tcase $verb:$prev in");
	for (v = tool_verbs; v->name; v++)
		bash_values(v);
	puts("\t*)\n\tcase $verb in");
	for (v = tool_verbs; v->name; v++)
		bash_options(v);
	puts("\tesac\n\tcase $cur in\n"
	     "\t-*) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")) ;;\n"
	     "\t*) COMPREPLY=($(compgen $kind -- \"$cur\")) ;;\n"
	     "\tesac ;;\n\tesac\n}\n"
	     "complete -o filenames -F _pmheap pmheap");
}

/* Brackets and colons mean something in a specification of _arguments. */
static void zsh_text(const char *text)
{
	for (; *text && *text != '\n'; text++) {
		if (*text == '\'')
			fputs("'\\'", stdout);
		else if (strchr("[]:\\", *text))
			putchar('\\');
		putchar(*text);
	}
}

static void zsh_option(const struct tool_option *o)
{
	printf(" \\\n\t\t'--%s[", o->name);
	zsh_text(o->help);
	putchar(']');
	if (o->arg) {
		putchar(':');
		zsh_text(o->arg);
		if (o->choices)
			printf(":(%s)", o->choices);
		else
			printf(":%s", is_dir(o->arg) ? "_files -/" :
			       is_file(o->arg) ? "_files" : "");
	}
	putchar('\'');
}

static void zsh_print(void)
{
	const struct tool_verb *v;
	const struct tool_option *o;

	puts("#compdef pmheap\n# " GENERATED "\n"
	     "local -a verbs\nverbs=(");
	for (v = tool_verbs; v->name; v++) {
		printf("\t'%s:", v->name);
		line_print(v->summary);
		puts("'");
	}
	puts("\t'help:show how to use a verb'\n)\n"
	     "if (( CURRENT == 2 )); then\n"
	     "\t_describe verb verbs\n\treturn\nfi\n"
	     "local verb=$words[2]\nshift words\n(( CURRENT-- ))\n"
	     "case $verb in\nhelp) _describe verb verbs ;;");
	for (v = tool_verbs; v->name; v++) {
		printf("%s)\n\t_arguments '--help[this text]'", v->name);
		for (o = v->options; o->name; o++)
			zsh_option(o);
		printf(" \\\n\t\t'*:%s:%s' ;;\n",
		       is_dir(v->operands) ? "folder" : "file",
		       is_dir(v->operands) ? "_files -/" : "_files");
	}
	puts("esac");
}

static void fish_option(const struct tool_verb *v, const struct tool_option *o)
{
	printf("complete -c pmheap -n '__fish_seen_subcommand_from %s' -l %s",
	       v->name, o->name);
	if (o->letter)
		printf(" -s %c", o->letter);
	if (o->choices)
		printf(" -x -a '%s'", o->choices);
	else if (is_dir(o->arg))
		fputs(" -x -a '(__fish_complete_directories)'", stdout);
	else if (o->arg)
		fputs(is_file(o->arg) ? " -r -F" : " -x", stdout);
	fputs(" -d '", stdout);
	/* Fish ends a string in single quotes otherwise than other shells. */
	for (const char *s = o->help; *s && *s != '\n'; s++) {
		if (*s == '\'' || *s == '\\')
			putchar('\\');
		putchar(*s);
	}
	puts("'");
}

static void fish_print(void)
{
	const struct tool_verb *v;

	puts("# fish completion for pmheap; " GENERATED "\n"
	     "complete -c pmheap -n __fish_use_subcommand -f -a help -d "
	     "'show how to use a verb'");
	for (v = tool_verbs; v->name; v++) {
		printf("complete -c pmheap -n __fish_use_subcommand -f -a %s "
		       "-d '", v->name);
		line_print(v->summary);
		puts("'");
		for (const struct tool_option *o = v->options; o->name; o++)
			fish_option(v, o);
	}
}

static void lower_print(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		putchar(tolower((unsigned char)text[i]));
}

/* "SOURCE COPY", "[DIR]", "-- PROGRAM..." as mdoc. */
static void synopsis_operands(const char *s)
{
	while (*s) {
		size_t len = strcspn(s, " ");
		bool optional = *s == '[';
		const char *word = s + optional;
		size_t n = len - 2 * optional, dots = 0;

		if (n > 3 && memcmp(word + n - 3, "...", 3) == 0)
			dots = 3;
		fputs(optional ? ".Op Ar " : *word == '-' ? ".Fl " : ".Ar ",
		      stdout);
		if (*word == '-')
			putchar('-');
		else
			lower_print(word, n - dots);
		puts(dots ? " ..." : "");
		s += len;
		s += *s == ' ';
	}
}

/* The lines between .Sh SYNOPSIS and .Sh DESCRIPTION of pmheap.1. */
static void synopsis_print(void)
{
	for (const struct tool_verb *v = tool_verbs; v->name; v++) {
		printf(".Nm\n.Cm %s\n", v->name);
		/* Verbs with very many have theirs in a list below. */
		if (v->command)
			puts(".Op Ar options");
		for (const struct tool_option *o = v->options;
		     o->name && !v->command; o++) {
			if (o->letter)
				printf(".Op Fl %c", o->letter);
			else
				printf(".Op Fl -%s", o->name);
			if (o->arg) {
				fputs(" Ar ", stdout);
				lower_print(o->arg, strlen(o->arg));
			}
			putchar('\n');
		}
		synopsis_operands(v->operands);
	}
	puts(".Nm\n.Cm help\n.Op Ar verb\n.Nm\n.Fl -version");
}

int tool_generate(const char *what)
{
	static const struct {
		const char *name;
		void (*print)(void);
	} kinds[] = {
		{ "bash", bash_print },
		{ "zsh", zsh_print },
		{ "fish", fish_print },
		{ "synopsis", synopsis_print },
	};

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(kinds[i].name, what) == 0) {
			kinds[i].print();
			return TOOL_OK;
		}
	return tool_usage(NULL, "'%s' cannot be generated: bash, zsh, fish or "
			  "synopsis can", what);
}
