/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * attempt.c: opening and checking a bad pool in a process of its own, with a
 * time and a memory limit.
 */
#include "badpool.h"

#include "support.h"

#include <sys/resource.h>
#include <sys/wait.h>

#define SECONDS 20
#define MEMORY (2 * GIB)

/* Opens with these flags and works a little; the errno, 0 if all is well. */
static int try_open(unsigned flags)
{
	void *p[64], *o;
	size_t i, n = 0;

	if (pm_init(t_config_open("bad", flags)) != 0)
		return errno != 0 ? errno : -1;
	for (o = pm_first(PM_PRIMARY, 0); o != NULL && n < 10000; n++)
		o = pm_next(o);
	for (i = 0; i < T_N(p); i++)
		p[i] = pm_alloc(1 + i * 100);
	o = pm_root(100000);
	for (i = 0; i < T_N(p); i++)
		pm_free(p[i]);
	(void)pm_close();
	return 0;
}

/* Beside a good region, which works before, meanwhile and after. */
static int try_beside(void)
{
	PmWrapperConfig c = t_config_of("other", MIB, 0);
	int region, result;
	PmCheckReport r;

	(void)unlink(c.path);
	if (pm_init(c) != 0 || pm_root(64) == NULL)
		return -1;
	region = pm_init_sec(t_config_open("bad", 0));
	result = region > 1 ? 0 : errno;
	if (region > 1)
		pm_free(pm_alloc_in(region, 100));
	if (pm_fill(pm_root(0), 5, 64) == NULL || pm_alloc(5000) == NULL ||
	    (pm_close() != 0 && region < 0))
		return -1;
	if (pm_check(c.path, 0, &r) != 0 || r.status != PM_CHECK_CLEAN ||
	    r.objects != 2)
		return -1;
	return result;
}

/* 0 if the pool is found well, else EUCLEAN or what pm_check() says. */
static int try_check(unsigned flags)
{
	PmCheckReport c;

	memset(&c, 0, sizeof c);
	if (pm_check(t_path("bad"), flags, &c) != 0)
		return errno != 0 ? errno : -1;
	if (c.status == PM_CHECK_DAMAGED)
		return c.faults > 0 && c.message[0] != '\0' ? EUCLEAN : -1;
	return 0;
}

static int attempt(enum attempt how)
{
	switch (how) {
	case CHECK:
		return try_check(0);
	case READ:
		return try_open(PM_RDONLY);
	case OPEN:
		return try_open(0);
	case BESIDE:
		return try_beside();
	default:
		return try_check(PM_REPAIR);
	}
}

int attempt_apart(const char *name, enum attempt how)
{
	struct rlimit memory = { MEMORY, MEMORY };
	int status, result, fd[2];
	pid_t pid;

	ck_assert_int_eq(pipe(fd), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		alarm(SECONDS);
		if (!T_SANITIZED)	/* its shadow is beyond any limit */
			(void)setrlimit(RLIMIT_DATA, &memory);
		result = attempt(how);
		(void)!write(fd[1], &result, sizeof result);
		_exit(0);
	}
	close(fd[1]);
	status = t_wait(pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		      "%s: attempt %d died, wait status %#x", name, (int)how,
		      (unsigned)status);
	ck_assert_int_eq(read(fd[0], &result, sizeof result), sizeof result);
	close(fd[0]);
	return result;
}
