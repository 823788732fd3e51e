/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * unlogged.c: stores that the library finds because nobody logged them: bugs
 * are planted, right programs are not accused.
 */
#include "support.h"

#include <fcntl.h>
#include <pthread.h>

struct root {
	uint64_t cell[8];
	void *object[64];
	pm_mutex lock;
};

static int told;
static char last[1024];

static void listen(int level, const char *message, void *arg)
{
	(void)arg;
	ck_assert_int_eq(level, PM_LOG_ERROR);
	if (!strstr(message, "without being logged"))
		return;
	told++;
	snprintf(last, sizeof last, "%s", message);
}

static struct root *start(unsigned durability)
{
	PmWrapperConfig c = t_config("p");
	struct root *r;

	t_ok(pm_set_logger(PM_LOG_ERROR, listen, NULL));
	c.flags |= PM_DEBUG_UNLOGGED;
	c.durability = durability;
	t_ok(pm_init(c));
	r = pm_root(sizeof *r);
	t_given(r);
	return r;
}

static void empty_transaction(void)
{
	TX_START {
	} TX_END
}

/* Was there this one report since the last call, about so many bytes there? */
static void expect(const void *at, size_t n, const void *object, size_t off)
{
	char want[256];

	ck_assert_int_eq(told, 1);
	snprintf(want, sizeof want, ": %zu byte%s at %p changed without being "
		 "logged: offset %zu in the object at %p (", n,
		 n == 1 ? "" : "s", at, off, object);
	ck_assert_msg(strstr(last, want), "\"%s\" lacks \"%s\"", last, want);
	told = 0;
}

START_TEST(a_forgotten_add_is_found_at_its_transaction)
{
	struct root *r = start(PM_STRICT);
	char line[64];

	TX_START {
		TX_SET(r->cell[0], 1);
		r->cell[2] = UINT64_MAX;
	} TX_END snprintf(line, sizeof line, "unlogged.c:%d", __LINE__ - 3);
	expect(&r->cell[2], 8, r, 16);
	ck_assert_msg(strstr(last, line), "\"%s\" lacks %s", last, line);
	ck_assert_msg(strstr(last, t_path("p")) || !t_keeps(), "%s", last);
	/* Told once, and no later transaction is accused. */
	TX_START {
		TX_SET(r->cell[0], 2);
	} TX_END
	ck_assert_int_eq(told, 0);
	t_ok(pm_close());
	ck_assert_int_eq(told, 0);
}
END_TEST

START_TEST(a_store_through_a_wrong_pointer_is_found)
{
	struct root *r = start(PM_STRICT);
	uint32_t *p = pm_alloc(100);
	int sec = t_init_sec("s");
	uint8_t *q = pm_alloc_type(PM_PRIMARY, 3000, 7);

	t_given(p);
	t_given(q);
	ck_assert_int_gt(sec, 0);
	TX_START {
		TX_ADD_RANGE(p, 16);
		p[5] = ~p[5];
	} TX_END
	expect(&p[5], 4, p, 20);
	TX_START {
		TX_SET(r->cell[0], 1);
		q[2999]++;
	} TX_END
	expect(&q[2999], 1, q, 2999);
	ck_assert_msg(strstr(last, "type 7"), "%s", last);
}
END_TEST

START_TEST(a_store_after_the_end_is_found_by_the_next_transaction)
{
	struct root *r = start(PM_STRICT);

	TX_START {
		TX_SET(r->cell[3], 1);
	} TX_END
	r->cell[3] = 0xff00000000000002;
	ck_assert_int_eq(told, 0);
	empty_transaction();
	expect(&r->cell[3], 8, r, 24);
}
END_TEST

START_TEST(a_store_after_the_last_transaction_is_found_at_the_closing)
{
	struct root *r = start(PM_STRICT);

	r->cell[7] = UINT64_MAX;
	r->object[1] = r;
	t_ok(pm_close());
	ck_assert_int_eq(told, 2);
	ck_assert_msg(strstr(last, "closed"), "%s", last);
}
END_TEST

START_TEST(an_unlogged_store_is_found_in_a_transaction_that_aborts)
{
	struct root *r = start(PM_STRICT);

	TX_START {
		TX_SET(r->cell[0], 1);
		r->cell[1] = UINT64_MAX;
		TX_ABORT(ECANCELED);
	} TX_END
	expect(&r->cell[1], 8, r, 8);
}
END_TEST

START_TEST(a_transaction_without_a_block_is_named_by_its_caller)
{
	struct root *r = start(PM_STRICT);

	t_ok(pm_tx_begin());
	r->cell[1] = UINT64_MAX;
	t_ok(pm_tx_commit());
	expect(&r->cell[1], 8, r, 8);
	ck_assert_msg(strstr(last, "unlogged(+0x"), "%s", last);
}
END_TEST

static int fill_object(void *object, void *arg)
{
	memset(object, 9, *(size_t *)arg);
	return 0;
}

/* What leaves the working copy as it should be, in many ways. Between store and
 * pm_persist() it is not, so no other thread may look. */
static void work_well(struct root *r, unsigned seed, bool alone)
{
	size_t size = 40 + seed % 3000;
	unsigned i;
	char *p;

	TX_START {
		for (i = 0; i < 8; i++) {
			TX_SET(r->object[i], pm_alloc(size * i + 1));
			memset(r->object[i], 5, size * i + 1);
		}
		TX_START {
			p = pm_alloc(size);
			memset(p, 6, size);
			TX_SET(r->cell[1], seed);
			TX_ABORT(ECANCELED);
		} TX_END
		TX_ADD_FIELD(r, cell);
		r->cell[4]++;
		pm_free(r->object[3]);
	} TX_END
	t_given(pm_fill(r->cell, (int)seed, sizeof r->cell));
	TX_START {
		p = pm_alloc(size);
		memset(p, 7, size);
		TX_ABORT(ECANCELED);
	} TX_END
	/* The same slot, with what the rollback left in it. */
	p = pm_alloc(size);
	t_given(p);
	if (alone) {
		memset(p, 8, size);
		t_ok(pm_persist(p, size));
	}
	p = pm_realloc(p, 2 * size);
	t_given(p);
	t_ok(pm_alloc_to(&r->object[9], size, fill_object, &size));
	t_given(PM_SET(r->object[10], pm_calloc(3, size)));
	empty_transaction();
	pm_free(p);
	for (i = 0; i < 11; i++)
		if (i != 3)
			pm_free(r->object[i]);
}

START_TEST(a_right_program_is_not_accused)
{
	struct root *r = start((unsigned)_i);
	unsigned i;

	for (i = 0; i < 30; i++)
		work_well(r, i * 97, true);
	t_given(pm_root(5000));
	t_ok(pm_close());
	ck_assert_msg(told == 0, "%s", last);
}
END_TEST

/* Together they are written to their home before the commit; some are freed and
 * taken again inside. */
static void make_many(struct root *r, int value)
{
	unsigned i;

	TX_START {
		TX_ADD_FIELD(r, object);
		for (i = 0; i < 64; i++) {
			r->object[i] = pm_alloc(2900);
			memset(r->object[i], value, 2900);
			if (i % 3)
				continue;
			pm_free(r->object[i]);
			r->object[i] = pm_alloc(2800);
			memset(r->object[i], ~value, 2800);
		}
	} TX_END
	t_ok(pm_tx_errno());
}

START_TEST(many_fresh_objects_of_a_transaction_are_not_accused)
{
	struct root *r = start((unsigned)_i);
	uint8_t *p;
	unsigned i;

	make_many(r, 0x55);
	for (i = 0; i < 64; i += 2)
		pm_free(r->object[i]);
	make_many(r, 0x0f);
	ck_assert_msg(told == 0, "%s", last);
	p = r->object[33];
	p[2000] ^= 0xff;
	empty_transaction();
	expect(&p[2000], 1, p, 2000);
}
END_TEST

static int stop;

static void *run_well(void *arg)
{
	struct root *r = arg;
	unsigned i;

	for (i = 0; i < 40; i++)
		work_well(r, i * 131, false);
	return NULL;
}

static void run_threads(struct root *r, struct root **own)
{
	pthread_t thread[3];
	unsigned i;

	for (i = 0; i < 3; i++) {
		own[i] = pm_calloc(1, sizeof *r);
		t_given(own[i]);
	}
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, run_well,
						own[i]), 0);
	for (i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
}

static void *hold_open(void *arg)
{
	struct root *r = arg;
	void *p;

	TX_START {
		TX_ADD_FIELD(r, cell);
		memset(r->cell, 0xee, sizeof r->cell);
		p = pm_alloc(500);
		memset(p, 0xdd, 500);
		r->object[20] = (void *)UINTPTR_MAX;
		__atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
		while (__atomic_load_n(&stop, __ATOMIC_SEQ_CST) == 1)
			usleep(1000);
	} TX_END
	return NULL;
}

START_TEST(what_other_threads_have_logged_is_not_counted)
{
	struct root *r = start(PM_STRICT), *own[3];
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, hold_open, r), 0);
	while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST))
		usleep(1000);
	/* All it changed is its own, but for the pointer it did not add. */
	empty_transaction();
	expect(&r->object[20], 8, r, offsetof(struct root, object[20]));
	__atomic_store_n(&stop, 2, __ATOMIC_SEQ_CST);
	pthread_join(thread, NULL);
	run_threads(r, own);
	ck_assert_msg(told == 0, "%s", last);
	own[1]->cell[0] = UINT64_MAX;
	own[1]->cell[1] = UINT64_MAX;
	empty_transaction();
	expect(own[1], 16, own[1], 0);
}
END_TEST

START_TEST(threads_that_are_right_are_not_accused)
{
	struct root *r = start((unsigned)_i), *own[3];

	run_threads(r, own);
	t_ok(pm_close());
	ck_assert_msg(told == 0, "%s", last);
}
END_TEST

START_TEST(few_changes_in_a_large_region_are_found_soon)
{
	PmWrapperConfig c = t_config_of("big", 64 * MIB, 64 * MIB);
	uint64_t *p;
	int i;

	t_ok(pm_set_logger(PM_LOG_ERROR, listen, NULL));
	c.flags |= PM_DEBUG_UNLOGGED;
	t_ok(pm_init(c));
	p = pm_calloc(5, 10 * MIB);
	t_given(p);
	for (i = 0; i < 200; i++)
		empty_transaction();
	p[6 * MIB] = UINT64_MAX;
	empty_transaction();
	expect(&p[6 * MIB], 8, p, 48 * MIB);
}
END_TEST

static void forget(void *arg)
{
	struct root *r;

	(void)arg;
	t_init("p");
	r = pm_root(sizeof *r);
	t_given(r);
	TX_START {
		r->cell[5] = UINT64_MAX;
	} TX_END
	pm_free(&r->cell[5]);
}

START_TEST(the_environment_asks_for_it)
{
	char text[8192];

	t_printed(forget, "other,unlogged", text, sizeof text);
	ck_assert_msg(strstr(text, "libpmheap: error: "), "%s", text);
	ck_assert_msg(strstr(text, "offset 40 in the object"), "%s", text);
	ck_assert_msg(strstr(text, "not the start of a live"), "%s", text);
	ck_assert_msg(!strstr(text, "info: "), "%s", text);
	t_printed(forget, "log", text, sizeof text);
	ck_assert_msg(!strstr(text, "without being logged"), "%s", text);
	ck_assert_msg(strstr(text, "info: "), "%s", text);
	ck_assert_msg(strstr(text, "backend "), "%s", text);
	ck_assert_msg(strstr(text, "not the start of a live"), "%s", text);
}
END_TEST

START_TEST(a_place_that_grows_is_told_by_what_is_new)
{
	struct root *r = start(PM_STRICT);
	char *p = (char *)r->cell;

	p[3] = 1;
	empty_transaction();
	expect(p + 3, 1, r, 3);
	p[6] = 1;
	empty_transaction();
	expect(p + 6, 1, r, 6);
	empty_transaction();
	ck_assert_int_eq(told, 0);
}
END_TEST

static void forget_with_logger(void *arg)
{
	t_ok(pm_set_logger(PM_LOG_ERROR, listen, NULL));
	forget(arg);
	ck_assert_int_eq(told, 1);
}

START_TEST(a_program_with_a_logger_prints_nothing)
{
	char text[8192];

	t_printed(forget_with_logger, "log,unlogged", text, sizeof text);
	ck_assert_str_eq(text, "");
}
END_TEST

int main(void)
{
	t_begin("unlogged");
	t_add(a_forgotten_add_is_found_at_its_transaction, T_ANY);
	t_add(a_store_through_a_wrong_pointer_is_found, T_ANY);
	t_add(a_store_after_the_end_is_found_by_the_next_transaction, T_ANY);
	t_add(a_store_after_the_last_transaction_is_found_at_the_closing,
	      T_ANY);
	t_add(an_unlogged_store_is_found_in_a_transaction_that_aborts, T_ANY);
	t_add(a_transaction_without_a_block_is_named_by_its_caller, T_ANY);
	t_add_each(a_right_program_is_not_accused, T_ANY, 2);
	t_add_each(many_fresh_objects_of_a_transaction_are_not_accused, T_ANY,
		   2);
	t_add(what_other_threads_have_logged_is_not_counted, T_ANY);
	t_add_each(threads_that_are_right_are_not_accused, T_ANY, 2);
	t_add(few_changes_in_a_large_region_are_found_soon, T_ANY);
	t_add(the_environment_asks_for_it, T_ANY);
	t_add(a_place_that_grows_is_told_by_what_is_new, T_ANY);
	t_add(a_program_with_a_logger_prints_nothing, T_ANY);
	return t_end();
}
