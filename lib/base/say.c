/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * say.c: messages to the program's logger, if it has one.
 *
 * Loggers are never freed, as another thread may be about to call one: those
 * that were replaced stay in a list, and one that comes again is taken from it.
 */
#include "base/base.h"

#include <pmheap/log.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct logger {
	struct logger *next;
	int level;
	void (*f)(int level, const char *message, void *arg);
	void *arg;
};

AO_t say_level;
static AO_t current;			/* struct logger *        */
static struct logger *all;
static bool chosen;			/* by the program         */
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static THREAD_LOCAL bool saying;

void say_message(int level, const char *message)
{
	struct logger *l = (struct logger *)AO_load_acquire(&current);
	int err = errno;

	/* A logger that calls the library would be called again. */
	if (!l || level > l->level || saying)
		return;
	saying = true;
	l->f(level, message, l->arg);
	saying = false;
	errno = err;
}

void say_formatted(int level, const char *fmt, ...)
{
	char message[1024];
	int err = errno;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	errno = err;
	say_message(level, message);
}

static struct logger *find(int level,
			   void (*f)(int, const char *, void *), void *arg)
{
	struct logger *l;

	for (l = all; l; l = l->next)
		if (l->level == level && l->f == f && l->arg == arg)
			return l;
	l = malloc(sizeof(*l));
	if (l) {
		*l = (struct logger){all, level, f, arg};
		all = l;
	}
	return l;
}

static void use(struct logger *l)
{
	AO_store_release(&current, (AO_t)l);
	AO_store(&say_level, l ? (AO_t)l->level : PM_LOG_NONE);
}

PM_API int pm_set_logger(int level, void (*f)(int, const char *, void *),
			 void *arg)
{
	struct logger *l = NULL;
	bool wanted = f && level != PM_LOG_NONE;

	if (level < PM_LOG_NONE || level > PM_LOG_DEBUG)
		return err_set(EINVAL, "pm_set_logger: there is no level %d",
			       level);
	pthread_mutex_lock(&mu);
	if (wanted)
		l = find(level, f, arg);
	if (!wanted || l) {
		use(l);
		chosen = true;
	}
	pthread_mutex_unlock(&mu);
	return !wanted || l ? 0 : err_set(ENOMEM, "out of memory for a logger");
}

void say_by_default(int level, void (*f)(int, const char *, void *))
{
	struct logger *l;

	pthread_mutex_lock(&mu);
	l = chosen ? NULL : find(level, f, NULL);
	if (l)
		use(l);
	pthread_mutex_unlock(&mu);
}
