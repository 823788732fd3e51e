/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guard.c: SIGBUS from a mapping whose file somebody has truncated, for
 * regions that were opened with PM_CATCH_SIGBUS.
 *
 * The handler marks the region first and then maps a page of zeros over the
 * one that is lost, so whoever finds the page finds the mark. It uses only
 * atomics and system calls. Faults elsewhere are the previous handler's.
 *
 * The table is changed under the lock of opening and closing (heap.c); an
 * entry counts while lo is not 0.
 */
#include "persist/persist.h"

#include <assert.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define GUARDS (2 * PM_NUMBERS_MAX)

struct guard {
	AO_t lo, len;
	AO_t *mark;
	AO_t value;
	int prot;
};

static struct guard guards[GUARDS];
static AO_t guards_n;			/* entries that were ever used */
static struct sigaction before;
static unsigned users;
static bool installed;

static bool replace_page(uintptr_t at)
{
	AO_t n = AO_load_acquire(&guards_n), i;
	uintptr_t page = at / PM_PAGE * PM_PAGE;

	for (i = 0; i < n; i++) {
		struct guard *g = &guards[i];
		AO_t lo = AO_load_acquire(&g->lo);

		if (!lo || at < lo || at - lo >= g->len)
			continue;
		AO_compare_and_swap_full(g->mark, 0, g->value);
		return (uintptr_t)syscall(SYS_mmap, page, (long)PM_PAGE,
					  g->prot, MAP_PRIVATE | MAP_FIXED |
					  MAP_ANONYMOUS | MAP_NORESERVE, -1,
					  0L) == page;
	}
	return false;
}

/* As if we had never been there. */
static void pass_on(int sig, siginfo_t *info, void *context)
{
	struct sigaction standard = {.sa_handler = SIG_DFL};

	if (before.sa_flags & SA_SIGINFO) {
		before.sa_sigaction(sig, info, context);
		return;
	}
	if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
		before.sa_handler(sig);
		return;
	}
	if (info->si_code <= 0 && before.sa_handler == SIG_IGN)
		return;
	/* A fault comes again when we return; what was sent does not. */
	sigaction(sig, &standard, NULL);
	if (info->si_code <= 0)
		raise(sig);
}

static void on_bus_error(int sig, siginfo_t *info, void *context)
{
	int err = errno;

	if (info->si_code != BUS_ADRERR ||
	    !replace_page((uintptr_t)info->si_addr))
		pass_on(sig, info, context);
	errno = err;
}

static void install(void)
{
	struct sigaction act = {.sa_sigaction = on_bus_error};

	act.sa_flags = SA_SIGINFO | SA_ONSTACK;
	sigemptyset(&act.sa_mask);
	installed = sigaction(SIGBUS, &act, &before) == 0;
}

/* A handler that was put on top of ours may still call it: then it stays. */
static void uninstall(void)
{
	struct sigaction now;

	if (sigaction(SIGBUS, NULL, &now) || !(now.sa_flags & SA_SIGINFO) ||
	    now.sa_sigaction != on_bus_error)
		return;
	sigaction(SIGBUS, &before, NULL);
	installed = false;
}

void guard_add(const void *base, uint64_t len, int prot, AO_t *mark,
	       AO_t value)
{
	AO_t i = 0;

	while (i < guards_n && guards[i].lo)
		i++;
	/* Two for each number; one is never given, for the one that opens. */
	assert(i < GUARDS);
	if (users++ == 0 && !installed)
		install();
	guards[i].len = len;
	guards[i].mark = mark;
	guards[i].value = value;
	guards[i].prot = prot;
	AO_store_release(&guards[i].lo, (AO_t)(uintptr_t)base);
	if (i == guards_n)
		AO_store_release(&guards_n, i + 1);
}

void guard_remove(const void *base)
{
	AO_t i;

	for (i = 0; base && i < guards_n; i++) {
		if (guards[i].lo != (AO_t)(uintptr_t)base)
			continue;
		AO_store_full(&guards[i].lo, 0);
		if (--users == 0 && installed)
			uninstall();
		return;
	}
}
