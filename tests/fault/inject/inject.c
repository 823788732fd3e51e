/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * inject.c: each scenario is repeated with the first, the second, ... call of
 * each kind failing, once and from then on, until it gets through without
 * meeting the fault. Every attempt has a process of its own, and must find:
 * the failure reported, the contents those of before (or of after, where a
 * sync left it in doubt), the same operation working when nothing fails any
 * more, the pool clean and complete when it is opened again, and no memory,
 * descriptor or mapping left.
 *
 *	inject [SCENARIO [CALL [N]]]	only these
 *	inject --list			the table of calls
 */
#include "inject.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attempt.h"

#define SECONDS 30

const struct scenario *sc;
struct usage *reference;
static const struct fault *fault;
static unsigned nth;
static bool onward;
static unsigned long attempts, met, failures, met_of[FAULT_IDS];

static void report(const char *format, va_list ap)
{
	fprintf(stderr, "FAIL: %s, %s number %u %s%s: ", sc ? sc->name : "-",
		fault ? fault->call : "nothing", nth,
		fault ? strerror(fault->err) : "",
		onward ? " and all after" : "");
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	if (sc && fault)
		fprintf(stderr, "repeat with: inject '%s' %s %u\n", sc->name,
			fault->call, nth);
}

void die(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	report(format, ap);
	_exit(ATTEMPT_FAILED);
}

static void complain(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

static void complain(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	report(format, ap);
	va_end(ap);
}

/* ATTEMPT_*: missed the fault, failed, or met it and all is well. */
static int attempt(void)
{
	int status = 0;
	pid_t pid;

	files_restore();
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid == 0) {
		alarm(SECONDS);
		_exit(attempt_run(fault, nth, onward));
	}
	attempts++;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("waitpid: %s", strerror(errno));
	if (!WIFEXITED(status)) {
		complain("died of signal %d", WTERMSIG(status));
		status = ATTEMPT_FAILED << 8;
	}
	failures += WEXITSTATUS(status) == ATTEMPT_FAILED;
	if (WEXITSTATUS(status) == ATTEMPT_MET) {
		met++;
		met_of[fault->id]++;
	}
	return WEXITSTATUS(status);
}

static void try_fault(const struct fault *f, unsigned first, unsigned last)
{
	if (!reference->calls[f->id])
		return;
	fault = f;
	for (nth = first; nth <= last; nth++) {
		onward = false;
		if (attempt() != ATTEMPT_MET)
			return;
		onward = true;
		if (!(f->flags & FAULT_ONCE) && attempt() != ATTEMPT_MET)
			return;
	}
	if (first != last)
		die("has no end");
}

static void prepare(void)
{
	int status = 0;
	pid_t pid;

	files_forget();
	if (!sc->prepare)
		return;
	pid = fork();
	if (pid == 0) {
		sc->prepare();
		if (sc->flags & SC_CRASHED)
			raise(SIGKILL);
		NEED(pm_close() == 0);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		die("fork: %s", strerror(errno));
	if (sc->flags & SC_CRASHED ? !WIFSIGNALED(status) : status != 0)
		die("prepare ends with wait status %#x", (unsigned)status);
	files_save();
}

static void run(const struct scenario *s, const char *call, unsigned n)
{
	unsigned long first = attempts, met_before = met;
	unsigned i;

	sc = s;
	fault = NULL;
	backend = s->backend;
	fault_pose_as_disk(!strcmp(backend, "file"));
	prepare();
	memset(reference, 0, sizeof(*reference));
	if (attempt() == ATTEMPT_FAILED)
		return;
	reference->taken = true;
	for (i = 0; i < faults_n; i++)
		if (!call || !strcmp(call, faults[i].call))
			try_fault(&faults[i], n ? n : 1, n ? n : 5000);
	printf("%-52s %5lu attempts %5lu faults\n", s->name, attempts - first,
	       met - met_before);
	files_forget();
}

static unsigned run_suite(const struct suite *suite, char **argv)
{
	unsigned i, n = 0;

	for (i = 0; i < suite->n; i++) {
		if (argv[1] && strcmp(argv[1], suite->sc[i].name))
			continue;
		run(&suite->sc[i], argv[1] ? argv[2] : NULL,
		    argv[1] && argv[2] && argv[3]
		    ? (unsigned)strtoul(argv[3], NULL, 10) : 0);
		n++;
	}
	return n;
}

/* A call that no scenario makes is not tested. */
static void check_coverage(void)
{
	unsigned i;

	fault = NULL;
	sc = NULL;
	for (i = 0; i < faults_n; i++) {
		if (met_of[faults[i].id])
			continue;
		printf("no scenario calls %s\n", faults[i].call);
		failures++;
	}
}

int main(int argc, char **argv)
{
	unsigned n;

	if (argc > 1 && !strcmp(argv[1], "--list")) {
		fault_list();
		return 0;
	}
	unsetenv("PMHEAP_BACKEND");
	unsetenv("PMHEAP_ASSUME_PMEM");
	unsetenv("PMHEAP_DEBUG");
	reference = mmap(NULL, sizeof(*reference), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (reference == MAP_FAILED)
		return 99;
	files_begin();
	n = run_suite(&suite_open, argv) + run_suite(&suite_tx, argv) +
	    run_suite(&suite_space, argv) + run_suite(&suite_files, argv) +
	    run_suite(&suite_rare, argv);
	if (!argv[1])
		check_coverage();
	printf("%u scenarios, %lu attempts, %lu faults met, %lu failures\n",
	       n, attempts, met, failures);
	return n && !failures ? 0 : 1;
}
