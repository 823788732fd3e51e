/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * child.c: test helpers that run a function in a process that dies on purpose.
 */
#include "support.h"

#include <sys/prctl.h>
#include <sys/wait.h>

int t_wait(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0)
		ck_assert_int_eq(errno, EINTR);
	return status;
}

void t_wait_ok(pid_t pid)
{
	int status = t_wait(pid);

	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		      "child ended with wait status %#x", (unsigned)status);
}

static pid_t start(TFn f, void *arg, void (*leave)(void))
{
	pid_t pid;

	ck_assert_msg(pm_region_id(PM_PRIMARY) == 0,
		      "the parent has a region open");
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		f(arg);
		leave();
	}
	return pid;
}

static void die(void)
{
	raise(SIGKILL);
}

static void leave_at_once(void)
{
	_exit(0);
}

static void leave_in_order(void)
{
	exit(0);
}

void t_crash(TFn f, void *arg)
{
	int status = t_wait(start(f, arg, die));

	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
		      "child ended with wait status %#x", (unsigned)status);
}

void t_run(TFn f, void *arg)
{
	t_wait_ok(start(f, arg, leave_at_once));
}

void t_exit(TFn f, void *arg)
{
	t_wait_ok(start(f, arg, leave_in_order));
}

TChild t_hold(TFn f, void *arg)
{
	TChild child;
	int ready[2], go[2];
	char c;

	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(pipe(go), 0);
	child.pid = fork();
	ck_assert_int_ge(child.pid, 0);
	if (child.pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ready[0]);
		close(go[1]);
		f(arg);
		c = 'r';
		ck_assert_int_eq(write(ready[1], &c, 1), 1);
		(void)!read(go[0], &c, 1);
		exit(0);
	}
	close(ready[1]);
	close(go[0]);
	child.go = go[1];
	ck_assert_msg(read(ready[0], &c, 1) == 1, "the child died early");
	close(ready[0]);
	return child;
}

/* Later children hold this pipe open too, so its end would not be seen. */
void t_release(TChild child)
{
	ck_assert_int_eq(write(child.go, "g", 1), 1);
	close(child.go);
	t_wait_ok(child.pid);
}

void t_kill(TChild child)
{
	ck_assert_int_eq(kill(child.pid, SIGKILL), 0);
	(void)t_wait(child.pid);
	close(child.go);
}
