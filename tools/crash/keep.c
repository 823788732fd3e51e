/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * keep.c: the pools of each failure, as the crash left them, for the user to
 * look into.
 */
#include "crash/crash.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int keep_one(struct crash_test *t, const struct finding *f, size_t n)
{
	const struct trace *trace = &t->run.trace;
	struct judge judge = t->judge;
	struct journal images;
	struct world w;
	char dir[4096];
	int ret;

	snprintf(dir, sizeof(dir), "%.4000s/failure-%zu", t->keep, n);
	if (judge_start(&judge, dir))
		return -1;
	explore_world(&t->explore, &w, &images);
	for (size_t i = 0; i < f->at.point && i < trace->n; i++)
		world_step(&w, trace, &trace->ev[i]);
	state_enter(&w, &f->at);
	ret = pools_write(&judge, &images, f->at.point);
	world_free(&w);
	run_images_free(&t->run, &images);
	close(judge.said);
	return ret;
}

int keep_failures(struct crash_test *t)
{
	for (size_t i = 0; t->keep && i < t->explore.found_n; i++)
		if (keep_one(t, &t->explore.found[i], i + 1))
			return tool_fail(errno, NULL, "cannot keep the pools "
					 "of a failure in '%s'", t->keep);
	return TOOL_OK;
}
