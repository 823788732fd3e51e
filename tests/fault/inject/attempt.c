/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * attempt.c: one scenario with one fault, and everything that is checked
 * about it.
 */
#include "attempt.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Address space that malloc may hold on to, in pages. */
#define PAGES_SLACK 512

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static const struct fault *fault;
static unsigned nth, hits;
static bool onward;
static int result, error;
static char message[1024];

static bool is_open(void)
{
	return pm_region_id(PM_PRIMARY) != 0;
}

static bool poisoned_is(int region)
{
	PmStats s;

	return pm_stats(region, &s) == 0 && s.poisoned;
}

static bool poisoned(void)
{
	return is_open() && (poisoned_is(PM_PRIMARY) ||
			     (second && pm_region_id(second) != 0 &&
			      poisoned_is(second)));
}

static void *armed_op(void *arg)
{
	(void)arg;
	/* A message that is about none of this. */
	(void)pm_backend("-");
	if (fault)
		fault_arm(fault, nth, onward);
	else
		fault_counts = reference->calls;
	errno = 0;
	result = sc->op();
	error = errno;
	hits = fault_disarm();
	fault_counts = NULL;
	snprintf(message, sizeof(message), "%s", pm_errormsg());
	return NULL;
}

static void run_armed(void)
{
	pthread_t t;

	if (!(sc->flags & SC_COLD)) {
		armed_op(NULL);
		return;
	}
	if (pthread_create(&t, NULL, armed_op, NULL) ||
	    pthread_join(t, NULL))
		die("no thread");
}

static void check_report(void)
{
	bool sync = fault->flags & FAULT_SYNC;

	bool memory = fault->flags & FAULT_MEMORY;

	if (error != fault->err && error != sc->also &&
	    !(sync && error == EIO) && !(memory && error == ENOMEM))
		die("errno is %s: %s", strerror(error), message);
	if (!*message || strstr(message, "backend \"-\""))
		die("no message for %s", strerror(error));
	if ((fault->flags & FAULT_FILE) && !strstr(message, path_of("")) &&
	    strncmp(message, "a:", 2) && !(sc->flags & SC_VOLATILE))
		die("the message names no file: %s", message);
}

static void need_is(bool after, const char *when)
{
	if (!sc->is(after))
		die("contents are wrong %s (%s)", when, message);
}

static void need_op(void)
{
	errno = 0;
	if (sc->op())
		die("fails when nothing fails any more: %s (%s)",
		    strerror(errno), pm_errormsg());
}

/* A region that lost a sync says so until it is closed. */
static void close_poisoned(void)
{
	if (poisoned_is(PM_PRIMARY)) {
		void *p = pm_alloc(1);

		if (p || errno != EIO)
			die("a poisoned region goes on");
	}
	errno = 0;
	if (pm_close() == 0 || errno != EIO)
		die("a poisoned region closes with %s", strerror(errno));
	second = 0;
	sc->reopen();
}

static void after_failure(void)
{
	check_report();
	if (poisoned()) {
		if (!(fault->flags & FAULT_SYNC) && !(sc->flags & SC_UNDO))
			die("a region is poisoned: %s", message);
		close_poisoned();
		if (sc->is(true))
			return;
		need_is(false, "after a failed sync");
		if (!(sc->flags & (SC_OPENS | SC_ONCE)))
			need_op();
		else if (sc->flags & SC_OPENS)
			return;
	} else if (sc->flags & (SC_ONCE | SC_SHUT)) {
		if (!(sc->flags & SC_ONCE))
			need_op();
		if (!is_open())
			sc->reopen();
	} else {
		if (!(sc->flags & SC_OPENS))
			need_is(false, "after the failure");
		need_op();
	}
	need_is(true, "after the second try");
}

/* What was to become durable did not, and the region is still there. */
static void check_sync(void)
{
	bool sync = !strcmp(fault->call, "msync") ||
		    !strcmp(fault->call, "fdatasync") ||
		    !strcmp(fault->call, "fsync");

	if (hits && sync && is_open() && !(sc->flags & SC_OPENS) &&
	    !(sc->flags & SC_ONCE) && !poisoned())
		die("a failed sync poisons nothing");
}

static void judge(void)
{
	if (fault)
		check_sync();
	if (result) {
		if (!hits)
			die("fails with no fault: %s (%s)", strerror(error),
			    message);
		after_failure();
		return;
	}
	if (poisoned())
		close_poisoned();
	if (!is_open())
		sc->reopen();
	need_is(true, "after success");
}

static void check_file(const char *name, bool closed)
{
	PmCheckReport c;

	if (!exists(name))
		return;
	if (pm_check(path_of(name), 0, &c))
		die("%s cannot be checked: %s", name, pm_errormsg());
	if (c.status != PM_CHECK_CLEAN &&
	    (closed || c.status != PM_CHECK_PENDING))
		die("%s is not clean: %d %s", name, c.status, c.message);
}

static void check_each(bool closed)
{
	check_file("a", closed && !(sc->flags & SC_COPIES));
	check_file("b", closed);
	check_file("c", closed);
}

/* All that the program believes is true of the files too. */
static void check_files(void)
{
	if (is_open() && pm_close())
		die("cannot close: %s", pm_errormsg());
	second = 0;
	check_each(false);
	if (files_stray() && !(fault && (fault->flags & FAULT_LEAVES)))
		die("leaves the file %s", files_stray());
	if (sc->flags & SC_VOLATILE)
		return;
	sc->reopen();
	need_is(true, "after opening again");
	if (pm_close())
		die("cannot close: %s", pm_errormsg());
	second = 0;
	check_each(true);
}

static void *work(void *arg)
{
	(void)arg;
	if (sc->setup)
		sc->setup();
	run_armed();
	judge();
	check_files();
	return NULL;
}

static void check_usage(void)
{
	long blocks = fault_blocks(), pages = files_pages();
	int fds = files_open();

	if (!reference->taken) {
		reference->blocks = blocks;
		reference->pages = pages;
		reference->fds = fds;
	}
	if (blocks != reference->blocks)
		die("%ld blocks of memory are left, not %ld", blocks,
		    reference->blocks);
	if (fds != reference->fds)
		die("%d descriptors are open, not %d", fds, reference->fds);
	if (files_mapped())
		die("%d mappings are left", files_mapped());
	if (!SANITIZED && pages > reference->pages + PAGES_SLACK)
		die("%ld pages of addresses are in use, not %ld", pages,
		    reference->pages);
}

int attempt_run(const struct fault *f, unsigned n, bool all_after)
{
	pthread_t t;

	fault = f;
	nth = n;
	onward = all_after;
	if (pthread_create(&t, NULL, work, NULL) || pthread_join(t, NULL))
		die("no thread");
	check_usage();
	return hits ? ATTEMPT_MET : ATTEMPT_MISSED;
}
