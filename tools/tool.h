/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/tool.h: what the subcommands of pmheap share.
 *
 * verbs.c owns the table of verbs; args.c reads a command line by it, help.c
 * prints help, complete.c the completions of shells and the synopsis of the
 * manual page. report.c writes errors and colours, table.c tables, json.c
 * JSON, progress.c how far long work is, size.c reads and writes sizes. A verb
 * is one function in a file of its own; it returns one of the exit codes below.
 */
#ifndef PMHEAP_TOOL_H
#define PMHEAP_TOOL_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <jansson.h>
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

#define TOOL_OPTION_MAX 20

/* How a column or a row is shown, in tables and in JSON. */
enum tool_kind {
	TOOL_TEXT,
	TOOL_COUNT,
	TOOL_SIZE,		/* bytes                                     */
	TOOL_ID,		/* 16 hexadecimal digits                     */
	TOOL_OFFSET,		/* hexadecimal with 0x; in JSON a number     */
	TOOL_REAL		/* a number with one decimal                 */
};

struct tool_column {
	const char *name;	/* of -o and in JSON; NULL ends the list     */
	const char *heading;
	enum tool_kind kind;
	bool	 extra;		/* shown only if -o asks for it              */
	const char *help;
};

struct tool_option {
	const char *name;	/* without the dashes; NULL ends the list    */
	const char *arg;	/* what its value is called; NULL: a flag    */
	const char *help;
	const char *choices;	/* words that it can be, for completion      */
	char	 letter;	/* short form, or 0                          */
};

struct tool_args {
	const struct tool_verb *verb;
	char	*value[TOOL_OPTION_MAX];	/* NULL: not given   */
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
	const struct tool_column *columns;	/* of its table, or NULL     */
	struct tool_option options[TOOL_OPTION_MAX];
};

/* verbs.c: the table, ended by a verb without a name. */
extern const struct tool_verb tool_verbs[];
const struct tool_verb *tool_verb_find(const char *name);

/* help.c */
int tool_help_print(void);
int tool_verb_help_print(const struct tool_verb *verb);

/* complete.c: what is generated from the table; what: bash, zsh, fish or
 * synopsis. */
int tool_generate(const char *what);

/* args.c: 0, or TOOL_USAGE after saying why. */
int tool_args_read(const struct tool_verb *verb, int argc, char **argv,
		   struct tool_args *args);
void tool_args_free(struct tool_args *args);
/* The value of an option, "" of a flag; NULL if it was not given. */
const char *tool_arg(const struct tool_args *args, const char *name);
/* A whole number in lo..hi; *out stays as it is if the option is not there.
 * 0, or TOOL_USAGE. */
int tool_arg_number(const struct tool_args *args, const char *name, uint64_t lo,
		    uint64_t hi, uint64_t *out);

/* size.c: bytes with an optional K, M, G or T (powers of 1024). */
bool tool_size_read(const char *text, uint64_t *bytes);
/* "64 MiB"; buf of TOOL_SIZE_LEN bytes. */
#define TOOL_SIZE_LEN 32
const char *tool_size_text(uint64_t bytes, char *buf);

/* report.c */
enum tool_colour { TOOL_RED, TOOL_GREEN, TOOL_YELLOW, TOOL_BOLD, TOOL_DIM };

/* Escape sequences, or "" where the stream is no terminal that wants them. */
const char *tool_colour(FILE *out, enum tool_colour colour);
const char *tool_colour_end(FILE *out);

/*
 * Says on stderr what failed (format), why (a sentence, or NULL: strerror of
 * err), and what to do next (from err). Returns the exit code for err.
 */
int tool_fail(int err, const char *why, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* What to do next, as tool_fail() says it. */
const char *tool_advice(int err);
/* Lines of one's own. */
void tool_advise(const char *format, ...)
	__attribute__((format(printf, 1, 2)));
/* The same for a senseless command line; verb may be NULL. TOOL_USAGE. */
int tool_usage(const char *verb, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* PmStats.survives in the words of somebody who has to rely on it. */
const char *tool_survives_text(const char *survives);

struct tool_row {
	const char *label;	/* in the table                              */
	const char *key;	/* in JSON                                   */
	enum tool_kind kind;
	uint64_t number;
	const char *text;	/* TOOL_TEXT                                 */
};

/* json.c: a string of JSON, quoted, on stdout. */
void tool_json_text(const char *text);
/* The same as a value: bytes that are no UTF-8 become U+0080..U+00FF. */
json_t *tool_json_string(const char *text);
json_t *tool_json_value(enum tool_kind kind, uint64_t number, const char *text);
/* Two digits a byte. */
json_t *tool_json_hex(const void *bytes, uint64_t n);
/* Prints the value, an object or array, and frees it. */
int tool_json_print(json_t *value);

/* table.c: an aligned table of two columns, or one JSON object, on stdout. */
int tool_rows_print(const struct tool_row *rows, size_t row_n, bool json);
/* The object, to add to it. */
json_t *tool_rows_json(const struct tool_row *rows, size_t row_n);

/*
 * A table with the columns of the verb, as --output, --json, --raw, --bytes and
 * --noheadings say; name is that of the array in JSON. usual: the columns that
 * are shown if nothing is said, NULL: all that are not extra. NULL after saying
 * why.
 */
struct tool_table *tool_table_new(const struct tool_args *args,
				  const char *name, const char *usual);
/* For a table of one row under the one before: columns of the same width, and
 * headings only above the first. */
void tool_table_continue(struct tool_table *table, bool first);
void tool_table_row(struct tool_table *table);
/* Fills a cell of the last row; a column that is not shown is passed over. */
void tool_cell(struct tool_table *table, const char *column, uint64_t number);
void tool_cell_text(struct tool_table *table, const char *column,
		    const char *text);
void tool_cell_real(struct tool_table *table, const char *column,
		    double number);
void tool_cell_colour(struct tool_table *table, const char *column,
		      enum tool_colour colour);
void tool_table_free(struct tool_table *table);
/* Prints and frees; an exit code. */
int tool_table_print(struct tool_table *table);

/* progress.c: a line on stderr, if that is a terminal and a second is over. */
struct tool_progress {
	const char *what;
	uint64_t total;
	uint64_t began_ms;
	uint64_t shown_ms;
	bool	 on;
};

void tool_progress_begin(struct tool_progress *p, const char *what,
			 uint64_t total);
void tool_progress_show(struct tool_progress *p, uint64_t done);
void tool_progress_end(struct tool_progress *p);

/* The verbs, and the columns of those that print a table. */
extern const struct tool_column stat_columns[];
extern const struct tool_column ls_columns[];
extern const struct tool_column log_columns[];
extern const struct tool_column bench_columns[];

int cmd_create(const struct tool_args *args);
int cmd_info(const struct tool_args *args);
int cmd_stat(const struct tool_args *args);
int cmd_ls(const struct tool_args *args);
int cmd_map(const struct tool_args *args);
int cmd_dump(const struct tool_args *args);
int cmd_log(const struct tool_args *args);
int cmd_check(const struct tool_args *args);
int cmd_backup(const struct tool_args *args);
int cmd_restore(const struct tool_args *args);
int cmd_grow(const struct tool_args *args);
int cmd_clone(const struct tool_args *args);
int cmd_reid(const struct tool_args *args);
int cmd_relayout(const struct tool_args *args);
int cmd_crash_test(const struct tool_args *args);
int cmd_doctor(const struct tool_args *args);
int cmd_bench(const struct tool_args *args);
int cmd_demo(const struct tool_args *args);

#endif
