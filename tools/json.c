/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/json.c: JSON, of names that may be any bytes.
 */
#include "tool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Length of the UTF-8 sequence at s, 0 if it is none. */
static size_t utf8_len(const unsigned char *s)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 :
		   s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

json_t *tool_json_string(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	char *valid = malloc(2 * strlen(text) + 1), *to = valid;
	json_t *value;

	if (!valid)
		return NULL;
	while (*s) {
		size_t n = utf8_len(s);
		json_t *one = n > 1 ? json_stringn((const char *)s, n) : NULL;

		/* Surrogates are sequences, but no text. */
		if (n == 1 || one) {
			memcpy(to, s, n);
			to += n;
			s += n;
		} else {
			*to++ = (char)(0xc0 | *s >> 6);
			*to++ = (char)(0x80 | (*s++ & 0x3f));
		}
		json_decref(one);
	}
	value = json_stringn(valid, (size_t)(to - valid));
	free(valid);
	return value;
}

json_t *tool_json_value(enum tool_kind kind, uint64_t number, const char *text)
{
	char id[17];

	if (kind == TOOL_TEXT)
		return tool_json_string(text);
	if (kind != TOOL_ID)
		return json_integer((json_int_t)number);
	snprintf(id, sizeof id, "%016" PRIx64, number);
	return json_string(id);
}

json_t *tool_json_hex(const void *bytes, uint64_t n)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = bytes;
	char *text = malloc(2 * n + 1);
	json_t *value;

	if (!text)
		return NULL;
	for (uint64_t i = 0; i < n; i++) {
		text[2 * i] = digits[p[i] >> 4];
		text[2 * i + 1] = digits[p[i] & 15];
	}
	value = json_stringn_nocheck(text, 2 * n);
	free(text);
	return value;
}

void tool_json_text(const char *text)
{
	json_t *value = tool_json_string(text);

	if (value)
		json_dumpf(value, stdout, JSON_ENCODE_ANY);
	json_decref(value);
}

int tool_json_print(json_t *value)
{
	int failed = !value || json_dumpf(value, stdout, JSON_INDENT(2) |
					  JSON_REAL_PRECISION(6));

	json_decref(value);
	if (failed)
		return tool_fail(ENOMEM, NULL, "cannot write JSON");
	putchar('\n');
	return TOOL_OK;
}
