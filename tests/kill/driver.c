/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * driver.c: children that are killed, and what the kills hit. Kills that hit
 * nothing prove nothing; so they are counted by what the child was at.
 */
#include "kill.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

static const char *const phase_name[PHASES] = {
	"starting", "opening", "in a transaction", "in a commit",
	"in a single operation", "in an abort", "in a flush",
	"at a secondary", "checking or copying", "closing", "after the end",
};
static const char *const step_name[STEP_KINDS] = {
	"write", "fill", "flush", "fence", "growth", "file call",
};

void child_fails(const char *what)
{
	fprintf(stderr, "child %ld: %s: %s (%s)\n", (long)getpid(), what,
		pm_errormsg(), strerror(errno));
	_exit(3);
}

pid_t start_child(void (*f)(void *arg), void *arg)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		f(arg);
		_exit(0);
	}
	return pid;
}

bool was_killed(pid_t pid)
{
	int status = t_wait(pid);

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return true;
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		      "the child ended by itself, with wait status %#x",
		      (unsigned)status);
	return false;
}

void pause_ns(long ns)
{
	struct timespec t = { ns / 1000000000, ns % 1000000000 };

	nanosleep(&t, NULL);
}

void tally_add(struct tally *t, int workers)
{
	int i;

	t->kills++;
	for (i = 0; i < workers; i++)
		t->phase[look(&shared->phase[i])]++;
	if (look(&shared->killed_in) == 0) {
		t->by_time++;
		return;
	}
	t->by_step++;
	t->step[shared->killed_in - 1]++;
	t->torn += shared->torn != 0;
}

void tally_print(const struct tally *t, const char *what)
{
	int i;

	printf("%s: %s: %ld kills, %ld at a random time, %ld at a counted step "
	       "(%ld in the midst of a write)\n", t_backend(), what, t->kills,
	       t->by_time, t->by_step, t->torn);
	printf("  threads were");
	for (i = 0; i < PHASES; i++)
		if (t->phase[i] != 0)
			printf(" %s: %ld;", phase_name[i], t->phase[i]);
	printf("\n  steps were");
	for (i = 0; i < STEP_KINDS; i++)
		if (t->step[i] != 0)
			printf(" %s: %ld;", step_name[i], t->step[i]);
	printf("\n");
	fflush(stdout);
}
