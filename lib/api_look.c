/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * api_look.c: pm_stats and pm_check.
 */
#include "heap.h"

#include <stdio.h>
#include <string.h>

static const char *survives(const struct region *r)
{
	static const char *const names[] = {"nothing", "process", "power"};

	return r->private ? "nothing" : names[r->md.chosen->survives];
}

PM_API int pm_stats(int number, PmStats *out)
{
	struct region *r = heap_region(number);

	if (!r)
		return -1;
	if (!out)
		return err_set(EINVAL, "pm_stats: no place for the result");
	memset(out, 0, sizeof(*out));
	out->region_id = r->id;
	snprintf(out->backend, sizeof(out->backend), "%s", r->md.chosen->name);
	snprintf(out->survives, sizeof(out->survives), "%s", survives(r));
	out->size = AO_load(&r->size);
	out->max_size = r->hdr->max_size;
	out->poisoned = AO_load(&r->poisoned) != 0;
	alloc_stats(r, out);
	log_stats(r, out);
	if (r->private)
		snprintf(out->durability, sizeof(out->durability), "%s",
			 r->readonly ? "readonly" : "scratch");
	return 0;
}

static void describe(const struct region *r, PmCheckReport *out)
{
	const struct pm_header *h = r->hdr;

	out->region_id = h->id;
	out->size = h->size;
	out->max_size = h->max_size;
	out->extent_size = h->extent_size;
	out->zones = h->n_zones;
	out->lanes = h->n_lanes;
	out->format = h->format;
	memcpy(out->layout, h->layout, sizeof(out->layout));
}

static int fault(PmCheckReport *out)
{
	int err = errno;

	if (err == EUCLEAN) {
		out->status = PM_CHECK_DAMAGED;
		out->faults++;
		snprintf(out->message, sizeof(out->message), "%.511s",
			 err_get());
	}
	errno = err;
	return -1;
}

/* Opens, recovers and closes the pool for writing. */
static int repair(const char *path)
{
	PmWrapperConfig c = {.path = path};
	struct region *r = heap_load(&c, false);
	int ret;

	if (!r)
		return -1;
	ret = alloc_open(r);
	if (ret == 0)
		ret = log_open(r, PM_STRICT, 0, 0);
	if (ret == 0)
		ret = log_close(r, true);
	heap_unload(r);
	return ret;
}

static int check(const char *path, PmCheckReport *out)
{
	PmWrapperConfig c = {.path = path, .flags = PM_RDONLY};
	struct region *r = heap_load(&c, true);
	PmStats st = {0};

	/* It may hold what was found before a repair. */
	memset(out, 0, sizeof(*out));
	if (!r)
		return fault(out);
	describe(r, out);
	if (alloc_open(r) || alloc_check_unused(r) || heap_check_root(r)) {
		heap_unload(r);
		return fault(out);
	}
	alloc_stats(r, &st);
	log_stats(r, &st);
	out->objects = st.objects;
	out->used_bytes = st.used_bytes;
	out->heap_bytes = st.heap_bytes;
	out->pending = st.recovered;
	/* A checkpoint that a crash cut off leaves one copy half written. */
	if (r->hdr_other == COPY_DAMAGED && log_was_closed(r)) {
		out->status = PM_CHECK_REPAIRABLE;
		out->faults = 1;
		snprintf(out->message, sizeof(out->message), "%s: header copy "
			 "%d is damaged; the other is intact", path,
			 !r->hdr_copy);
	} else if (out->pending || r->hdr_other == COPY_DAMAGED) {
		out->status = PM_CHECK_PENDING;
	}
	heap_unload(r);
	return 0;
}

PM_API int pm_check(const char *path, unsigned flags, PmCheckReport *out)
{
	int ret;

	if (!path || !out || (flags & ~PM_REPAIR))
		return err_set(EINVAL, "pm_check: no path, no place for the "
			       "result, or unknown flags");
	memset(out, 0, sizeof(*out));
	window_choose();
	pthread_mutex_lock(&heap_mu);
	ret = check(path, out);
	if (ret == 0 && (flags & PM_REPAIR) && out->status != PM_CHECK_CLEAN) {
		int before = out->status;

		ret = repair(path);
		if (ret == 0)
			ret = check(path, out);
		if (ret == 0 && before == PM_CHECK_REPAIRABLE)
			out->status = PM_CHECK_REPAIRED;
	}
	pthread_mutex_unlock(&heap_mu);
	return ret;
}
