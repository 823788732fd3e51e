/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * inject.h: failing one call of the library on purpose, and the operations
 * that this is tried on.
 *
 * The linker's --wrap puts the functions of calls.c between the objects of
 * this program, the library's among them, and libc. What libc and other
 * libraries call inside themselves is not counted, and allocators that a
 * sanitizer brings are below, not beside.
 */
#ifndef TESTS_INJECT_H
#define TESTS_INJECT_H

#include <pmheap.h>
#include <pmheap/backend.h>

/* --- calls.c: which calls fail, and how --- */

#define FAULT_FILE	1u	/* it is about a file: the message names it  */
#define FAULT_SYNC	2u	/* what was to be durable is in doubt        */
#define FAULT_ONCE	4u	/* for ever makes no sense: EINTR            */
#define FAULT_LEAVES	8u	/* what is left behind cannot be helped      */
#define FAULT_MEMORY	16u	/* is reported as ENOMEM                     */
#define FAULT_KILLS	32u	/* the process                               */

struct fault {
	const char *call;
	int id;
	int err;
	unsigned flags;
};

extern const struct fault faults[];
extern const unsigned faults_n;

#define FAULT_IDS 64
/* If not NULL, calls are counted there while no fault is armed. */
extern unsigned *fault_counts;

/* The nth call from here on kills the process. */
void fault_kill_at(const char *call, unsigned n);
/* From here on the nth call of fault->call fails; onward: all after it too. */
void fault_arm(const struct fault *fault, unsigned n, bool onward);
/* Nothing fails any more; how many calls did. */
unsigned fault_disarm(void);
/* Blocks of memory that the program and the library have not given back. */
long fault_blocks(void);
/* The tests' tmpfs passes for a disk, so that the file backend takes it. */
void fault_pose_as_disk(bool yes);
/* A kernel where open() knows no O_TMPFILE; one without /proc. */
void fault_hide_tmpfile(void);
void fault_hide_proc(void);
/* Prints every call that is in the table, and those that need not be. */
void fault_list(void);

/* --- scenario_*.c: what is done while a call fails --- */

#define SC_COLD		1u	/* by a thread that is new to the library    */
#define SC_ONCE		2u	/* it cannot be done twice: closing          */
#define SC_OPENS	4u	/* nothing is open before, all is after      */
#define SC_SHUT		8u	/* nothing is open after                     */
#define SC_CRASHED	16u	/* prepare() ends by SIGKILL                 */
#define SC_VOLATILE	32u	/* nothing to open again                     */
#define SC_COPIES	64u	/* what it starts from stays as it is        */
#define SC_UNDO		128u	/* undoing may take more memory than there is */

struct scenario {
	const char *name;
	const char *backend;	/* "file" on a pretended disk, "shm", "dax"  */
	/* Makes the files, once, in a process of its own. */
	void (*prepare)(void);
	/* Opens what the operation needs; nothing fails yet. */
	void (*setup)(void);
	/* The operation: 0, or -1 with errno. */
	int (*op)(void);
	/* Are the contents what they are before or after it? */
	bool (*is)(bool after);
	/* Opens it all again. */
	void (*reopen)(void);
	unsigned flags;
	int also;		/* another errno that it may give            */
};

struct suite {
	const struct scenario *sc;
	unsigned n;
};

extern const struct suite suite_open, suite_tx, suite_space, suite_files,
	suite_rare;

/* --- inject.c and pools.c: what the scenarios use --- */

#define KIB 1024u
#define MIB (1024u * KIB)

#define OBJECTS 8

struct root {
	uint64_t cell[64];
	unsigned char *obj[OBJECTS];
};

/* A file in the directory of this run. */
const char *path_of(const char *name);
bool exists(const char *name);
/* Prints why and ends the process. */
void die(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));

#define NEED(cond)							\
	do {								\
		if (!(cond))						\
			die("%s:%d: %s (%s)", __FILE__, __LINE__,	\
			    #cond, pm_errormsg());			\
	} while (0)

/* The backend of the scenario that runs. */
extern const char *backend;
/* Number of the secondary that is open, 0: none. */
extern int second;
/* The root of a, or of b. */
struct root *root_a(void);
struct root *root_b(void);

PmWrapperConfig config_new(const char *name);
PmWrapperConfig config_old(const char *name, unsigned flags);
/* Makes and fills the pool name as primary; open_*: as the tests need it. */
void make_a(void);
void make_ab(void);
void make_ab_crashed(void);
void open_a(void);
void open_ab(void);
/* What make_a() and make_ab() put there. */
bool a_is_as_made(void);
bool b_is_as_made(void);
/* All n bytes have this value. */
bool bytes_are(const void *p, int value, size_t n);
uint64_t objects_in(int region);

#endif
