/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * run.c: the versions that a run goes through, and the marks in its trace.
 */
#include "ops.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void run_fail(struct run *r, const char *what)
{
	if (!r->error[0])
		snprintf(r->error, sizeof(r->error), "%s: %s (%s)", what,
			 pm_errormsg(), strerror(errno));
}

void run_version(struct run *r)
{
	if (r->n == r->cap) {
		r->cap = r->cap ? 2 * r->cap : 64;
		r->version = realloc(r->version,
				     r->cap * sizeof(*r->version));
		if (!r->version)
			abort();
	}
	r->version[r->n++] = r->now;
}

void run_free(struct run *r)
{
	free(r->version);
	free(r->patch);
	r->version = NULL;
	r->patch = NULL;
	r->n = r->cap = r->patch_n = r->patch_cap = 0;
}

void run_begin(struct run *r)
{
	if (!r->unmarked && !r->beside)
		sim_mark(r->durable, r->n, r->aside);
}

void run_end(struct run *r, bool late)
{
	uint64_t v;

	if (r->beside)
		return;
	run_version(r);
	v = r->n - 1;
	if (!late)
		r->durable = v;
	if (!r->unmarked)
		sim_mark(r->durable, v, r->aside);
}

void run_mark(struct run *r)
{
	if (!r->unmarked)
		sim_mark(r->durable, r->n - 1, r->aside);
}

void run_start(struct run *r)
{
	run_version(r);
	r->durable = 0;
	if (!r->unmarked)
		sim_mark(0, 0, 0);
}

void run_root(struct run *r, size_t size)
{
	run_begin(r);
	if (!pm_root(size))
		run_fail(r, "pm_root");
	if (!r->now.has_root)
		r->now.objects++;
	r->now.has_root = true;
	r->root_size = size;
	run_end(r, r->single_late);
}
