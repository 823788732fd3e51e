/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/inside/pause.c: stops a process for a moment. A child of ours waits at
 * a pipe for our end, so the process goes on whatever becomes of us. Signals go
 * through a descriptor of the process: never to another with its number.
 */
#include "inside/image.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct paused {
	int pidfd;
	int pipe;		/* closed by our end, whatever comes */
	pid_t guardian;
};

static int send(int pidfd, int sig)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}

static int failed(long pid)
{
	return err_set(errno, "cannot stop process %ld: %s", pid,
		       strerror(errno));
}

static pid_t guard(int pidfd, int fds[2])
{
	pid_t pid = fork();
	char byte;

	if (pid)
		return pid;
	/* What ends a whole group of processes must not end this one. */
	setsid();
	close(fds[1]);
	while (read(fds[0], &byte, 1) > 0)
		;
	send(pidfd, SIGCONT);
	_exit(0);
}

/* Have all its threads stopped? A signal takes a moment to reach them. */
static bool has_stopped(long pid)
{
	char name[64], state = 0;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%ld/stat", pid);
	f = fopen(name, "re");
	if (!f)
		return false;
	if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	fclose(f);
	return state == 'T' || state == 't';
}

int writer_pause(long pid, struct paused **out)
{
	struct timespec wait = {0, 200000};
	struct paused *p = calloc(1, sizeof(*p));
	int fds[2], i;

	*out = NULL;
	if (!p)
		return err_set(ENOMEM, "out of memory");
	p->pidfd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	if (p->pidfd < 0 || pipe(fds)) {
		failed(pid);
		if (p->pidfd >= 0)
			close(p->pidfd);
		free(p);
		return -1;
	}
	p->pipe = fds[1];
	p->guardian = guard(p->pidfd, fds);
	close(fds[0]);
	if (p->guardian < 0 || send(p->pidfd, SIGSTOP)) {
		failed(pid);
		writer_resume(p);
		return -1;
	}
	for (i = 0; i < 5000 && !has_stopped(pid); i++)
		nanosleep(&wait, NULL);
	*out = p;
	return 0;
}

void writer_resume(struct paused *p)
{
	if (!p)
		return;
	send(p->pidfd, SIGCONT);
	close(p->pipe);
	if (p->guardian > 0)
		waitpid(p->guardian, NULL, 0);
	close(p->pidfd);
	free(p);
}
