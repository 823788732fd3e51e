/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * crash.h: what pmheap crash-test is made of, from the command line's side.
 */
#ifndef CRASH_CRASH_H
#define CRASH_CRASH_H

#include "crash/explore.h"
#include "tool.h"

/* A test as it was asked for. */
struct crash_test {
	char	 **program;	/* with its arguments; NULL: none              */
	const char *verify;	/* command; NULL: none                         */
	const char *trace;	/* folder of a run recorded earlier, or NULL   */
	const char *keep;	/* folder that outlives the test, or NULL      */
	const char *state;	/* the only one that is tried, or NULL         */
	char	 dir[4096];	/* folder of this test                         */
	char	 record_dir[4096];	/* with the trace                      */
	char	 recorder[4096];	/* path of crash-record.so             */
	int	 status;	/* how the program ended, as of waitpid()      */
	bool	 was_run;
	bool	 json;
	struct run run;
	struct judge judge;
	struct explore explore;
};

/* target.c: 0, or an exit code after saying why. */
int target_find_recorder(struct crash_test *t);
int target_run(struct crash_test *t);
/* A folder for the test: in parent, or where there is room. */
int target_make_dir(struct crash_test *t, const char *parent);
/* Removes a folder and all that is in it. */
void target_remove_dir(const char *dir);

/* keep.c: puts the pools of each failure into the folder that is kept. */
int keep_failures(struct crash_test *t);

/* findings.c: the report, and the exit code that it means. */
int findings_print(const struct crash_test *t);
/* json.c */
void findings_json(const struct crash_test *t);
const char *mode_text(enum explore_mode mode);
/* Words for a verdict and for how the program ended; static buffers. */
const char *verdict_text(const struct verdict *v);
const char *ended_text(const struct crash_test *t);
/* A call in words, with the place it was made at; "" for NULL. */
#define CALL_TEXT 2100
void call_text(const struct run *run, const struct run_call *call, char *text);
/* The command line that tries one state again, into f. */
void replay_print(const struct crash_test *t, const struct state *at, FILE *f);

#endif
