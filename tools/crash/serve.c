/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * serve.c: the verify server inside a program: a child for each crashed pool
 * calls the program's verify function. The tool watches the time.
 */
#include "crash/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void verify_one(int (*verify)(const char *pool, void *arg), void *arg,
		       const char *pool)
{
	int ret = verify(pool, arg);

	fflush(NULL);
	_exit(ret & 255 ? ret & 255 : ret != 0);
}

/* "exit N" or "signal N". */
static void reply(int fd, int status)
{
	if (WIFSIGNALED(status))
		dprintf(fd, "signal %d\n", WTERMSIG(status));
	else
		dprintf(fd, "exit %d\n", WEXITSTATUS(status));
}

void serve(int (*verify)(const char *pool, void *arg), void *arg)
{
	char pool[4096];
	int requests, replies, status;
	FILE *in;
	pid_t pid;

	if (sscanf(getenv(ENV_SERVE), "%d,%d", &requests, &replies) != 2)
		_exit(EXIT_FAILURE);
	in = fdopen(requests, "r");
	fflush(NULL);
	while (in && fgets(pool, sizeof(pool), in)) {
		pool[strcspn(pool, "\n")] = 0;
		pid = fork();
		if (pid == 0)
			verify_one(verify, arg, pool);
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			break;
		reply(replies, status);
	}
	_exit(0);
}
