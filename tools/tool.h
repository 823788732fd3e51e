/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/tool.h: what the subcommands of pmheap share.
 *
 * main.c owns the table of verbs, args.c reads a command line by it, report.c
 * writes errors and tables, size.c reads and writes sizes. A verb is one
 * function in a file of its own; it returns one of the exit codes below.
 */
#ifndef PMHEAP_TOOL_H
#define PMHEAP_TOOL_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Exit codes, of all verbs. */
enum {
	TOOL_OK = 0,
	TOOL_REPAIRED = 1,	/* check: faults were found and repaired     */
	TOOL_FOUND = 1,		/* crash-test: a crash breaks the program    */
	TOOL_DAMAGED = 4,	/* the pool is damaged                       */
	TOOL_FAILED = 8,	/* it could not be read, or not be done      */
	TOOL_USAGE = 16,	/* the command line makes no sense           */
};

#define TOOL_OPTION_MAX 16

struct tool_option {
	const char *name;	/* without the dashes; NULL ends the list    */
	const char *arg;	/* what its value is called; NULL: a flag    */
	const char *help;
};

struct tool_args {
	const struct tool_option *options;
	const char *value[TOOL_OPTION_MAX];	/* NULL: not given   */
	int	 operand_n;
	char	**operand;
	bool	 help;
};

struct tool_verb {
	const char *name;
	const char *operands;	/* as help shows them                        */
	int	 operand_min;
	int	 operand_max;
	bool	 command;	/* operands are a command with options of
				   its own: ours end at the first            */
	int	(*run)(const struct tool_args *args);
	const char *summary;	/* half a line                               */
	const char *detail;	/* lines for its own --help                  */
	struct tool_option options[TOOL_OPTION_MAX];
};

/* args.c: 0, or TOOL_USAGE after saying why. */
int tool_args_read(const struct tool_verb *verb, int argc, char **argv,
		   struct tool_args *args);
/* The value of an option, "" of a flag; NULL if it was not given. */
const char *tool_arg(const struct tool_args *args, const char *name);

/* size.c: bytes with an optional K, M, G or T (powers of 1024). */
bool tool_size_read(const char *text, uint64_t *bytes);
/* "64 MiB"; buf of TOOL_SIZE_LEN bytes. */
#define TOOL_SIZE_LEN 32
const char *tool_size_text(uint64_t bytes, char *buf);

/* report.c */
enum tool_colour { TOOL_RED, TOOL_GREEN, TOOL_YELLOW, TOOL_BOLD };

/* Escape sequences, or "" where the stream is no terminal that wants them. */
const char *tool_colour(FILE *out, enum tool_colour colour);
const char *tool_colour_end(FILE *out);

/*
 * Says on stderr what failed (format), why (a sentence, or NULL: strerror of
 * err), and what to do next (from err). Returns the exit code for err.
 */
int tool_fail(int err, const char *why, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same for a senseless command line; verb may be NULL. TOOL_USAGE. */
int tool_usage(const char *verb, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* PmStats.survives in the words of somebody who has to rely on it. */
const char *tool_survives_text(const char *survives);

enum tool_kind { TOOL_TEXT, TOOL_COUNT, TOOL_SIZE, TOOL_ID };

struct tool_row {
	const char *label;	/* in the table                              */
	const char *key;	/* in JSON                                   */
	enum tool_kind kind;
	uint64_t number;
	const char *text;	/* TOOL_TEXT                                 */
};

/* A string of JSON, quoted, on stdout. */
void tool_json_text(const char *text);

/* An aligned table, or one JSON object, on stdout. */
void tool_rows_print(const struct tool_row *rows, size_t row_n, bool json);

/* The verbs. */
int cmd_create(const struct tool_args *args);
int cmd_info(const struct tool_args *args);
int cmd_check(const struct tool_args *args);
int cmd_clone(const struct tool_args *args);
int cmd_reid(const struct tool_args *args);
int cmd_crash_test(const struct tool_args *args);
int cmd_demo(const struct tool_args *args);

#endif
