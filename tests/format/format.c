/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * format.c: pools that were closed, and pools whose process was killed, are
 * read as pmheap_format(5) describes them, and must be what the library finds:
 * the same objects with the same bytes. A killed process leaves all that it
 * has executed; what power cuts leave is the subject of tests/crash/.
 *
 * PMHEAP_TEST_FORMATS: how many pools of each kind, by default 8.
 */
#include "reader.h"
#include "work.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[256], first_path[300], second_path[300];
static unsigned failures, replayed, pools;

static void fail(const struct work *w, const char *what)
{
	printf("FAIL: %s%s (seed %u, durability %u, flags %u%s, end %d)\n",
	       what[0] ? "" : "the library: ",
	       what[0] ? what : pm_errormsg(), w->seed, w->durability,
	       w->flags, w->second ? ", two pools" : "",
	       (int)w->end);
	failures++;
}

struct found {
	struct image *im;
	uint64_t n, used, differ;
};

/* An object that the reader has found: the library must know the same. */
static void compare_object(void *arg, uint64_t off, uint64_t size,
			   uint32_t type)
{
	struct found *f = arg;
	void *p = pm_direct((PmFat){f->im->id, off});

	f->n++;
	f->used += size;
	if (!p || pm_usable_size(p) != size || pm_type_of(p) != type ||
	    memcmp(p, f->im->bytes + off, size) != 0)
		f->differ++;
}

static uint64_t heap_bytes(struct image *im)
{
	unsigned i, n = (unsigned)get(im->header + 136, 4);
	uint64_t all = 0;

	for (i = 0; i < n; i++)
		all += image_zone(im, i).n_ext * im->extent_size;
	return all;
}

static void compare_report(const struct work *w, struct image *im,
			   const PmCheckReport *r)
{
	if (r->region_id != im->id || r->size != im->size ||
	    r->max_size != im->max_size || r->lanes != im->n_lanes ||
	    r->extent_size != im->extent_size || r->format != 1 ||
	    r->zones != get(im->header + 136, 4) ||
	    r->heap_bytes != heap_bytes(im) ||
	    strcmp(r->layout, (char *)im->header + 160) != 0)
		fail(w, "the header is another one than pm_check() tells");
	if (r->pending != im->n_entry)
		fail(w, "another number of entries to replay");
	replayed += im->n_entry;
}

static void compare_region(const struct work *w, struct image *im, int region,
			   const PmCheckReport *r)
{
	struct found f = {.im = im};
	void *root = pm_root_in(region, 0);

	image_objects(im, compare_object, &f);
	if (f.n != r->objects || f.used != r->used_bytes)
		fail(w, "other objects than pm_check() counts");
	if (f.differ)
		fail(w, "objects differ from those of the library");
	if ((root ? pm_fat(root).offset : 0) != get(im->header + 112, 8))
		fail(w, "another root object");
}

/* Read as the page says; then opened. */
static void compare(const struct work *w)
{
	static struct image image[2];
	struct image *all[2] = {&image[0], &image[1]};
	const char *path[2] = {w->path, w->second};
	/* It may have died before there was a second one. */
	unsigned n = w->second && access(w->second, F_OK) == 0 ? 2 : 1, i;
	PmWrapperConfig config = {.flags = PM_RDONLY};
	PmCheckReport report[2];
	const char *bad = NULL;
	int region[2];

	memset(image, 0, sizeof(image));
	for (i = 0; i < n && !bad; i++)
		bad = image_read(&image[i], path[i]);
	for (i = 0; i < n && !bad; i++)
		image_judge(&image[i], all, n);
	for (i = 0; i < n && !bad; i++)
		bad = image_replay(&image[i]);
	if (bad) {
		fail(w, bad);
		return;
	}
	for (i = 0; i < n; i++) {
		if (pm_check(path[i], 0, &report[i]) != 0) {
			fail(w, "");
			return;
		}
		compare_report(w, &image[i], &report[i]);
	}
	for (i = 0; i < n; i++) {
		config.path = path[i];
		region[i] = i ? pm_init_sec(config)
			      : pm_init(config) ? -1 : PM_PRIMARY;
		if (region[i] < 0)
			fail(w, "");
		else
			compare_region(w, &image[i], region[i], &report[i]);
	}
	if (pm_close() != 0)
		fail(w, "");
	for (i = 0; i < n; i++)
		image_free(&image[i]);
}

static void try(struct work w)
{
	w.path = first_path;
	pools++;
	if (work_run(&w) != 0) {
		printf("FAIL: the work did not end as it should\n");
		failures++;
	} else {
		compare(&w);
	}
	unlink(first_path);
	unlink(second_path);
}

static void try_all(unsigned seed)
{
	unsigned ops = seed % 3 ? 20 + seed * 7 % 120 : 600;
	struct work w = {.threads = 1 + seed % 3, .ops = ops, .seed = seed};
	unsigned i;

	try(w);
	w.end = DIE_INSIDE;
	try(w);
	w.durability = PM_RELAXED;
	try(w);
	w.durability = PM_STRICT;
	w.flags = PM_FLUSH_MANUAL;
	try(w);
	w.flags = 0;
	w.end = DIE_GROWN;
	try(w);
	w.second = second_path;
	w.end = DIE_INSIDE;
	try(w);
	w.end = DIE_PAIRED;
	try(w);
	w.end = DIE_AT_FENCE;
	w.ops = 5000;
	for (i = 0; i < 12; i++) {
		w.fence = 8 + (seed * 12 + i) * 2654435761u % 700;
		w.second = i % 2 ? NULL : second_path;
		try(w);
	}
}

int main(void)
{
	const char *env = getenv("PMHEAP_TEST_FORMATS");
	unsigned n = env ? (unsigned)atoi(env) : 8, seed;
	/* Types that no chance leaves out; of the others there may be none. */
	const unsigned sure = 1u << WRITE | 1u << FILL | 1u << ALLOC |
			      1u << FREE | 1u << ZONE | 1u << PEER | 1u << PART;

	/* The format is that of every medium; memory is the fastest. */
	snprintf(dir, sizeof(dir), "%.200s/pmheap-format-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm"
		 : getenv("TMPDIR")	       ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(dir))
		return 99;
	snprintf(first_path, sizeof(first_path), "%s/first", dir);
	snprintf(second_path, sizeof(second_path), "%s/second", dir);
	for (seed = 1; seed <= n; seed++)
		try_all(seed);
	rmdir(dir);
	printf("%u pools, %u entries replayed, %u failures\n", pools, replayed,
	       failures);
	for (seed = 1; seed < TYPES; seed++) {
		printf("records of type %2u: %u\n", seed, image_seen[seed]);
		if (image_seen[seed] == 0 && (sure >> seed & 1)) {
			printf("FAIL: there is none\n");
			failures++;
		}
	}
	return failures != 0;
}
