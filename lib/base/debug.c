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

static const char *const words[] = {"abort", "log", "unlogged"};

/* The next word of a list with commas, from *at on; false: there is none. */
static bool next_word(const char **at, const char **word, size_t *len)
{
	const char *s = *at;

	while (s && *s == ',')
		s++;
	if (!s || !*s)
		return false;
	*word = s;
	*len = strcspn(s, ",");
	*at = s + *len;
	return true;
}

static bool is_word(const char *s, size_t len, const char *word)
{
	return strlen(word) == len && !strncmp(s, word, len);
}

bool debug_word(const char *word)
{
	const char *at = getenv("PMHEAP_DEBUG"), *s;
	size_t len;

	while (next_word(&at, &s, &len))
		if (is_word(s, len, word))
			return true;
	return false;
}

/* A word that is misspelt would look like a program without mistakes. */
static void refuse_unknown(void)
{
	const char *at = getenv("PMHEAP_DEBUG"), *s;
	char message[200];
	size_t len, i;

	while (next_word(&at, &s, &len)) {
		for (i = 0; i < sizeof(words) / sizeof(*words); i++)
			if (is_word(s, len, words[i]))
				break;
		if (i < sizeof(words) / sizeof(*words))
			continue;
		snprintf(message, sizeof(message), "PMHEAP_DEBUG: '%.*s' is "
			 "none of abort, log, unlogged", (int)min_u64(len, 80),
			 s);
		print(PM_LOG_WARN, message, NULL);
	}
}

void debug_read_environment(void)
{
	static bool told;
	AO_t any = 0;
	size_t i;

	if (!told)
		refuse_unknown();
	told = true;
	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		any |= debug_word(words[i]) ? DEBUG_OBJECTS : 0;
	fetch_and(&debug_on, ~(AO_t)DEBUG_OBJECTS);
	fetch_or(&debug_on, any);
	if (debug_word("log"))
		say_by_default(PM_LOG_DEBUG, print);
	else if (debug_word("unlogged"))
		say_by_default(PM_LOG_ERROR, print);
}
