/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * attempt.h: what inject.c, attempt.c and files.c share.
 */
#ifndef TESTS_ATTEMPT_H
#define TESTS_ATTEMPT_H

#include "inject.h"

enum { ATTEMPT_MISSED, ATTEMPT_FAILED, ATTEMPT_MET };

/* What a process holds when all is closed and its worker thread has ended. */
struct usage {
	bool taken;
	unsigned calls[FAULT_IDS];	/* that the operation makes       */
	long blocks, pages;
	int fds;
};

extern const struct scenario *sc;
/* Of an attempt in which nothing failed; shared by all processes. */
extern struct usage *reference;

/* The scenario, with the nth call failing. */
int attempt_run(const struct fault *fault, unsigned nth, bool onward);

/* files.c: the directory, and images of the files that prepare() made. */
void files_begin(void);
void files_save(void);
void files_restore(void);
void files_forget(void);
/* Files there; a name besides those that the scenarios use, or NULL. */
const char *files_stray(void);
int files_open(void);
long files_pages(void);
/* Mappings of files of the directory, and in the address window. */
int files_mapped(void);

#endif
