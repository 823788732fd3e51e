/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nested.c: transactions inside transactions.
 */
#include "support.h"

#define DEPTH 50

struct root {
	uint64_t cell[64];
	char *object[4];
};

static struct root *start(void)
{
	struct root *r;

	t_init("p");
	r = pm_root(sizeof *r);
	t_given(r);
	return r;
}

START_TEST(an_inner_abort_undoes_only_itself)
{
	struct root *r = start();
	int inner = 0;

	TX_START {
		TX_SET(r->cell[0], 1);
		TX_SET(r->cell[1], 1);
		TX_START {
			ck_assert_int_eq(pm_tx_level(), 2);
			TX_SET(r->cell[1], 2);
			TX_SET(r->cell[2], 2);
			TX_ABORT(EDOM);
		} TX_ONABORT {
			inner = errno;
			ck_assert_int_eq(pm_tx_level(), 1);
		} TX_END
		ck_assert(r->cell[0] == 1 && r->cell[1] == 1);
		ck_assert_uint_eq(r->cell[2], 0);
		TX_SET(r->cell[3], 3);
	} TX_END
	ck_assert_int_eq(inner, EDOM);
	ck_assert_int_eq(pm_tx_errno(), 0);
	if (t_keeps())
		t_reopen("p");
	ck_assert(r->cell[0] == 1 && r->cell[1] == 1);
	ck_assert(r->cell[2] == 0 && r->cell[3] == 3);
}
END_TEST

START_TEST(an_outer_abort_undoes_inner_commits)
{
	struct root *r = start();
	int inner = 0;

	TX_START {
		TX_SET(r->cell[0], 1);
		TX_START {
			TX_SET(r->cell[1], 2);
			TX_SET(r->object[0], pm_alloc(100));
		} TX_ONCOMMIT {
			inner++;
		} TX_END
		ck_assert_uint_eq(r->cell[1], 2);
		TX_ABORT(EPIPE);
	} TX_END
	ck_assert_int_eq(inner, 1);
	ck_assert_int_eq(pm_tx_errno(), EPIPE);
	ck_assert(r->cell[0] == 0 && r->cell[1] == 0);
	ck_assert_ptr_null(r->object[0]);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 1);
}
END_TEST

START_TEST(an_inner_abort_restores_what_the_outer_wrote_after_adding)
{
	struct root *r = start();

	TX_START {
		TX_ADD_RANGE(r->cell, sizeof r->cell);
		r->cell[5] = 55;
		TX_START {
			TX_ADD(&r->cell[5]);
			r->cell[5] = 66;
			TX_ADD(&r->cell[5]);
			r->cell[5] = 77;
			TX_ABORT(1);
		} TX_END
		ck_assert_uint_eq(r->cell[5], 55);
		r->cell[6] = 56;
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
	if (t_keeps())
		t_reopen("p");
	ck_assert(r->cell[5] == 55 && r->cell[6] == 56);
}
END_TEST

START_TEST(an_inner_abort_restores_an_object_the_outer_made)
{
	struct root *r = start();
	char *p;

	TX_START {
		p = pm_alloc(200);
		t_given(p);
		memset(p, 'o', 200);
		TX_START {
			ck_assert_int_eq(TX_ADD_RANGE(p, 200), 0);
			memset(p, 'i', 200);
			TX_ABORT(1);
		} TX_END
		ck_assert(p[0] == 'o' && p[199] == 'o');
		TX_SET(r->object[0], p);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
	if (t_keeps())
		t_reopen("p");
	ck_assert(r->object[0][0] == 'o' && r->object[0][199] == 'o');
}
END_TEST

START_TEST(a_doomed_inner_level_does_not_doom_the_outer)
{
	struct root *r = start();
	int local = 0, inner = 0;

	TX_START {
		TX_SET(r->cell[0], 1);
		TX_START {
			TX_SET(r->cell[1], 1);
			t_refused(TX_ADD(&local), EINVAL);
		} TX_ONABORT {
			inner = errno;
		} TX_END
		TX_SET(r->cell[2], 1);
	} TX_END
	ck_assert_int_eq(inner, EINVAL);
	ck_assert_int_eq(pm_tx_errno(), 0);
	ck_assert(r->cell[0] == 1 && r->cell[1] == 0 && r->cell[2] == 1);
}
END_TEST

START_TEST(a_doomed_outer_level_undoes_an_inner_commit)
{
	struct root *r = start();
	int local = 0;

	TX_START {
		t_refused(TX_ADD(&local), EINVAL);
		TX_START {
			TX_SET(r->cell[1], 1);
		} TX_END
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), EINVAL);
	ck_assert_uint_eq(r->cell[1], 0);
}
END_TEST

START_TEST(allocations_of_an_aborted_inner_level_are_given_back)
{
	struct root *r = start();
	uint64_t used;
	char *p;

	t_given(PM_SET(r->object[0], pm_alloc(64)));
	t_given(PM_SET(r->object[1], pm_alloc(64)));
	used = t_stats(PM_PRIMARY).used_bytes;
	TX_START {
		p = pm_alloc(64);
		t_given(p);
		TX_START {
			t_given(pm_alloc(64));
			t_given(pm_alloc(70000));
			pm_free(r->object[1]);
			pm_free(p);
			TX_ABORT(1);
		} TX_END
		ck_assert_uint_ge(pm_usable_size(p), 64);
		ck_assert_uint_ge(pm_usable_size(r->object[1]), 64);
		pm_free(r->object[0]);
		TX_SET(r->object[0], p);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).used_bytes, used);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 3);
	if (t_keeps())
		t_reopen("p");
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 3);
}
END_TEST

static void descend(struct root *r, int depth, int abort_at)
{
	TX_START {
		ck_assert_int_eq(pm_tx_level(), depth + 1);
		TX_SET(r->cell[depth], (uint64_t)depth + 1);
		TX_SET(r->cell[63], (uint64_t)depth);
		if (depth + 1 < DEPTH)
			descend(r, depth + 1, abort_at);
		if (depth == abort_at)
			TX_ABORT(1);
	} TX_END
}

START_TEST(fifty_levels_nest)
{
	struct root *r = start();
	int i;

	descend(r, 0, -1);
	ck_assert_int_eq(pm_tx_errno(), 0);
	for (i = 0; i < DEPTH; i++)
		ck_assert_uint_eq(r->cell[i], (uint64_t)i + 1);
	ck_assert_uint_eq(r->cell[63], DEPTH - 1);
	t_given(pm_fill(r->cell, 0, sizeof r->cell));
	descend(r, 0, 20);
	ck_assert_int_eq(pm_tx_errno(), 0);
	for (i = 0; i < DEPTH; i++)
		ck_assert_uint_eq(r->cell[i], i < 20 ? (uint64_t)i + 1 : 0);
	ck_assert_uint_eq(r->cell[63], 19);
}
END_TEST

static int inner_return(struct root *r)
{
	TX_START {
		TX_SET(r->cell[1], 1);
		return 1;
	} TX_END
	return 0;
}

START_TEST(return_from_an_inner_block_undoes_only_it)
{
	struct root *r = start();

	TX_START {
		TX_SET(r->cell[0], 1);
		ck_assert_int_eq(inner_return(r), 1);
		ck_assert_int_eq(pm_tx_level(), 1);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
	ck_assert(r->cell[0] == 1 && r->cell[1] == 0);
}
END_TEST

static int return_from_two(struct root *r)
{
	TX_START {
		TX_SET(r->cell[0], 1);
		TX_START {
			TX_SET(r->cell[1], 1);
			return 1;
		} TX_END
	} TX_END
	return 0;
}

START_TEST(return_through_two_blocks_undoes_both)
{
	struct root *r = start();

	ck_assert_int_eq(return_from_two(r), 1);
	ck_assert_int_eq(pm_tx_level(), 0);
	ck_assert(r->cell[0] == 0 && r->cell[1] == 0);
}
END_TEST

static char order[32];

static void note(void *arg)
{
	strcat(order, arg);
}

START_TEST(registered_calls_follow_their_level)
{
	struct root *r = start();

	TX_START {
		t_ok(pm_tx_on_commit(note, "A"));
		t_ok(pm_tx_on_abort(note, "a"));
		TX_START {
			t_ok(pm_tx_on_commit(note, "B"));
			t_ok(pm_tx_on_abort(note, "b"));
		} TX_END
		ck_assert_str_eq(order, "");
		TX_START {
			t_ok(pm_tx_on_commit(note, "C"));
			t_ok(pm_tx_on_abort(note, "c"));
			t_ok(pm_tx_on_abort(note, "d"));
			TX_ABORT(1);
		} TX_END
		ck_assert_str_eq(order, "dc");
		TX_SET(r->cell[0], 1);
	} TX_END
	ck_assert_str_eq(order, "dcAB");
	order[0] = '\0';
	TX_START {
		t_ok(pm_tx_on_abort(note, "a"));
		TX_START {
			t_ok(pm_tx_on_abort(note, "b"));
		} TX_END
		TX_ABORT(1);
	} TX_END
	ck_assert_str_eq(order, "ba");
}
END_TEST

static void leave_inner_aborted(void *arg)
{
	struct root *r = start();

	(void)arg;
	TX_START {
		TX_SET(r->cell[0], 1);
		TX_START {
			TX_SET(r->cell[0], 2);
			TX_SET(r->cell[1], 2);
			TX_SET(r->object[0], pm_alloc(40));
			TX_ABORT(1);
		} TX_END
		TX_START {
			TX_SET(r->cell[2], 3);
		} TX_END
	} TX_END
}

START_TEST(after_a_crash_an_aborted_inner_level_is_not_there)
{
	struct root *r;

	t_crash(leave_inner_aborted, NULL);
	t_ok(pm_init(t_config_open("p", 0)));
	r = pm_root(0);
	ck_assert(r->cell[0] == 1 && r->cell[1] == 0 && r->cell[2] == 3);
	ck_assert_ptr_null(r->object[0]);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 1);
}
END_TEST

static void stop_after_inner_commit(void *arg)
{
	struct root *r = start();

	(void)arg;
	t_ok(pm_tx_begin());
	TX_START {
		TX_SET(r->cell[0], 1);
	} TX_END
}

START_TEST(an_inner_commit_alone_is_not_durable)
{
	struct root *r;

	t_crash(stop_after_inner_commit, NULL);
	t_ok(pm_init(t_config_open("p", 0)));
	r = pm_root(0);
	t_given(r);
	ck_assert_uint_eq(r->cell[0], 0);
}
END_TEST

START_TEST(a_block_whose_transaction_was_ended_inside_it_says_so)
{
	struct root *r = start();
	int aborted = 0;

	TX_START {
		TX_SET(r->cell[0], 1);
		t_ok(pm_tx_commit());
	} TX_ONABORT {
		aborted = errno;
	} TX_END
	ck_assert_int_eq(aborted, EINVAL);
	t_assert_message("inside its block");
	TX_START {
		TX_SET(r->cell[1], 1);
		t_ok(pm_tx_commit());
		break;
	} TX_ONABORT {
		aborted++;
	} TX_END
	ck_assert_int_eq(aborted, EINVAL + 1);
	ck_assert_int_eq(pm_tx_level(), 0);
	ck_assert(r->cell[0] == 1 && r->cell[1] == 1);
}
END_TEST

START_TEST(a_level_left_open_in_a_block_dooms_it)
{
	struct root *r = start();

	TX_START {
		TX_SET(r->cell[0], 1);
		t_ok(pm_tx_begin());
		TX_SET(r->cell[1], 1);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), EINVAL);
	ck_assert_int_eq(pm_tx_level(), 0);
	ck_assert(r->cell[0] == 0 && r->cell[1] == 0);
	t_given(PM_SET(r->cell[0], 2));
}
END_TEST

static int leave_after_an_inner_abort(void)
{
	TX_START {
		TX_START {
			TX_ABORT(EAGAIN);
		} TX_END
		t_assert_message("aborted by the program");
		return 1;
	} TX_END
	return 0;
}

START_TEST(a_block_left_after_an_inner_abort_is_told)
{
	t_init("p");
	ck_assert_int_eq(leave_after_an_inner_abort(), 1);
	ck_assert_int_eq(pm_tx_errno(), ECANCELED);
	t_assert_message("was left before TX_END");
}
END_TEST

int main(void)
{
	t_begin("nested");
	t_add(an_inner_abort_undoes_only_itself, T_ANY);
	t_add(an_outer_abort_undoes_inner_commits, T_ANY);
	t_add(an_inner_abort_restores_what_the_outer_wrote_after_adding, T_ANY);
	t_add(an_inner_abort_restores_an_object_the_outer_made, T_ANY);
	t_add(a_doomed_inner_level_does_not_doom_the_outer, T_ANY);
	t_add(a_doomed_outer_level_undoes_an_inner_commit, T_ANY);
	t_add(allocations_of_an_aborted_inner_level_are_given_back, T_ANY);
	t_add(fifty_levels_nest, T_ANY);
	t_add(return_from_an_inner_block_undoes_only_it, T_ANY);
	t_add(return_through_two_blocks_undoes_both, T_ANY);
	t_add(registered_calls_follow_their_level, T_ANY);
	t_add(after_a_crash_an_aborted_inner_level_is_not_there, T_KEEPS);
	t_add(an_inner_commit_alone_is_not_durable, T_KEEPS);
	t_add(a_block_whose_transaction_was_ended_inside_it_says_so, T_ANY);
	t_add(a_level_left_open_in_a_block_dooms_it, T_ANY);
	t_add(a_block_left_after_an_inner_abort_is_told, T_ANY);
	return t_end();
}
