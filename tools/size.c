/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/size.c: sizes with suffixes, read and written.
 */
#include "tool.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char suffixes[] = "KMGT";

/* A suffix is K, KB or KiB, in either case, and so on. */
static bool suffix_read(const char *text, unsigned *shift)
{
	const char *at;

	*shift = 0;
	if (*text == '\0')
		return true;
	at = strchr(suffixes, toupper((unsigned char)*text));
	if (!at)
		return false;
	*shift = 10 * (unsigned)(at - suffixes + 1);
	text++;
	return *text == '\0' || strcasecmp(text, "b") == 0 ||
	       strcasecmp(text, "ib") == 0;
}

bool tool_size_read(const char *text, uint64_t *bytes)
{
	unsigned long long n;
	unsigned shift;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || !suffix_read(end, &shift))
		return false;
	if (n > UINT64_MAX >> shift)
		return false;
	*bytes = (uint64_t)n << shift;
	return *bytes <= SIZE_MAX / 2;
}

const char *tool_size_text(uint64_t bytes, char *buf)
{
	double n = (double)bytes;
	int step = 0;

	for (; n >= 1024 && step < 4; step++)
		n /= 1024;
	if (step == 0)
		snprintf(buf, TOOL_SIZE_LEN, "%d B", (int)bytes);
	else
		snprintf(buf, TOOL_SIZE_LEN, "%.*f %ciB",
			 n == (double)(uint64_t)n ? 0 : 1, n,
			 suffixes[step - 1]);
	return buf;
}
