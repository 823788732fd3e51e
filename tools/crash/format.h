/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * format.h: the file that a recorded program leaves, and the environment by
 * which pmheap crash-test and the recorder in a program understand each other.
 *
 * The file is a header page and records, one after the other. `used` grows
 * when a record is whole, so whatever ends the program, what lies below it is
 * complete.
 */
#ifndef CRASH_FORMAT_H
#define CRASH_FORMAT_H

#include <stdint.h>

/* Folder to record into. */
#define ENV_RECORD	"PMHEAP_CRASH_RECORD"
/* Folder with the crashed pools: this process verifies. */
#define ENV_VERIFY	"PMHEAP_CRASH_VERIFY"
/* Descriptors of the verify server: "requests,replies". */
#define ENV_SERVE	"PMHEAP_CRASH_SERVE"

/* Files in the folder. */
#define FILE_TRACE	"trace"
#define FILE_CALLBACK	"callback"	/* the program has a verify function  */
#define FILE_OTHER	"other"		/* a second process opened a pool     */
#define FILE_SKIPPED	"skipped"	/* lines: pools not recorded, and why */
#define FILE_IMAGE	"image-%u"	/* a pool as it was when opened       */

#define RECORD_MAGIC	0x3145434152544d50ull	/* "PMTRACE1" */
#define RECORD_HEAD	4096u

struct record_head {
	uint64_t magic;
	uint64_t used;		/* bytes of the file that are complete     */
	uint32_t pid;
	uint32_t full;		/* 1: no room was left, the rest is missing */
};

enum record_kind {
	REC_WRITE,	/* off, n, how; n bytes follow                      */
	REC_FILL,	/* off, n, how, number: the byte                    */
	REC_FLUSH,	/* off, n                                           */
	REC_FENCE,	/* just before it takes effect                      */
	REC_GROW,	/* off: old size, n: new size                       */
	REC_OPEN,	/* n: size, off: how far it may grow, number: of the
			   image, 0 if it is new; how: REC_PRIMARY; path and
			   backend follow, each with its final zero         */
	REC_READY,	/* the call that opened it has returned             */
	REC_CLOSE,
	REC_BEGIN,	/* an operation that writes; number; off: which
			   transaction it is, 0: none; n: frames; these and
			   the name of the public function follow           */
	REC_RETURN,	/* number                                           */
	REC_MODULE,	/* off, n: addresses from, to; number: load bias; the
			   path follows                                     */
	REC_N
};

#define REC_PRIMARY	2u

struct record {
	uint32_t len;		/* with what follows, a multiple of 8 */
	uint8_t kind;
	uint8_t medium;
	uint8_t how;		/* PM_WRITE_*                         */
	uint8_t thread;		/* modulo 64                          */
	uint64_t off, n, number;
};

_Static_assert(sizeof(struct record) == 32, "records have no padding");

#endif
