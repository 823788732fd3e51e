/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * opening.h: what is cut off by opening.c.
 */
#ifndef TESTS_OPENING_H
#define TESTS_OPENING_H

#include "kill.h"

struct action {
	const char *name;
	enum phase phase;
	bool repeats;		/* what a kill leaves is a place to start from */
	void (*restore)(void);	/* the files as they were before          */
	void (*prepare)(void);	/* in the child, before the steps count   */
	void (*run)(void);	/* in the child                           */
	void (*verify)(bool done);
};

/* Kills it at its steps and at random times, and looks at what is left. */
void kill_during(const struct action *a);

#endif
