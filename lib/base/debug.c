/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * debug.c: the words of PMHEAP_DEBUG. They find mistakes in a program that
 * cannot be changed; without them nothing is ever printed.
 */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

AO_t debug_on;

/* Whole lines, as several threads may print. */
static void print(int level, const char *message, void *arg)
{
	static const char *const name[] = {"", "error", "warning", "info",
					   "debug"};
	char line[1100];
	int n = snprintf(line, sizeof(line), "libpmheap: %s: %s\n",
			 name[level], message);

	(void)arg;
	if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
		return;
}

bool debug_word(const char *word)
{
	const char *s = getenv("PMHEAP_DEBUG");
	size_t n = strlen(word);

	while (s && *s) {
		size_t len = strcspn(s, ",");

		if (len == n && !strncmp(s, word, n))
			return true;
		s += len + (s[len] == ',');
	}
	return false;
}

void debug_read_environment(void)
{
	if (debug_word("log"))
		say_by_default(PM_LOG_DEBUG, print);
	else if (debug_word("unlogged"))
		say_by_default(PM_LOG_ERROR, print);
}
