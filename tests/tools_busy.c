/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tests/tools_busy.c: works in a pool as hard as it can until it is killed, or
 * verifies one that it, or a copy of it, was at work in: for tests/tools/.
 *
 *	tools_busy work POOL [THREADS [relaxed]]
 *	tools_busy verify POOL
 */
#include "tools_work.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *work(void *arg)
{
	unsigned worker = (unsigned)(uintptr_t)arg;
	uint64_t seed = worker * 77 + (uint64_t)getpid();

	while (work_step(worker, &seed) == 0)
		;
	fprintf(stderr, "tools_busy: %s\n", pm_errormsg());
	_exit(1);
}

static int run(const char *path, unsigned threads, int relaxed)
{
	pthread_t thread;

	if (threads < 1 || threads > WORKERS_MAX ||
	    work_open(path, relaxed, 199, 211))
		return 1;
	for (unsigned i = 0; i < threads; i++)
		if (pthread_create(&thread, NULL, work, (void *)(uintptr_t)i))
			return 1;
	usleep(20000);
	if (write(1, "ready\n", 6) != 6)
		return 1;
	pause();
	return 1;
}

int main(int argc, char **argv)
{
	if (argc >= 3 && strcmp(argv[1], "verify") == 0)
		return work_verify(argv[2]);
	if (argc >= 3 && strcmp(argv[1], "work") == 0)
		return run(argv[2], argc > 3 ? (unsigned)atoi(argv[3]) : 1,
			   argc > 4 && strcmp(argv[4], "relaxed") == 0);
	return 2;
}
