/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * preload.c: what stands in front of the library in a program that pmheap
 * crash-test runs. While it is recorded the backends of its pools are replaced
 * by recording ones; while it verifies, crashed pools are opened as files in
 * memory, whatever backend the program asks for.
 */
#include "crash/record.h"

#include <pmheap/crash.h>

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *real(const char *name)
{
	void *f = dlsym(RTLD_NEXT, name);

	if (!f) {
		fprintf(stderr, "pmheap crash-test: the program has no %s\n",
			name);
		abort();
	}
	return f;
}

/* Is path in the folder of the crashed pools? */
static bool is_crashed(const char *path, const char *folder)
{
	char *full = realpath(path, NULL);
	size_t n = strlen(folder);
	bool in = full && strncmp(full, folder, n) == 0 && full[n] == '/';

	free(full);
	return in;
}

/* The backend of the recorded run may not fit where the copy lies. */
static void use_memory(PmWrapperConfig *c)
{
	const char *folder = getenv(ENV_VERIFY);

	if (!folder || !c->path || c->backend ||
	    (c->backend_name && strcmp(c->backend_name, "volatile") == 0) ||
	    !is_crashed(c->path, folder))
		return;
	c->backend = pm_backend("shm");
	c->backend_name = NULL;
}

/* Is what this opens recorded? Then it gets a recording backend. */
static bool take(PmWrapperConfig *c, const void *in_library)
{
	const char *folder = getenv(ENV_RECORD), *why = NULL, *name;

	if (!folder || !*folder)
		return false;
	name = choose_backend(c, &why);
	if (!name) {
		if (why)
			file_note(folder, FILE_SKIPPED, "%s: %s\n",
				  c->path ? c->path : "a region", why);
		return false;
	}
	if (!file_start(folder))
		return false;
	calls_init(in_library);
	c->backend = record_backend(name);
	return true;
}

static int open_by(const char *function, PmWrapperConfig c)
{
	int (*f)(PmWrapperConfig) = real(function);
	int ret, err;

	use_memory(&c);
	if (!take(&c, f))
		return f(c);
	record_opening(strcmp(function, "pm_init") == 0);
	calls_enter(function);
	ret = f(c);
	err = errno;
	record_opened(ret >= 0);
	calls_leave();
	errno = err;
	return ret;
}

PM_API int pm_init(PmWrapperConfig config)
{
	return open_by("pm_init", config);
}

PM_API int pm_init_sec(PmWrapperConfig config)
{
	return open_by("pm_init_sec", config);
}

PM_API int pm_close(void)
{
	static int (*f)(void);
	int ret;

	if (!f)
		f = real("pm_close");
	calls_enter("pm_close");
	ret = f();
	calls_leave();
	return ret;
}

/* Only the end of an outermost transaction writes. */
PM_API int pm_tx_commit(void)
{
	static int (*f)(void);
	int ret;

	if (!f)
		f = real("pm_tx_commit");
	calls_enter(NULL);
	ret = f();
	calls_leave();
	return ret;
}

PM_API void pm_tx_scope_commit(PmTxScope *scope)
{
	static void (*f)(PmTxScope *);

	if (!f)
		f = real("pm_tx_scope_commit");
	calls_enter(NULL);
	f(scope);
	calls_leave();
}

PM_API void pm_crash_verify(int (*verify)(const char *pool, void *arg),
			    void *arg)
{
	const char *folder = getenv(ENV_RECORD);

	if (getenv(ENV_SERVE))
		serve(verify, arg);
	if (folder && *folder)
		file_note(folder, FILE_CALLBACK, "yes\n");
}
