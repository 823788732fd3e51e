/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * growth.c: regions that grow to max_size, and regions that are very large.
 */
#include "support.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define CHUNK (100 * KIB)

struct chunk {
	struct chunk *next;
	uint64_t n;
	char bytes[CHUNK - 16];
};

struct root {
	struct chunk *head;
};

static size_t fill_with_chunks(void)
{
	struct root *r = pm_root(sizeof *r);
	size_t n = r->head != NULL ? r->head->n : 0;
	struct chunk *c;

	t_given(r);
	for (;;) {
		c = PM_NEW(struct chunk);
		if (c == NULL)
			break;
		TX_START {
			TX_SET(c->n, ++n);
			TX_SET(c->next, r->head);
			TX_SET(c->bytes[sizeof c->bytes - 1], 'e');
			TX_SET(r->head, c);
		} TX_END
		ck_assert_msg(pm_tx_errno() == 0, "%s", pm_errormsg());
	}
	ck_assert_int_eq(errno, ENOMEM);
	return n;
}

static void expect_chunks(size_t n)
{
	struct root *r = pm_root(0);
	struct chunk *c;

	t_given(r);
	for (c = r->head; c != NULL; c = c->next) {
		ck_assert_ptr_eq(PM_R(pm_fat(c)), c);
		ck_assert_uint_eq(c->n, n--);
		ck_assert_int_eq(c->bytes[sizeof c->bytes - 1], 'e');
	}
	ck_assert_uint_eq(n, 0);
}

START_TEST(a_region_grows_to_its_limit_and_no_further)
{
	PmStats s;
	size_t n;

	t_ok(pm_init(t_config_of("p", MIB, 24 * MIB)));
	ck_assert_uint_eq(t_stats(PM_PRIMARY).size, MIB);
	n = fill_with_chunks();
	s = t_stats(PM_PRIMARY);
	ck_assert_uint_le(s.size, 24 * MIB);
	ck_assert_uint_eq(s.max_size, 24 * MIB);
	ck_assert_uint_ge(n * CHUNK, 19 * MIB);
	expect_chunks(n);
}
END_TEST

START_TEST(what_grew_survives_and_goes_on_growing)
{
	struct stat st;
	size_t n;

	t_ok(pm_init(t_config_of("p", MIB, 24 * MIB)));
	t_given(pm_root(64));
	t_given(pm_alloc(4 * MIB));
	ck_assert_uint_ge(t_stats(PM_PRIMARY).size, 5 * MIB);
	t_reopen("p");
	ck_assert_uint_eq(t_stats(PM_PRIMARY).max_size, 24 * MIB);
	n = fill_with_chunks();
	t_reopen("p");
	expect_chunks(n);
	ck_assert_int_eq(stat(t_path("p"), &st), 0);
	ck_assert_uint_eq((uint64_t)st.st_size, t_stats(PM_PRIMARY).size);
}
END_TEST

static void grow_then_die(void *arg)
{
	t_ok(pm_init(t_config_of("p", MIB, 24 * MIB)));
	*(size_t *)arg = fill_with_chunks();
}

START_TEST(growth_survives_a_crash)
{
	size_t n;

	t_crash(grow_then_die, &n);
	t_ok(pm_init(t_config_open("p", 0)));
	n = ((struct root *)pm_root(0))->head->n;
	ck_assert_uint_ge(n * CHUNK, 19 * MIB);
	expect_chunks(n);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, n + 1);
}
END_TEST

START_TEST(one_object_may_need_growth)
{
	char *p;

	t_ok(pm_init(t_config_of("p", MIB, 64 * MIB)));
	p = pm_calloc(1, 40 * MIB);
	t_given(p);
	ck_assert_ptr_nonnull(PM_SET(p[40 * MIB - 1], 1));
	t_null(pm_alloc(60 * MIB), ENOMEM);
	pm_free(p);
	t_given(pm_alloc(30 * MIB));
}
END_TEST

START_TEST(growth_in_a_transaction_that_aborts_leaks_nothing)
{
	uint64_t used;
	int i;

	t_ok(pm_init(t_config_of("p", MIB, 24 * MIB)));
	used = t_stats(PM_PRIMARY).used_bytes;
	for (i = 0; i < 20; i++) {
		TX_START {
			t_given(pm_alloc(10 * MIB));
			TX_ABORT(1);
		} TX_END
	}
	ck_assert_uint_eq(t_stats(PM_PRIMARY).used_bytes, used);
	t_given(pm_alloc(10 * MIB));
}
END_TEST

START_TEST(a_fixed_region_does_not_grow)
{
	t_ok(pm_init(t_config_of("p", 2 * MIB, 0)));
	ck_assert_uint_eq(t_stats(PM_PRIMARY).max_size, 2 * MIB);
	t_null(pm_alloc(3 * MIB), ENOMEM);
	(void)fill_with_chunks();
	ck_assert_uint_eq(t_stats(PM_PRIMARY).size, 2 * MIB);
}
END_TEST

START_TEST(two_regions_grow_side_by_side)
{
	int a, i;

	t_ok(pm_init(t_config_of("p", MIB, 16 * MIB)));
	a = pm_init_sec(t_config_of("a", MIB, 16 * MIB));
	ck_assert_int_gt(a, 1);
	for (i = 0; i < 60; i++) {
		t_given(pm_alloc(200 * KIB));
		t_given(pm_alloc_in(a, 200 * KIB));
	}
	ck_assert_uint_ge(t_stats(a).size, 12 * MIB);
	ck_assert_uint_ge(t_stats(PM_PRIMARY).size, 12 * MIB);
}
END_TEST

/*
 * Objects reserve their room on the medium, so an object larger than a slot
 * needs that much disk; on tmpfs it would be memory.
 */
#define LARGE (17 * GIB)

static bool may_be_large(void)
{
	if (t_is("file"))
		return true;
	printf("SKIP: %s: large pools would take memory\n", t_backend());
	return false;
}

/* Is this a refusal for lack of room? Then says so. */
static bool no_room(bool refused)
{
	if (!refused)
		return false;
	ck_assert_msg(errno == ENOSPC || errno == EFBIG || errno == ENOMEM,
		      "%s", pm_errormsg());
	printf("SKIP: no room: %s\n", pm_errormsg());
	return true;
}

START_TEST(a_sparse_pool_of_100_gib_works)
{
	struct stat st;
	char *p, *q;

	if (!may_be_large() ||
	    no_room(pm_init(t_config_of("p", 100 * GIB, 0)) != 0))
		return;
	ck_assert_int_eq(stat(t_path("p"), &st), 0);
	ck_assert_uint_eq((uint64_t)st.st_size, 100 * GIB);
	ck_assert_uint_lt((uint64_t)st.st_blocks * 512, 2 * GIB);
	ck_assert_uint_ge(t_stats(PM_PRIMARY).largest_free, 90 * GIB);
	p = pm_alloc(LARGE);
	if (no_room(p == NULL))
		return;
	q = pm_alloc(100 * MIB);
	t_given(q);
	t_given(PM_SET(p[LARGE - 1], 'p'));
	t_given(PM_SET(q[100 * MIB - 1], 'q'));
	ck_assert_int_eq(pm_region_of(p), PM_PRIMARY);
	ck_assert_int_eq(pm_region_of(p + LARGE - 1), PM_PRIMARY);
	ck_assert_int_eq(pm_region_of(q), PM_PRIMARY);
	ck_assert_ptr_eq(pm_direct(pm_fat(p + LARGE - 1)), p + LARGE - 1);
	t_reopen("p");
	ck_assert(p[LARGE - 1] == 'p' && q[100 * MIB - 1] == 'q');
	pm_free(p);
	pm_free(q);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 0);
}
END_TEST

START_TEST(a_secondary_larger_than_a_slot_lies_apart_from_others)
{
	PmWrapperConfig big = t_config_of("big", 40 * GIB, 0);
	char *p, *q;
	int a, b;

	t_init("p");
	if (!may_be_large())
		return;
	a = pm_init_sec(big);
	if (no_room(a < 0))
		return;
	b = t_init_sec("b");
	p = pm_alloc_in(a, LARGE);
	if (no_room(p == NULL))
		return;
	q = pm_alloc_in(b, 1000);
	t_given(q);
	ck_assert(q + 1000 <= p || q >= p + LARGE);
	ck_assert_int_eq(pm_region_of(p + LARGE - 1), a);
	ck_assert_int_eq(pm_region_of(q), b);
	t_given(PM_SET(p[LARGE - 1], 'x'));
	t_ok(pm_close_sec(a));
	ck_assert_int_eq(pm_region_of(p + LARGE - 1), 0);
	big.size = 0;
	big.flags &= ~PM_CREATE;
	ck_assert_int_eq(pm_init_sec(big), a);
	ck_assert_int_eq(p[LARGE - 1], 'x');
}
END_TEST

START_TEST(growth_that_found_no_addresses_is_tried_again)
{
	char *end, *taken, *p;

	t_ok(pm_init(t_config_of("p", 1 * MIB, 64 * MIB)));
	p = pm_root(64);
	t_given(p);
	end = p - ((uintptr_t)p & (MIB - 1));
	while (pm_is_pm(end))
		end += 4 * KIB;
	taken = mmap(end, 4 * KIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS |
		     MAP_FIXED_NOREPLACE, -1, 0);
	ck_assert_ptr_eq(taken, end);
	t_null(pm_alloc(2 * MIB), ENOMEM);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).size, 1 * MIB);
	/* What failed has left nothing behind, not even its length. */
	ck_assert_int_eq(munmap(taken, 4 * KIB), 0);
	t_given(pm_alloc(MIB));
	p = pm_alloc(8 * MIB);
	t_given(p);
	t_given(pm_fill(p, 'x', 8 * MIB));
	if (!t_keeps())
		return;
	t_reopen("p");
	t_bytes(p, 8 * MIB, 'x');
}
END_TEST

START_TEST(a_scratch_region_grows_and_its_file_does_not)
{
	unsigned char *before, *after;
	size_t len, len2;
	char *p;

	t_ok(pm_init(t_config_of("p", 1 * MIB, 64 * MIB)));
	t_given(pm_root(64));
	t_ok(pm_close());
	before = t_slurp(t_path("p"), &len);
	t_ok(pm_init(t_config_open("p", PM_SCRATCH)));
	p = pm_alloc(5 * MIB);
	t_given(p);
	t_given(pm_fill(p, 's', 5 * MIB));
	t_bytes(p, 5 * MIB, 's');
	ck_assert_uint_gt(t_stats(PM_PRIMARY).size, 5 * MIB);
	t_ok(pm_close());
	after = t_slurp(t_path("p"), &len2);
	ck_assert_uint_eq(len, len2);
	ck_assert_mem_eq(before, after, len);
	free(before);
	free(after);
}
END_TEST

/* From now on no more private memory than this may be promised. */
static void limit_memory(size_t more)
{
	struct rlimit limit;
	char line[128];
	size_t kib = 0;
	FILE *f = fopen("/proc/self/status", "re");

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "VmData: %zu", &kib) == 1)
			break;
	fclose(f);
	ck_assert_int_eq(getrlimit(RLIMIT_DATA, &limit), 0);
	limit.rlim_cur = more != 0 ? kib * KIB + more : limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_DATA, &limit), 0);
}

static void fill_and_die(void *arg)
{
	(void)arg;
	t_ok(pm_init(t_config_of("p", 64 * MIB, 0)));
	t_given(pm_fill(pm_alloc(30 * MIB), 'x', 30 * MIB));
}

START_TEST(memory_is_promised_to_a_working_copy_bit_by_bit_if_need_be)
{
	char *p;

	if (T_SANITIZED)
		return;
	t_ok(pm_init(t_config_of("p", 64 * MIB, 0)));
	t_given(pm_root(64));
	t_ok(pm_close());
	limit_memory(16 * MIB);
	t_ok(pm_init(t_config_open("p", 0)));
	p = pm_alloc(1000);
	t_given(p);
	t_given(pm_fill(p, 'p', 1000));
	t_null(pm_alloc(30 * MIB), ENOMEM);
	t_assert_message("working copy");
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 2);
	limit_memory(0);
	p = pm_alloc(30 * MIB);
	t_given(p);
	t_given(pm_fill(p, 'q', 30 * MIB));
	t_ok(pm_close());
	limit_memory(16 * MIB);
	t_refused(pm_init(t_config_open("p", 0)), ENOMEM);
	t_assert_message("working copy");
	limit_memory(0);
	t_ok(pm_init(t_config_open("p", 0)));
	t_bytes(p, 30 * MIB, 'q');
}
END_TEST

START_TEST(recovery_without_memory_for_a_working_copy_is_tried_again)
{
	if (T_SANITIZED)
		return;
	t_crash(fill_and_die, NULL);
	limit_memory(16 * MIB);
	t_refused(pm_init(t_config_open("p", 0)), ENOMEM);
	/* Here both the copy of the file and that of the objects count, and
	 * the log is replayed into both. */
	limit_memory(0);
	limit_memory(80 * MIB);
	t_refused(pm_init(t_config_open("p", PM_SCRATCH)), ENOMEM);
	t_assert_message("working copy");
	limit_memory(0);
	t_ok(pm_init(t_config_open("p", 0)));
	t_bytes(pm_first(PM_PRIMARY, 0), 30 * MIB, 'x');
}
END_TEST

int main(void)
{
	t_begin("growth");
	t_add(a_region_grows_to_its_limit_and_no_further, T_ANY);
	t_add(what_grew_survives_and_goes_on_growing, T_KEEPS);
	t_add(growth_survives_a_crash, T_KEEPS);
	t_add(one_object_may_need_growth, T_ANY);
	t_add(growth_in_a_transaction_that_aborts_leaks_nothing, T_ANY);
	t_add(a_fixed_region_does_not_grow, T_ANY);
	t_add(two_regions_grow_side_by_side, T_ANY);
	t_add(growth_that_found_no_addresses_is_tried_again, T_ANY);
	t_add(a_sparse_pool_of_100_gib_works, T_KEEPS);
	t_add(a_secondary_larger_than_a_slot_lies_apart_from_others, T_KEEPS);
	t_add(a_scratch_region_grows_and_its_file_does_not, T_KEEPS);
	t_add(memory_is_promised_to_a_working_copy_bit_by_bit_if_need_be,
	      T_KEEPS);
	t_add(recovery_without_memory_for_a_working_copy_is_tried_again,
	      T_KEEPS);
	return t_end();
}
