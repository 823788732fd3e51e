/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * support.h: what the API tests share: pools on the backend under test, child
 * processes that die on purpose, and the main program around Check.
 *
 * PMHEAP_TEST_BACKEND (file, shm, dax, volatile; default file) names the
 * backend. With PMHEAP_TEST_CHOSEN=1 pools are in PMHEAP_TEST_DIR, and the
 * library must choose that backend from the medium by itself. Check runs each
 * test in a process of its own; a test that needs a crash calls t_crash(),
 * which forks before the pool is opened.
 */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <check.h>

/* A child that is killed while it tells Check where it is would leave half a
 * message behind; so passing assertions tell nothing. */
#define _mark_point(file, line) ((void)0)
#include <errno.h>
#include <pmheap.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define KIB 1024ul
#define MIB (1024ul * KIB)
#define GIB (1024ul * MIB)

#define T_N(array) (sizeof(array) / sizeof((array)[0]))

/* Built with a sanitizer that reserves address space for a shadow? */
#if defined(__has_feature)
#define T_FEATURE(f) __has_feature(f)
#else
#define T_FEATURE(f) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||	\
	T_FEATURE(address_sanitizer) || T_FEATURE(thread_sanitizer)
#define T_SANITIZED 1
#else
#define T_SANITIZED 0
#endif

/* What a test needs of the backend; it is reported as skipped without. */
#define T_ANY	0u	/* nothing                                        */
#define T_KEEPS	1u	/* data outlive the process: all but volatile     */

/* The main program: t_begin(), t_add() for each test, return t_end(). */
void t_begin(const char *suite);
void t_add(const TTest *test, unsigned needs);
/* Runs it n times with _i = 0, 1, ... */
void t_add_each(const TTest *test, unsigned needs, size_t n);
int t_end(void);

/* Name of the backend under test, and whether it keeps data. */
const char *t_backend(void);
bool t_is(const char *backend);
/* Is the library to choose that backend by itself? */
bool t_chosen(void);
bool t_keeps(void);
/* Runs f in a child with these words in PMHEAP_DEBUG: what it printed on the
 * standard error. */
void t_printed(void (*f)(void *), const char *debug, char *buf, size_t n);
/* Does a tool watch memory, for which each object takes more? A pool is open. */
bool t_gaps(void);

/* Path of a file in the test's own directory on the backend's medium. */
const char *t_path(const char *name);

/* Config to create or open the 8 MiB pool name on the backend under test. */
PmWrapperConfig t_config(const char *name);
/* The same, with sizes. */
PmWrapperConfig t_config_of(const char *name, size_t size, size_t max_size);
/* The same, for a pool that must exist. */
PmWrapperConfig t_config_open(const char *name, unsigned flags);

/* Opens the pool as primary, or as secondary (its number); must succeed. */
void t_init(const char *name);
int t_init_sec(const char *name);
/* Closes everything and opens the pool name as primary again. */
void t_reopen(const char *name);
/* pm_stats() that must succeed. */
PmStats t_stats(int region);

/*
 * Child processes. The caller has no region open. The child runs f(arg) and
 *   t_crash: kills itself with SIGKILL;
 *   t_run: leaves by _exit(), closing nothing;
 *   t_exit: leaves by exit().
 * A failed check in the child fails the test.
 */
typedef void (*TFn)(void *arg);
void t_crash(TFn f, void *arg);
void t_run(TFn f, void *arg);
void t_exit(TFn f, void *arg);

/* A child that runs f(arg), says so, and sleeps until t_release(). */
typedef struct TChild {
	pid_t pid;
	int go;
} TChild;
TChild t_hold(TFn f, void *arg);
void t_release(TChild child);
void t_kill(TChild child);

/* fork() for tests that need the pool open in the parent: wait for it. */
int t_wait(pid_t pid);
void t_wait_ok(pid_t pid);

/* A file's bytes (malloc) and length; must succeed. */
unsigned char *t_slurp(const char *path, size_t *len);
void t_spill(const char *path, const void *bytes, size_t len);
/* cp --sparse. */
void t_copy(const char *from, const char *to);

/* Entries of /proc/self/fd and lines of /proc/self/maps. */
int t_fds(void);
int t_maps(void);

/* Deterministic random numbers: xorshift64*. */
uint64_t t_random(uint64_t *state);

/* All n bytes have this value. One check: each costs a system call. */
void t_bytes(const void *p, size_t n, int value);

/* A number from the environment, or the default. */
long t_env(const char *name, long value);

/* Does the thread's last error message contain the text? */
#define t_assert_message(text)						\
	ck_assert_msg(strstr(pm_errormsg(), (text)) != NULL,		\
		      "message \"%s\" lacks \"%s\"", pm_errormsg(), (text))

#define t_ok(call)							\
	do {								\
		errno = 0;						\
		ck_assert_msg((call) == 0, "%s: %s (%s)", #call,	\
			      pm_errormsg(), strerror(errno));		\
	} while (0)

/* The call gives -1 (or NULL) with this errno. */
#define t_refused(call, err)						\
	do {								\
		errno = 0;						\
		ck_assert_msg((long)(call) == -1, "%s succeeded", #call); \
		ck_assert_msg(errno == (err), "%s: errno %s, not %s (%s)", \
			      #call, strerror(errno), strerror(err),	\
			      pm_errormsg());				\
	} while (0)

#define t_null(call, err)						\
	do {								\
		errno = 0;						\
		ck_assert_msg((call) == NULL, "%s succeeded", #call);	\
		ck_assert_msg(errno == (err), "%s: errno %s, not %s (%s)", \
			      #call, strerror(errno), strerror(err),	\
			      pm_errormsg());				\
	} while (0)

#define t_given(ptr)							\
	ck_assert_msg((ptr) != NULL, "%s: %s", #ptr, pm_errormsg())

#endif
