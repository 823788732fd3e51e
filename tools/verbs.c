/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/verbs.c: the table of verbs. Help, the completions of shells and the
 * synopsis of the manual page are made of it.
 */
#include "tool.h"

#include <limits.h>
#include <string.h>

/* Options of every verb that prints a table. */
#define TABLE_OPTIONS							\
	{ "output", "COLUMNS", "show these; +COLUMNS: besides the others",	\
	  NULL, 'o' },							\
	{ "bytes", NULL, "sizes in bytes, without units", NULL, 'b' },	\
	{ "raw", NULL, "do not align, for scripts", NULL, 'r' },	\
	{ "noheadings", NULL, "no line with headings", NULL, 'n' },	\
	{ "json", NULL, "print JSON", NULL, 'J' }

const struct tool_verb tool_verbs[] = {
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
			{ "size", "SIZE", "size of the pool (64M)", NULL, 0 },
			{ "max-size", "SIZE",
			  "size that it may grow to (as --size: it never grows)", NULL, 0 },
			{ "layout", "NAME",
			  "name of the program's data; programs that open the\n"
			  "pool must give the same", NULL, 0 },
			{ "backend", "NAME",
			  "dax, file or shm instead of the one that fits FILE",
			  "dax file shm", 0 },
			{ "mode", "OCTAL", "permissions of the file (0600)", NULL, 0 },
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
			{ "json", NULL, "print one JSON object", NULL, 'J' },
		},
	}, {
		.name = "stat",
		.operands = "FILE",
		.operand_min = 1,
		.operand_max = 1,
		.run = cmd_stat,
		.summary = "show what a pool holds now, also while it is in use",
		.detail =
		"Locks nothing and changes nothing: a process that works in the\n"
		"pool does not notice. Counts are of what is in place: commits that\n"
		"become durable in groups are counted when their group is. With\n"
		"--watch the columns above are printed; with --json an object a line.\n",
		.columns = stat_columns,
		.options = {
			{ "watch", NULL, "a line every second, until ^C", NULL,
			  'w' },
			{ "interval", "SECONDS", "between lines (1)", NULL, 0 },
			{ "count", "N", "so many lines", NULL, 0 },
			TABLE_OPTIONS,
		},
	}, {
		.name = "ls",
		.operands = "FILE",
		.operand_min = 1,
		.operand_max = 1,
		.run = cmd_ls,
		.summary = "list the objects of a pool by type and size",
		.detail =
		"Of a pool in use a consistent image of its metadata is looked at.\n",
		.columns = ls_columns,
		.options = {
			{ "objects", NULL, "list each object", NULL, 'l' },
			{ "type", "NUMBER", "only objects of this type", NULL,
			  0 },
			TABLE_OPTIONS,
		},
	}, {
		.name = "map",
		.operands = "FILE",
		.operand_min = 1,
		.operand_max = 1,
		.run = cmd_map,
		.summary = "draw the extents of a pool and how full they are",
		.detail =
		"Of a pool in use a consistent image of its metadata is drawn.\n",
		.options = {
			{ "svg", "FILE", "write a picture (-: to the output)",
			  NULL, 0 },
			{ "width", "N", "characters in a line", NULL, 0 },
			{ "ascii", NULL, "no characters but those of ASCII",
			  NULL, 0 },
			{ "json", NULL, "print one JSON object", NULL, 'J' },
		},
	}, {
		.name = "dump",
		.operands = "FILE [OBJECT...]",
		.operand_min = 1,
		.operand_max = INT_MAX,
		.run = cmd_dump,
		.summary = "show the bytes of objects",
		.detail =
		"OBJECT is an offset, a pointer as the program has it, both also\n"
		"into the middle of an object, or root, which is taken without.\n"
		"JSON tells also which words are pointers into the pool. Of a pool\n"
		"in use a consistent image is looked at.\n",
		.options = {
			{ "all", NULL, "all objects", NULL, 'a' },
			{ "type", "NUMBER", "all objects of this type", NULL,
			  0 },
			{ "json", NULL, "print one JSON object", NULL, 'J' },
		},
	}, {
		.name = "log",
		.operands = "FILE",
		.operand_min = 1,
		.operand_max = 1,
		.run = cmd_log,
		.summary = "show the log entries above the watermark, decoded",
		.detail =
		"They are what the next opening of a pool that was not closed\n"
		"replays. Of a pool in use they are those of this moment. JSON has\n"
		"the records of each entry, and the bytes that they write.\n",
		.columns = log_columns,
		.options = {
			{ "records", NULL, "a line for each record", NULL, 'l' },
			TABLE_OPTIONS,
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
		"16 usage. Without --repair the file is not changed. With it the log\n"
		"is replayed, a damaged header copy written anew, two damaged ones put\n"
		"together where each is whole where the other is not, and a truncated\n"
		"file given back its length if no object was lost. It is the heap that\n"
		"is checked, not what the program keeps in its objects.\n",
		.options = {
			{ "repair", NULL, "repair what can be, and say each step",
			  NULL, 0 },
			{ "no-backup", NULL,
			  "keep no copy (FILE.before-repair)", NULL, 0 },
			{ "without", "ID",
			  "recover it although the region of this id, which took\n"
			  "part in its last transactions, is lost", NULL, 0 },
			{ "json", NULL, "print one JSON object", NULL, 'J' },
		},
	}, {
		.name = "grow",
		.operands = "FILE [SIZE]",
		.operand_min = 1,
		.operand_max = 2,
		.run = cmd_grow,
		.summary = "make a closed pool larger, or let it grow further",
		.detail =
		"A program's pool grows by itself up to its limit, when it is full.\n",
		.options = {
			{ "max-size", "SIZE", "size that it may grow to", NULL,
			  0 },
		},
	}, {
		.name = "backup",
		.operands = "FILE BACKUP",
		.operand_min = 2,
		.operand_max = 2,
		.run = cmd_backup,
		.summary = "copy a pool, also while it is in use",
		.detail =
		"BACKUP must not exist. It is a pool with the same id, which holds\n"
		"every transaction that had returned when the copying began, and all\n"
		"or nothing of each later one. The program that works in the pool is\n"
		"not held up. If it writes so fast that its log cannot be followed,\n"
		"the copying begins anew, until the time is over.\n",
		.options = {
			{ "timeout", "SECONDS",
			  "for attempts that fail (10)", NULL, 0 },
			{ "pause", NULL,
			  "stop the program while its pool is copied", NULL,
			  0 },
		},
	}, {
		.name = "restore",
		.operands = "BACKUP FILE",
		.operand_min = 2,
		.operand_max = 2,
		.run = cmd_restore,
		.summary = "put a backup in the place of a pool",
		.detail =
		"The backup is checked first, and is kept. FILE is the old pool or\n"
		"the new one at every moment.\n",
		.options = {
			{ "force", NULL, "also if FILE exists", NULL, 0 },
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
		.name = "relayout",
		.operands = "FILE NAME",
		.operand_min = 2,
		.operand_max = 2,
		.run = cmd_relayout,
		.summary = "give a closed pool another layout name",
		.detail =
		"For a pool whose objects a new version of its program converted:\n"
		"older ones, which ask for the old name, are refused from then on.\n"
		"The objects are not changed.\n",
		.options = {
			{ "from", "NAME", "only if that is its name now", NULL,
			  0 },
		},
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
			  "replaces {}; 0 means good", NULL, 0 },
			{ "states", "N", "try at most about so many states (10000)", NULL, 0 },
			{ "mode", "NAME",
			  "adr, eadr or page: what a power cut leaves; auto\n"
			  "takes what fits the backend (auto)",
			  "adr eadr page auto", 0 },
			{ "seed", "N", "of random choices (1)", NULL, 0 },
			{ "points", "FROM-TO", "crash between these events only", NULL, 0 },
			{ "state", "STATE", "only this one, from a report", NULL, 0 },
			{ "timeout", "SECONDS", "for verify, each time (10)", NULL, 0 },
			{ "jobs", "N", "so many at a time (one per processor)", NULL, 0 },
			{ "dir", "DIR", "where crashed pools are put (/dev/shm)", NULL, 0 },
			{ "keep", "DIR",
			  "make DIR and keep the run and the pools of failures\n"
			  "in it", NULL, 0 },
			{ "trace", "DIR", "use the run kept in DIR", NULL, 0 },
			{ "json", NULL, "print one JSON object", NULL, 0 },
		},
	}, {
		.name = "doctor",
		.operands = "[DIR]",
		.operand_min = 0,
		.operand_max = 1,
		.run = cmd_doctor,
		.summary = "find out what a folder really guarantees to pools",
		.detail =
		"Tries it with a pool of 32 MiB in DIR (.), which is removed again.\n"
		"What it says of durability is what the kernel says; whether a disk\n"
		"lies about its cache only a power cut can tell.\n",
		.options = {
			{ "json", NULL, "print one JSON object", NULL, 'J' },
		},
	}, {
		.name = "bench",
		.operands = "[DIR]",
		.operand_min = 0,
		.operand_max = 1,
		.run = cmd_bench,
		.summary = "measure what transactions cost in a folder",
		.detail =
		"Works in a pool of 32 MiB in DIR (.), which is removed again. In turn\n"
		"with each work it measures the floor: what the machine must do at\n"
		"least to make the same change durable.\n",
		.columns = bench_columns,
		.options = {
			{ "backend", "NAME",
			  "dax, file or shm instead of the one that fits DIR",
			  "dax file shm", 0 },
			{ "rounds", "N", "of which the median counts (7)",
			  NULL, 0 },
			{ "round-ms", "MS", "length of a round (40)", NULL,
			  0 },
			TABLE_OPTIONS,
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
	{ .name = NULL },
};

const struct tool_verb *tool_verb_find(const char *name)
{
	for (const struct tool_verb *v = tool_verbs; v->name; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}
