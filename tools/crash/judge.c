/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * judge.c: what the library and the program say of crashed pools.
 */
#include "crash/judge.h"

#include <errno.h>
#include <pmheap.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int judge_start(struct judge *j, const char *dir)
{
	snprintf(j->dir, sizeof(j->dir), "%s", dir);
	j->server = 0;
	j->said = memfd_create("said", MFD_CLOEXEC);
	return j->said < 0 || mkdir(dir, 0700) ? -1 : 0;
}

void judge_end(struct judge *j)
{
	verify_end(j);
	for (unsigned i = 0; i < j->run->pool_n; i++)
		unlink(pools_path(j, i));
	rmdir(j->dir);
	close(j->said);
}

/* Does the library keep its promise about this pool? */
static bool is_whole(const struct judge *j, unsigned pool, struct verdict *v)
{
	PmCheckReport report;

	if (pm_check(pools_path(j, pool), 0, &report)) {
		v->kind = V_DAMAGED;
		snprintf(v->text, sizeof(v->text), "%s", pm_errormsg());
		return false;
	}
	if (report.status == PM_CHECK_CLEAN ||
	    report.status == PM_CHECK_PENDING ||
	    report.status == PM_CHECK_REPAIRABLE)
		return true;
	v->kind = V_DAMAGED;
	snprintf(v->text, sizeof(v->text), "%.*s", (int)sizeof(v->text) - 1,
		 report.message);
	return false;
}

void judge_pools(struct judge *j, size_t event, struct verdict *v)
{
	memset(v, 0, sizeof(*v));
	for (unsigned i = 0; i < j->run->pool_n; i++)
		if (run_has(j->run, i, event) && !is_whole(j, i, v))
			return;
	/* Nothing to look into before the primary is there. */
	if (!run_has(j->run, run_primary(j->run), event))
		return;
	if (j->command)
		verify_command(j, v);
	else if (j->program)
		verify_callback(j, v);
}
