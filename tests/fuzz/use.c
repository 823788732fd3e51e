/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * use.c: checks, opens, repairs and uses a pool. Any error is fine that says
 * what a bad pool is; but what pm_check() found well must open, work, close,
 * and be well after that (I7).
 */
#include "fuzz.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUST(cond)							\
	do {								\
		if (!(cond)) {						\
			fprintf(stderr, "%s:%d: not true: %s (%s: %s)\n", \
				__FILE__, __LINE__, #cond,		\
				strerror(errno), pm_errormsg());	\
			abort();					\
		}							\
	} while (0)

/* 0 or an errno that a bad pool may give. */
static int result(int ret)
{
	if (ret == 0)
		return 0;
	MUST(errno == EUCLEAN || errno == EMEDIUMTYPE ||
	     errno == EPROTONOSUPPORT || errno == ENODEV ||
	     errno == EADDRINUSE || errno == EEXIST);
	MUST(*pm_errormsg());
	return errno;
}

static int check(const char *path, unsigned flags, PmCheckReport *c)
{
	int ret = result(pm_check(path, flags, c));

	MUST((ret == EUCLEAN) == (c->status == PM_CHECK_DAMAGED));
	return ret;
}

static int open_it(const char *path, unsigned flags)
{
	return result(pm_init((PmWrapperConfig){.path = path, .flags = flags}));
}

/* Looks at every object; returns some of them. */
static unsigned walk(int region, void **some, unsigned max)
{
	unsigned n = 0, type;
	uint64_t seen = 0;
	PmStats st;
	void *o;

	MUST(pm_stats(region, &st) == 0);
	for (type = 0; type < 4; type++) {
		for (o = pm_first(region, type); o; o = pm_next(o)) {
			volatile uint8_t *p = o;
			size_t size = pm_usable_size(o);

			MUST(size > 0 && pm_type_of(o) == type);
			(void)(p[0] + p[size - 1]);
			if (n < max && (n < 2 || seen % 7 == 0))
				some[n++] = o;
			MUST(++seen <= st.objects);
		}
	}
	return n;
}

/* Allocates, frees, grows and spills; all of it may fail for lack of room. */
static void work(int region, struct choices *in)
{
	static const size_t sizes[] = {1, 100, 3000, 9000, 70000, 400000};
	void *some[16], *o, *root;
	unsigned n = walk(region, some, 16), i;
	PmStats st;

	root = pm_root_in(region, 0);
	MUST(!root || pm_usable_size(root) >= 1);
	for (i = 0; i < 6; i++) {
		o = pm_alloc_type(region, sizes[(i + pick(in, 6)) % 6], i % 4);
		if (o)
			MUST(pm_fill(o, 7, 1));
	}
	for (i = 0; i < n; i += 2)
		if (some[i] != root)
			pm_free(some[i]);
	TX_START {
		o = pm_alloc_in(region, 200);
		if (!o || pm_fill(o, 1, 200) == NULL)
			TX_ABORT(ENOMEM);
		for (i = 1; i < n; i += 2)
			if (some[i] != root)
				pm_free(some[i]);
		if (pick(in, 4) == 3)
			TX_ABORT(ECANCELED);
		/* More than a lane takes. */
		for (i = 0; i < 4; i++) {
			o = pm_alloc_in(region, 3000);
			if (o)
				memset(o, 5, 3000);
		}
	} TX_END
	root = pm_root_in(region, 5000);
	MUST(pm_stats(region, &st) == 0 && !st.poisoned);
	(void)walk(region, some, 16);
}

/* It is found well: so it stays. */
static void stays_well(const char *path)
{
	PmCheckReport c;

	MUST(check(path, 0, &c) == 0 && c.status == PM_CHECK_CLEAN);
	MUST(open_it(path, 0) == 0);
	MUST(pm_close() == 0);
}

/* Nothing is written; and what is read is not damaged. */
static void plan_read(const struct image *im, const char *path, int checked)
{
	void *some[4];
	int ret = open_it(path, PM_RDONLY);

	MUST(checked || ret == 0 || ret == EADDRINUSE);
	MUST(checked != EPROTONOSUPPORT || ret == checked);
	if (ret == 0) {
		(void)walk(PM_PRIMARY, some, 4);
		MUST(!pm_alloc(1) && errno == EROFS);
		MUST(pm_close() == 0);
	}
	MUST(media_same(im));
}

static void plan_write(const char *path, int checked, struct choices *in)
{
	int ret = open_it(path, 0);

	MUST(checked || ret == 0 || ret == EADDRINUSE ||
	     ret == EPROTONOSUPPORT);
	if (ret)
		return;
	work(PM_PRIMARY, in);
	if (checked) {
		(void)pm_close();
		return;
	}
	MUST(pm_close() == 0);
	stays_well(path);
}

static void plan_repair(const char *path, int checked, struct choices *in)
{
	PmCheckReport c;
	int ret = check(path, PM_REPAIR, &c);

	MUST(ret == checked || (!checked && ret == EPROTONOSUPPORT));
	if (ret)
		return;
	MUST(check(path, 0, &c) == 0 && c.status == PM_CHECK_CLEAN);
	ret = open_it(path, PM_SCRATCH);
	MUST(ret == 0 || ret == EADDRINUSE);
	if (ret == 0) {
		work(PM_PRIMARY, in);
		MUST(pm_close() == 0);
	}
}

/* Beside a good primary, which must not suffer. */
static void plan_second(const char *path, int checked, struct choices *in)
{
	const char *good = media_load(&image_b);
	uint64_t *root;
	PmCheckReport c;
	int a, second;

	MUST(open_it(good, 0) == 0);
	a = pm_init_sec((PmWrapperConfig){.path = path});
	second = a < 0 ? result(-1) : 0;
	MUST(checked || !second || second == EADDRINUSE ||
	     second == EEXIST || second == EPROTONOSUPPORT);
	if (second == 0)
		work(a, in);
	root = pm_root(0);
	MUST(root && *root == 42);
	MUST(pm_alloc(10000) && PM_SET(root[1], 43));
	MUST(pm_close() == 0 || checked);
	MUST(check(good, 0, &c) == 0 && c.status == PM_CHECK_CLEAN);
	MUST(open_it(good, PM_RDONLY) == 0 &&
	     ((uint64_t *)pm_root(0))[1] == 43);
	MUST(pm_close() == 0);
	if (second == 0 && !checked)
		MUST(check(path, 0, &c) == 0 && c.status == PM_CHECK_CLEAN);
}

void use_pool(const struct image *im, unsigned plan, struct choices *in)
{
	const char *path = media_load((struct image *)im);
	PmCheckReport c;
	int checked;

	/* The second region may be asked about transactions. */
	(void)media_load(&image_b);
	checked = check(path, 0, &c);
	MUST(media_same(im));
	switch (plan) {
	case 0:
		plan_read(im, path, checked);
		break;
	case 1:
		plan_write(path, checked, in);
		break;
	case 2:
		plan_repair(path, checked, in);
		break;
	default:
		plan_second(path, checked, in);
	}
}
