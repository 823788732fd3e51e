/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/progress.c: a line on stderr that says how far long work is. Only on a
 * terminal, and only when it has taken a second.
 */
#include "tool.h"

#include <time.h>
#include <unistd.h>

#define AFTER_MS 1000
#define EVERY_MS 200

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void tool_progress_begin(struct tool_progress *p, const char *what,
			 uint64_t total)
{
	*p = (struct tool_progress){ .what = what, .total = total,
				     .began_ms = now_ms(),
				     .on = isatty(STDERR_FILENO) };
}

void tool_progress_show(struct tool_progress *p, uint64_t done)
{
	uint64_t now;

	if (!p->on)
		return;
	now = now_ms();
	if (now - p->began_ms < AFTER_MS || now - p->shown_ms < EVERY_MS)
		return;
	p->shown_ms = now;
	if (p->total)
		fprintf(stderr, "\r%s: %d %% ", p->what,
			(int)((double)done * 100 / (double)p->total));
	else
		fprintf(stderr, "\r%s: %d s ", p->what,
			(int)((now - p->began_ms) / 1000));
}

void tool_progress_end(struct tool_progress *p)
{
	if (p->on && p->shown_ms)
		fputs("\r\033[K", stderr);
}
