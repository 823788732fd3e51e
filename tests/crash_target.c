/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tests/crash_target.c: programs for pmheap crash-test. All keep pairs of
 * numbers that must be equal.
 *
 *	crash_target COMMAND POOL [SECOND]
 *
 * SECOND holds the other halves of the pairs; its file name is "second".
 */
#include <pmheap.h>
#include <pmheap/crash.h>

#include <libgen.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAIRS 4
#define ROUNDS 5

struct root {
	long a[PAIRS], b[PAIRS];
};

static struct root *root, *second;
static const char *command;

static struct root *open_in(const char *path, int is_second, unsigned flags)
{
	PmWrapperConfig c = { .path = path, .size = 1 << 20, .flags = flags };
	int n = PM_PRIMARY;

	if (is_second)
		n = pm_init_sec(c);
	else if (pm_init(c))
		n = -1;
	if (n < 0) {
		fprintf(stderr, "crash_target: %s\n", pm_errormsg());
		exit(EXIT_FAILURE);
	}
	return pm_root_in(n, sizeof(struct root));
}

/* Both halves in one transaction. */
static void step(int pair)
{
	TX_START {
		TX_SET(root->a[pair], root->a[pair] + 1);
		TX_SET(second->b[pair], second->b[pair] + 1);
	} TX_END
}

static void step_split(int pair)
{
	TX_START {
		TX_SET(root->a[pair], root->a[pair] + 1);
	} TX_END
	TX_START {
		TX_SET(second->b[pair], second->b[pair] + 1);
	} TX_END
}

/* Without macros, and the writes of one operation. */
static void step_calls(int pair)
{
	if (pm_tx_begin())
		return;
	TX_SET(root->a[pair], root->a[pair] + 1);
	TX_SET(second->b[pair], second->b[pair] + 1);
	if (pm_tx_commit())
		exit(EXIT_FAILURE);
}

static void step_writes(int pair)
{
	long next = root->a[pair] + 1;

	if (!PM_SET(root->a[pair], next) || !PM_SET(second->b[pair], next))
		exit(EXIT_FAILURE);
}

static void *in_thread(void *pair)
{
	for (int i = 0; i < ROUNDS; i++)
		step(*(int *)pair);
	return NULL;
}

static void run_threads(void)
{
	static int pair[PAIRS];
	pthread_t t[PAIRS];

	for (int i = 0; i < PAIRS; i++) {
		pair[i] = i;
		if (pthread_create(&t[i], NULL, in_thread, &pair[i]))
			exit(EXIT_FAILURE);
	}
	for (int i = 0; i < PAIRS; i++)
		pthread_join(t[i], NULL);
}

static void die_in_transaction(void)
{
	TX_START {
		TX_SET(root->a[0], 99);
		raise(SIGSEGV);
	} TX_END
}

/* A child's attempts come to nothing, and are not recorded. */
static void run_forked(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		step(0);
		_exit(pm_tx_errno() ? 0 : 1);
	}
	waitpid(pid, NULL, 0);
}

static int verify(const char *pool, void *arg)
{
	char other[4096], copy[4096];

	snprintf(copy, sizeof(copy), "%s", pool);
	snprintf(other, sizeof(other), "%s/second", dirname(copy));
	root = second = open_in(pool, 0, 0);
	if (access(other, F_OK) == 0)
		second = open_in(other, 1, 0);
	else if (arg)
		memset(second->b, 0, sizeof(second->b));
	while (!strcmp(command, "hang") && root->a[0] == 3)
		pause();
	for (int i = 0; i < PAIRS; i++)
		if (root->a[i] != second->b[i]) {
			printf("first line\npair %d: %ld and %ld\n", i,
			       root->a[i], second->b[i]);
			return 7;
		}
	return 0;
}

static void rounds(void (*f)(int pair))
{
	for (int i = 0; i < ROUNDS; i++)
		f(i % 2);
}

static void run(const char *pool)
{
	if (!strcmp(command, "split")) {
		rounds(step_split);
	} else if (!strcmp(command, "calls")) {
		rounds(step_calls);
	} else if (!strcmp(command, "writes")) {
		rounds(step_writes);
	} else if (!strcmp(command, "threads")) {
		run_threads();
	} else if (!strcmp(command, "reopen")) {
		for (int i = 0; i < 3; i++) {
			step(i);
			if (pm_close())
				exit(EXIT_FAILURE);
			root = second = open_in(pool, 0, PM_CREATE);
		}
	} else {
		rounds(step);
	}
	if (!strcmp(command, "die"))
		die_in_transaction();
	if (!strcmp(command, "fork"))
		run_forked();
	if (!strcmp(command, "exit"))
		_exit(3);
}

int main(int argc, char **argv)
{
	command = argc > 1 ? argv[1] : "";
	if (strcmp(command, "mute"))
		pm_crash_verify(verify, argc > 3 ? argv : NULL);
	if (argc < 3)
		return argc == 2 && !strcmp(command, "none") ? 0 : 2;
	if (!strcmp(command, "verify"))
		return verify(argv[2], argc > 3 ? argv : NULL);
	root = second = open_in(argv[2], 0, PM_CREATE);
	if (argc > 3)
		second = open_in(argv[3], 1, PM_CREATE);
	run(argv[2]);
	return 0;
}
