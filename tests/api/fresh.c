/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fresh.c: objects that a transaction has just made: many in one slab, over
 * levels, freed and made again before they are committed.
 */
#include "support.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define ROWS 150		/* more than two words of a bitmap */

struct item {
	struct item *next;
	uint64_t n;
	unsigned char bytes[40];
};

struct root {
	struct item *list;
	struct item *one;
	char	    *text;
};

static struct root *start(void)
{
	struct root *r;

	t_ok(pm_init(t_config_of("p", MIB, 0)));
	r = pm_root(sizeof *r);
	t_given(r);
	return r;
}

static void push(struct root *r, uint64_t n)
{
	struct item *i = pm_alloc(sizeof *i);

	t_given(i);
	i->next = r->list;
	i->n = n;
	memset(i->bytes, (int)n, sizeof i->bytes);
	TX_SET(r->list, i);
}

/* The list goes from n - 1 down to 0 by steps. */
static void check_list(const struct root *r, uint64_t n, uint64_t step)
{
	const struct item *i;

	for (i = r->list; i; i = i->next) {
		ck_assert_uint_ge(n, step);
		n -= step;
		ck_assert_uint_eq(i->n, n);
		t_bytes(i->bytes, sizeof i->bytes, (int)(unsigned char)n);
	}
	ck_assert_uint_eq(n, 0);
}

static void make_rows(void *arg)
{
	struct root *r = start();
	void *gone[ROWS];
	int i;

	(void)arg;
	/* Every other slot is freed again. */
	TX_START {
		for (i = 0; i < ROWS; i++) {
			gone[i] = pm_alloc(sizeof(struct item));
			t_given(gone[i]);
			push(r, (uint64_t)i);
		}
		for (i = 0; i < ROWS; i++)
			pm_free(gone[i]);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
}

START_TEST(rows_with_holes_are_whole_after_a_crash)
{
	t_crash(make_rows, NULL);
	t_ok(pm_init(t_config_open("p", 0)));
	check_list(pm_root(0), ROWS, 1);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, ROWS + 1);
}
END_TEST

START_TEST(what_a_level_frees_it_gets_again)
{
	struct root *r = start();
	struct item *first, *again = NULL;
	int i;

	TX_START {
		first = pm_alloc(sizeof *first);
		for (i = 0; i < 1000; i++) {
			again = i ? pm_alloc(sizeof *again) : first;
			ck_assert_ptr_eq(again, first);
			pm_free(again);
			errno = 0;
			pm_free(again);
			ck_assert_int_eq(errno, EINVAL);
		}
		again = pm_alloc(sizeof *again);
		again->n = 17;
		TX_SET(r->one, again);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
	if (t_keeps())
		t_reopen("p");
	r = pm_root(0);
	ck_assert_uint_eq(r->one->n, 17);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 2);
}
END_TEST

START_TEST(what_is_made_again_is_of_the_size_and_type_asked_for)
{
	void *p, *q = NULL;

	(void)start();
	TX_START {
		p = pm_alloc_type(PM_PRIMARY, 64, 5);
		pm_free(p);
		q = pm_alloc(64);
		ck_assert_ptr_ne(p, q);
		q = pm_alloc_type(PM_PRIMARY, 300, 5);
		ck_assert_uint_ge(pm_usable_size(q), 300);
		q = pm_alloc_type(PM_PRIMARY, 60, 5 | PM_ZERO);
		ck_assert_ptr_eq(p, q);
		t_bytes(q, 60, 0);
		pm_free(pm_alloc(300));
		ck_assert_uint_lt(pm_usable_size(pm_alloc(100)), 300);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
	ck_assert_uint_eq(pm_type_of(q), 5);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 5);
}
END_TEST

START_TEST(levels_share_a_word_and_only_the_aborted_one_is_undone)
{
	struct root *r = start();
	struct item *outer, *inner;

	TX_START {
		outer = pm_alloc(sizeof *outer);
		outer->n = 1;
		TX_SET(r->one, outer);
		TX_START {
			inner = pm_alloc(sizeof *inner);
			inner->n = 2;
			TX_SET(r->list, inner);
			TX_SET(outer->n, 3);
			pm_free(outer);
			TX_ABORT(1);
		} TX_END
		ck_assert_uint_eq(outer->n, 1);
		ck_assert_ptr_null(r->list);
		/* It is this level's again: logged with the object. */
		TX_SET(outer->n, 4);
		push(r, 0);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
	if (t_keeps())
		t_reopen("p");
	r = pm_root(0);
	ck_assert_uint_eq(r->one->n, 4);
	check_list(r, 1, 1);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 3);
}
END_TEST

START_TEST(an_inner_level_frees_what_the_outer_made)
{
	struct item *outer[3];
	int i;

	(void)start();
	TX_START {
		for (i = 0; i < 3; i++)
			outer[i] = pm_alloc(sizeof *outer[i]);
		TX_START {
			pm_free(outer[1]);
			t_given(pm_alloc(sizeof(struct item)));
		} TX_END
		/* Not in use again before the levels are one. */
		t_given(pm_alloc(sizeof(struct item)));
		pm_free(outer[0]);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 4);
	errno = 0;
	pm_free(outer[1]);
	ck_assert_int_eq(errno, EINVAL);
	if (t_keeps())
		t_reopen("p");
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 4);
	pm_free(outer[2]);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 3);
}
END_TEST

START_TEST(an_inner_level_does_not_take_what_the_outer_freed)
{
	(void)start();
	TX_START {
		pm_free(pm_alloc(sizeof(struct item)));
		TX_START {
			t_given(pm_alloc(sizeof(struct item)));
			TX_ABORT(1);
		} TX_END
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 1);
	if (t_keeps())
		t_reopen("p");
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 1);
}
END_TEST

START_TEST(an_abort_after_freeing_and_making_again_leaves_nothing)
{
	struct root *r = start();
	PmStats before = t_stats(PM_PRIMARY);
	int round, i;

	for (round = 0; round < 5; round++) {
		TX_START {
			for (i = 0; i < ROWS; i++) {
				push(r, (uint64_t)i);
				if (i % 3)
					pm_free(pm_alloc(sizeof(struct item)));
				if (i % 7 == 0)
					pm_free(pm_alloc(5000));
			}
			TX_ABORT(1);
		} TX_END
		ck_assert_ptr_null(r->list);
		ck_assert_uint_eq(t_stats(PM_PRIMARY).used_bytes,
				  before.used_bytes);
		ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 1);
	}
	TX_START {
		push(r, 0);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
	check_list(r, 1, 1);
}
END_TEST

/* Contents of different lengths in one class, more than a lane holds. */
START_TEST(neighbours_of_different_lengths_keep_their_bytes)
{
	static unsigned char *p[2000];
	size_t i;

	t_ok(pm_init(t_config_of("p", 4 * MIB, 0)));
	TX_START {
		for (i = 0; i < 2000; i++) {
			p[i] = pm_alloc(481 + i % 32);
			t_given(p[i]);
			memset(p[i], (int)(i % 251), 481 + i % 32);
		}
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
	if (t_keeps())
		t_reopen("p");
	for (i = 0; i < 2000; i++)
		t_bytes(p[i], 481 + i % 32, (int)(i % 251));
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 2000);
}
END_TEST

/* A thread takes slots by the word: nobody is to see them. */
START_TEST(only_what_was_handed_out_is_an_object)
{
	char *p;
	int i;

	(void)start();
	p = pm_alloc_type(PM_PRIMARY, 64, 9);
	t_given(p);
	for (i = -3; i <= 3; i++) {
		errno = 0;
		if (i)
			pm_free(p + 64 * i);
		ck_assert_int_eq(errno, i ? EINVAL : 0);
	}
	ck_assert_ptr_eq(pm_first(PM_PRIMARY, 9), p);
	ck_assert_ptr_null(pm_next(p));
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 2);
	pm_free(p);
	ck_assert_ptr_null(pm_first(PM_PRIMARY, 9));
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 1);
}
END_TEST

static uint64_t fill(void)
{
	uint64_t n = 0;

	while (pm_alloc(64))
		n++;
	ck_assert_int_eq(errno, ENOMEM);
	return n;
}

static void *take_one(void *arg)
{
	TX_START {
		void *p = pm_alloc(64);

		*(void **)arg = pm_alloc(64);
		pm_free(p);
	} TX_END
	return NULL;
}

START_TEST(what_a_thread_took_and_did_not_use_is_free_when_it_ends)
{
	pthread_t thread;
	uint64_t n;
	void *p;

	(void)start();
	n = fill();
	t_ok(pm_close());
	(void)unlink(t_path("p"));
	(void)start();
	ck_assert_int_eq(pthread_create(&thread, NULL, take_one, &p), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	t_given(p);
	ck_assert_uint_eq(fill() + 1, n);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, n + 1);
}
END_TEST

int main(void)
{
	t_begin("fresh");
	t_add(rows_with_holes_are_whole_after_a_crash, T_KEEPS);
	t_add(what_a_level_frees_it_gets_again, T_ANY);
	t_add(what_is_made_again_is_of_the_size_and_type_asked_for, T_ANY);
	t_add(levels_share_a_word_and_only_the_aborted_one_is_undone, T_ANY);
	t_add(an_inner_level_frees_what_the_outer_made, T_ANY);
	t_add(an_inner_level_does_not_take_what_the_outer_freed, T_ANY);
	t_add(an_abort_after_freeing_and_making_again_leaves_nothing, T_ANY);
	t_add(neighbours_of_different_lengths_keep_their_bytes, T_ANY);
	t_add(only_what_was_handed_out_is_an_object, T_ANY);
	t_add(what_a_thread_took_and_did_not_use_is_free_when_it_ends, T_ANY);
	return t_end();
}
