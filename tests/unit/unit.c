/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * unit.c: the main program of a unit test, and a region in plain memory.
 */
#include "unit.h"

#include "region/region.h"

static void mem_write(PmMedium *m, uint64_t off, const void *src, size_t n,
		      unsigned how)
{
	(void)how;
	ck_assert_uint_le(off + n, UNIT_ROOM);
	memcpy(m->base + off, src, n);
}

static void mem_fill(PmMedium *m, uint64_t off, int c, size_t n, unsigned how)
{
	(void)how;
	ck_assert_uint_le(off + n, UNIT_ROOM);
	memset(m->base + off, c, n);
}

static void mem_flush(PmMedium *m, uint64_t off, size_t n)
{
	(void)m;
	ck_assert_uint_le(off + n, UNIT_ROOM);
}

static int mem_fence(PmMedium *m)
{
	(void)m;
	return 0;
}

static const PmBackend memory = {
	.abi = PM_BACKEND_ABI,
	.traits = PM_BACKEND_NO_FILE,
	.name = "unit",
	.write = mem_write,
	.fill = mem_fill,
	.flush = mem_flush,
	.fence = mem_fence,
};

uint8_t *unit_bytes(struct region *r)
{
	return r->md.m.base;
}

struct region *unit_region(uint64_t size, uint64_t max_size)
{
	PmWrapperConfig c = {.layout = "unit", .size = size,
			     .max_size = max_size};
	struct region *r = calloc(1, sizeof(*r));
	struct pm_zone *z;

	ck_assert_ptr_nonnull(r);
	r->hdr = aligned_alloc(PM_PAGE, PM_HDR_SIZE);
	r->md.m.base = aligned_alloc(PM_PAGE, UNIT_ROOM);
	ck_assert(r->hdr != NULL && r->md.m.base != NULL);
	memset(r->md.m.base, 0, UNIT_ROOM);
	pthread_mutex_init(&r->hdr_mu, NULL);
	r->md.m.backend = r->md.chosen = &memory;
	r->md.m.fd = -1;
	ck_assert_int_eq(header_format(r->hdr, &c), 0);
	z = &r->hdr->zone[0];
	z->off = r->zone_off = header_zone_off(r->hdr);
	z->len = r->hdr->size - z->off;
	z->n_ext = zone_extents(z->off, z->len, r->hdr->extent_size);
	r->hdr->n_zones = 1;
	r->md.m.size = r->hdr->size;
	r->size = r->hdr->size;
	r->id = r->hdr->id;
	r->home = r->md.m.base;
	header_write(r, 0);
	header_write(r, 1);
	return r;
}

void unit_region_free(struct region *r)
{
	alloc_close(r);
	free(r->md.m.base);
	free(r->hdr);
	free(r);
}

uint64_t unit_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ull);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	return z ^ z >> 31;
}

int unit_main(const char *name, const TTest *const *tests)
{
	Suite *s = suite_create(name);
	TCase *t = tcase_create(name);
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 60);
	for (; *tests; tests++)
		tcase_add_test(t, *tests);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
