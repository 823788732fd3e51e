/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * small.c: every sequence of a few operations on a small pool with nearly no
 * space left. Crashes are looked at in the last operation and in closing; what
 * precedes it is the same in shorter sequences, and is explored there.
 */
#include "explore.h"

#include <stdio.h>
#include <string.h>

#define MIB ((size_t)1 << 20)
#define ROOM 100000u	/* bytes left by the filler, about */

static const struct word *words[WORDS_MAX];
static unsigned word_n;

const struct family families[] = {
	{"small", small_nth, small_find, false, 0, 0},
	{"small-manual", small_nth, small_find, false, PM_FLUSH_MANUAL, 0},
	{"small-relaxed", small_nth, small_find, false, 0, PM_RELAXED},
	{"small-two", small_nth, small_find, true, 0, 0},
	{"small-two-manual", small_nth, small_find, true, PM_FLUSH_MANUAL, 0},
	{"small-two-relaxed", small_nth, small_find, true, 0, PM_RELAXED},
	{"race", race_nth, race_find, false, 0, 0},
	{"race-manual", race_nth, race_find, false, PM_FLUSH_MANUAL, 0},
	{"race-relaxed", race_nth, race_find, false, 0, PM_RELAXED},
	{"race-two", race_nth, race_find, true, 0, 0},
};

const size_t family_n = sizeof(families) / sizeof(*families);

void family_workload(const struct family *f, struct workload *w)
{
	*w = (struct workload){
		.lanes = 2, .lane_size = 8192, .size = MIB,
		.max_size = 2 * MIB, .flags = f->flags,
		.durability = f->durability, .second = f->second,
		.late_marks = true,
	};
}

unsigned digits_of(uint64_t n, unsigned base, unsigned longest,
		   unsigned *digit)
{
	uint64_t all = base;
	unsigned len, i;

	for (len = 1; len <= longest; len++) {
		if (n < all)
			break;
		n -= all;
		all *= base;
	}
	if (len > longest)
		return 0;
	for (i = 0; i < len; i++) {
		digit[i] = (unsigned)(n % base);
		n /= base;
	}
	return len;
}

static void fill_up(struct run *r)
{
	PmStats s = {0};

	if (pm_stats(PM_PRIMARY, &s) ||
	    !pm_alloc_type(PM_PRIMARY, s.largest_free - ROOM, FILLER))
		run_fail(r, "filling the pool");
	r->now.objects++;
}

static void program(struct run *r, const struct workload *w)
{
	unsigned i;

	fill_up(r);
	if (r->single_late && pm_flush())
		run_fail(r, "pm_flush");
	run_version(r);
	r->durable = r->n - 1;
	for (i = 0; i < word_n; i++) {
		r->unmarked = i + 1 < word_n;
		run_mark(r);
		word_do(r, w, words[i]);
	}
}

static const struct workload *made(const struct family *f)
{
	static struct workload w;
	static char name[128];
	unsigned i, n;

	family_workload(f, &w);
	w.program = program;
	w.name = name;
	n = (unsigned)snprintf(name, sizeof(name), "%s", f->name);
	for (i = 0; i < word_n; i++)
		n += (unsigned)snprintf(name + n, sizeof(name) - n, "%c%s",
					i ? '+' : ':', words[i]->name);
	return &w;
}

const struct workload *small_nth(const struct family *f, uint64_t n,
				 unsigned longest)
{
	unsigned digit[WORDS_MAX], base, i;

	for (base = 0; word_nth(f->second, base); base++)
		;
	word_n = digits_of(n, base, longest, digit);
	for (i = 0; i < word_n; i++)
		words[i] = word_nth(f->second, digit[i]);
	return word_n ? made(f) : NULL;
}

const struct workload *small_find(const struct family *f, const char *text)
{
	word_n = 0;
	while (*text && word_n < WORDS_MAX) {
		size_t n = strcspn(text, "+");

		words[word_n] = word_find(f->second, text, n);
		if (!words[word_n++])
			return NULL;
		text += n + (text[n] == '+');
	}
	return word_n ? made(f) : NULL;
}
