/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options.h: what the crash explorer is told to do.
 */
#ifndef TESTS_OPTIONS_H
#define TESTS_OPTIONS_H

#include "explore.h"

enum mode { ADR, EADR, PAGE, MODES };

extern const char *const mode_names[MODES];

struct options {
	const char *workload;	/* NULL: all       */
	const char *family;	/* NULL: all       */
	int mode;		/* -1: all         */
	uint64_t states, seed;
	uint64_t quota;		/* of families     */
	unsigned longest;	/* 0: no families  */
	bool races;
	unsigned drop, depth, jobs;
	struct state state[DEPTH_MAX];
	unsigned state_n;
};

/* Exits with 2 if the words are off. */
void options_parse(struct options *o, int argc, char **argv);

#endif
