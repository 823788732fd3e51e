/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * judge.h: is a crashed pool good? First the library is asked whether the pool
 * is whole, then the program whether what it holds is what it must be.
 */
#ifndef CRASH_JUDGE_H
#define CRASH_JUDGE_H

#include "crash/run.h"

#include <sys/types.h>

enum verdict_kind {
	V_GOOD,
	V_DAMAGED,	/* the library finds the pool damaged       */
	V_LIBRARY,	/* or dies or hangs over it                 */
	V_EXIT,		/* verify ends with another code than 0     */
	V_SIGNAL,	/* verify is killed by a signal             */
	V_HANG,		/* verify takes too long                    */
	V_BROKEN,	/* verify could not be run at all           */
};

#define VERDICT_TEXT 480

struct verdict {
	enum verdict_kind kind;
	int code;			/* exit code or signal      */
	char text[VERDICT_TEXT];	/* what was said, one line  */
};

struct judge {
	const struct run *run;
	const char *command;	/* for the shell; NULL: none                */
	char **program;		/* with a verify function; NULL: none       */
	const char *recorder;	/* path of crash-record.so                  */
	unsigned timeout_s;
	char dir[4096];		/* where the crashed pools are put          */
	int said;		/* what verify prints                       */
	pid_t server;
	int to_server, from_server;
};

/* Puts the images as pools into j->dir. 0, or -1 with errno. */
int pools_write(const struct judge *j, const struct journal *images,
		size_t event);
/* The path of a crashed pool, in a static buffer. */
const char *pools_path(const struct judge *j, unsigned pool);

/* Prepares the folder dir; 0, or -1 with errno. */
int judge_start(struct judge *j, const char *dir);
void judge_end(struct judge *j);
/* Judges the pools that are there. */
void judge_pools(struct judge *j, size_t event, struct verdict *v);

/* verify.c */
void verify_command(struct judge *j, struct verdict *v);
void verify_callback(struct judge *j, struct verdict *v);
void verify_end(struct judge *j);
/* The environment of a program that the recorder is put in front of. */
void verify_preload(const char *recorder);

#endif
