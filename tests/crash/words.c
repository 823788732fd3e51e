/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * words.c: the operations of small worlds: everything in the public interface
 * that changes a pool, once each way that it takes through the library.
 */
#include "explore.h"

#include <string.h>

#define IN_THREAD 1u	/* by a new thread, so in another lane        */
#define REOPEN 2u
#define REPAIR 3u	/* closed, repaired by pm_check(), opened     */
#define REID 4u		/* closed, given a new id, opened             */
#define RESECOND 5u	/* the second region is closed and opened     */

static const struct word one_region[] = {
	{"put", {OP_PUT, 0, 96}, 0},
	{"del", {OP_DEL, 0, 0}, 0},
	{"other-put", {OP_PUT, 1, 96}, IN_THREAD},
	{"other-del", {OP_DEL, 0, 0}, IN_THREAD},
	{"resize", {OP_RESIZE, 0, 700}, 0},
	{"rewrite", {OP_REWRITE, 0, 0}, 0},
	{"set", {OP_SET, 0, 0}, 0},
	{"other-set", {OP_SET, 0, 0}, IN_THREAD},
	{"fill", {OP_FILL, 0, 5}, 0},
	{"persist", {OP_PERSIST, 0, 0}, 0},
	{"abort", {OP_ABORT, 0, 0}, 0},
	{"leave", {OP_LEAVE, 0, 0}, 0},
	{"nested", {OP_NESTED, 0, 0}, 0},
	{"many", {OP_MANY, 0, 3}, 0},
	{"spill", {OP_MANY, 4, 40}, 0},
	{"batch", {OP_BATCH, 8, 0}, 0},
	{"direct", {OP_PUT, 2, 70000}, 0},
	{"grow", {OP_PUT, 3, 60000}, 0},
	{"root", {OP_ROOT, 0, 900}, 0},
	{"calloc", {OP_FLOAT, 0, 201}, 0},
	{"memalign", {OP_FLOAT, 0, 202}, 0},
	{"alloc-type", {OP_FLOAT, 0, 203}, 0},
	{"strdup", {OP_FLOAT, 0, 204}, 0},
	{"flush", {OP_FLUSH, 0, 0}, 0},
	{"reopen", {OP_FLUSH, 0, 0}, REOPEN},
	{"repair", {OP_FLUSH, 0, 0}, REPAIR},
	{"reid", {OP_FLUSH, 0, 0}, REID},
};

static const struct word two_regions[] = {
	{"both", {OP_BOTH, 0, 2}, 0},
	{"other-both", {OP_BOTH, 1, 2}, IN_THREAD},
	{"both-spill", {OP_BOTH, 0, 6}, 0},
	{"set", {OP_SET, 0, 0}, 0},
	{"put", {OP_PUT, 0, 96}, 0},
	{"del", {OP_DEL, 0, 0}, 0},
	{"pin", {OP_PIN, 3, 0}, 0},
	{"root", {OP_ROOT, 0, 900}, 0},
	{"flush", {OP_FLUSH, 0, 0}, 0},
	{"second", {OP_FLUSH, 0, 0}, RESECOND},
	{"reopen", {OP_FLUSH, 0, 0}, REOPEN},
};

#define N(array) (sizeof(array) / sizeof(*(array)))

const struct word *word_nth(bool second, unsigned n)
{
	if (second)
		return n < N(two_regions) ? &two_regions[n] : NULL;
	return n < N(one_region) ? &one_region[n] : NULL;
}

const struct word *word_find(bool second, const char *name, size_t n)
{
	const struct word *w;
	unsigned i;

	for (i = 0; (w = word_nth(second, i)); i++)
		if (strlen(w->name) == n && !memcmp(w->name, name, n))
			return w;
	return NULL;
}

static void closed(struct run *r, const struct workload *w, unsigned how)
{
	PmCheckReport report;

	if (pm_close())
		run_fail(r, "closing");
	else if (how == REPAIR && pm_check(medium_path(0), PM_REPAIR, &report))
		run_fail(r, "pm_check");
	else if (how == REID && pm_reid(medium_path(0)))
		run_fail(r, "pm_reid");
	else if (workload_open(w, r, false))
		run_fail(r, "opening again");
}

static void second_again(struct run *r, const struct workload *w)
{
	if (pm_close_sec(r->second))
		run_fail(r, "pm_close_sec");
	r->second = pm_init_sec(workload_config(w, 1));
	if (r->second < 0)
		run_fail(r, "pm_init_sec");
}

void word_do(struct run *r, const struct workload *w, const struct word *word)
{
	r->thread = word->how == IN_THREAD;
	if (word->how <= IN_THREAD) {
		run_op(r, word->t);
		return;
	}
	/* What has returned is durable when all is closed. */
	run_op(r, word->t);
	if (word->how == RESECOND)
		second_again(r, w);
	else
		closed(r, w, word->how);
}
