/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/report.c: errors that say what to do next, and colours.
 */
#include "tool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool colour_wanted(FILE *out)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (no_color && *no_color)
		return false;
	return term && strcmp(term, "dumb") != 0 && isatty(fileno(out));
}

const char *tool_colour(FILE *out, enum tool_colour colour)
{
	static const char *const sequences[] = {
		[TOOL_RED] = "\033[31m",
		[TOOL_GREEN] = "\033[32m",
		[TOOL_YELLOW] = "\033[33m",
		[TOOL_BOLD] = "\033[1m",
		[TOOL_DIM] = "\033[2m",
	};

	return colour_wanted(out) ? sequences[colour] : "";
}

const char *tool_colour_end(FILE *out)
{
	return colour_wanted(out) ? "\033[0m" : "";
}

static const struct {
	int err;
	const char *text;
} advice[] = {
	{ EBUSY, "Close the program that has it open; or look at it with 'pmheap "
		 "stat', or at a copy that 'pmheap backup' makes." },
	{ EAGAIN, "Try again when less is written; 'pmheap backup --pause' stops "
		  "the program for the time of a copy." },
	{ EEXIST, "Choose a name that is free, or remove that file first." },
	{ ENOENT, "Check the name." },
	{ ENOTDIR, "Check the name: a part of it is no folder." },
	{ EISDIR, "Name a file, not a folder." },
	{ EACCES, "Check the permissions of the file and its folder, or run "
		  "this as its owner." },
	{ ERANGE, "Choose another size; 'pmheap info' shows what the pool has." },
	{ ESRCH, "Close the program that writes it, then try again." },
	{ EPERM, "Check who owns the file, or run this as its owner." },
	{ EROFS, "Use a file system that is mounted for writing." },
	{ ENOSPC, "Make room there." },
	{ EFBIG, "Choose a smaller size, or another file system." },
	{ ENOMEM, "Choose a smaller size, or free memory, then try again." },
	{ EMEDIUMTYPE, "Check the name: this file was not made by libpmheap." },
	{ EUCLEAN, "Keep a copy of the file, then run 'pmheap check --repair' "
		   "on it; if that cannot help, go back to a copy." },
	{ EPROTONOSUPPORT, "Use the version of libpmheap, on the kind of "
			   "machine, that made the pool; what ThreadSanitizer "
			   "watches is a kind of its own." },
	{ ENOTSUP, "Leave out --backend to take the one that fits, or use "
		   "another file system." },
	{ ENODEV, "Bring the pool that is named back to its place; if it is lost, "
		  "'pmheap check --repair --without ID' does without it." },
	{ EIO, "Look for faults of the disk in the system's log." },
	{ EINVAL, "Check the values given; --help lists them." },
};

const char *tool_advice(int err)
{
	for (size_t i = 0; i < sizeof advice / sizeof advice[0]; i++)
		if (advice[i].err == err)
			return advice[i].text;
	return "Correct that, then try again.";
}

static void prefix_print(void)
{
	fprintf(stderr, "%spmheap:%s ", tool_colour(stderr, TOOL_RED),
		tool_colour_end(stderr));
}

void tool_advise(const char *format, ...)
{
	char text[8192], *line, *rest = text;
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	fflush(stdout);
	while ((line = strsep(&rest, "\n"))) {
		prefix_print();
		fprintf(stderr, "%s\n", line);
	}
}

int tool_fail(int err, const char *why, const char *format, ...)
{
	va_list ap;

	if (!why || !*why)
		why = strerror(err);
	fflush(stdout);
	prefix_print();
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", why);
	prefix_print();
	fprintf(stderr, "%s\n", tool_advice(err));
	return err == EUCLEAN ? TOOL_DAMAGED : TOOL_FAILED;
}

int tool_usage(const char *verb, const char *format, ...)
{
	va_list ap;

	prefix_print();
	if (verb)
		fprintf(stderr, "%s: ", verb);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	prefix_print();
	fprintf(stderr, "'pmheap %s%s--help' shows how to use it.\n",
		verb ? verb : "", verb ? " " : "");
	return TOOL_USAGE;
}

const char *tool_survives_text(const char *survives)
{
	if (strcmp(survives, "power") == 0)
		return "committed data survives a power cut";
	if (strcmp(survives, "process") == 0)
		return "committed data survives the process, not the machine";
	return "nothing survives the process";
}
