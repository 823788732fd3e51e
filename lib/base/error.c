/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * error.c: the thread's last error as a sentence, and misuse.
 */
#include "base/base.h"

#include <pmheap/base.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static __thread char message[1024];

int err_set(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	errno = err;
	say_message(PM_LOG_ERROR, message);
	return -1;
}

void err_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
}

const char *err_get(void)
{
	return message;
}

PM_API const char *pm_errormsg(void)
{
	return message;
}

PM_API int pm_version(void)
{
	return PM_VERSION;
}

void err_misuse(void)
{
	if (debug_word("abort"))
		abort();
}

uint64_t random_id(void)
{
	uint64_t id = 0;
	struct timespec ts;

	while (id == 0) {
		if (getrandom(&id, sizeof(id), 0) == sizeof(id))
			continue;
		clock_gettime(CLOCK_REALTIME, &ts);
		id = ((uint64_t)ts.tv_nsec << 32 ^ (uint64_t)ts.tv_sec ^
		      (uint64_t)getpid() << 16) * 0x9e3779b97f4a7c15ull;
	}
	return id;
}

void spin_wait(spin_t *s)
{
	unsigned turn = 0;

	while (!spin_try(s)) {
		if (++turn % 64 == 0)
			sched_yield();
		else
			__builtin_ia32_pause();
	}
}
