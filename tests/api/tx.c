/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tx.c: transactions: commit, abort, leaving the block, doom, sizes.
 */
#include "support.h"

#define CELLS 4096

struct root {
	uint64_t cell[CELLS];
	char *object;
	uint64_t log;
};

static struct root *start(void)
{
	struct root *r;

	t_init("p");
	r = pm_root(sizeof *r);
	t_given(r);
	return r;
}

START_TEST(a_commit_keeps_all_changes)
{
	struct root *r = start();
	int committed = 0, aborted = 0, finally = 0;

	TX_START {
		ck_assert_int_eq(pm_tx_level(), 1);
		ck_assert_int_eq(TX_ADD(&r->cell[0]), 0);
		r->cell[0] = 1;
		TX_SET(r->cell[1], 2);
		ck_assert_ptr_eq(TX_MEMSET(&r->cell[2], 3, 8), &r->cell[2]);
		ck_assert_ptr_eq(TX_MEMCPY(&r->cell[3], &r->cell[0], 8),
				 &r->cell[3]);
		ck_assert_int_eq(TX_ADD_FIELD(r, log), 0);
		r->log = 9;
	} TX_ONCOMMIT {
		ck_assert_int_eq(pm_tx_level(), 0);
		committed++;
	} TX_ONABORT {
		aborted++;
	} TX_FINALLY {
		finally++;
	} TX_END
	ck_assert(committed == 1 && aborted == 0 && finally == 1);
	ck_assert_int_eq(pm_tx_errno(), 0);
	if (t_keeps())
		t_reopen("p");
	ck_assert(r->cell[0] == 1 && r->cell[1] == 2);
	ck_assert_uint_eq(r->cell[2], 0x0303030303030303);
	ck_assert(r->cell[3] == 1 && r->log == 9);
}
END_TEST

START_TEST(an_abort_undoes_all_changes)
{
	struct root *r = start();
	PmStats before;
	int aborted = 0, finally = 0, after = 0;

	t_given(PM_SET(r->cell[0], 100));
	before = t_stats(PM_PRIMARY);
	TX_START {
		TX_SET(r->cell[0], 1);
		TX_SET(r->cell[0], 2);
		t_given(pm_fill(&r->cell[0], 7, sizeof r->cell));
		TX_SET(r->object, pm_alloc(5000));
		t_given(r->object);
		TX_ABORT(ERANGE);
		after = 1;
	} TX_ONCOMMIT {
		ck_abort_msg("committed");
	} TX_ONABORT {
		ck_assert_int_eq(errno, ERANGE);
		ck_assert_uint_eq(r->cell[0], 100);
		aborted++;
	} TX_FINALLY {
		finally++;
	} TX_END
	ck_assert(aborted == 1 && finally == 1 && after == 0);
	ck_assert_int_eq(pm_tx_errno(), ERANGE);
	ck_assert_int_eq(pm_tx_level(), 0);
	ck_assert(r->cell[0] == 100 && r->cell[1] == 0);
	ck_assert_ptr_null(r->object);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, before.objects);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).used_bytes, before.used_bytes);
}
END_TEST

START_TEST(an_abort_leaves_nested_loops_at_once)
{
	struct root *r = start();
	int i, j, turns = 0, go = 1;

	TX_START {
		for (i = 0; i < 10; i++) {
			while (go) {
				for (j = 0; j < 10; j++) {
					turns++;
					TX_SET(r->cell[j], 1);
					if (j == 3)
						TX_ABORT(0);
				}
			}
		}
	} TX_ONABORT {
		ck_assert_int_eq(errno, ECANCELED);
		turns += 100;
	} TX_END
	ck_assert_int_eq(turns, 104);
	ck_assert_uint_eq(r->cell[0], 0);
	ck_assert_int_eq(pm_tx_errno(), ECANCELED);
}
END_TEST

static int leave_by_return(struct root *r)
{
	TX_START {
		TX_SET(r->cell[0], 5);
		return 17;
	} TX_END
	return 0;
}

START_TEST(return_out_of_the_block_rolls_back)
{
	struct root *r = start();

	ck_assert_int_eq(leave_by_return(r), 17);
	ck_assert_int_eq(pm_tx_level(), 0);
	ck_assert_uint_eq(r->cell[0], 0);
	ck_assert_int_eq(pm_tx_errno(), ECANCELED);
}
END_TEST

START_TEST(break_out_of_the_block_rolls_back)
{
	struct root *r = start();
	int aborted = 0;

	TX_START {
		TX_SET(r->cell[0], 5);
		break;
	} TX_ONABORT {
		aborted = errno;
	} TX_END
	ck_assert_int_eq(aborted, ECANCELED);
	ck_assert_int_eq(pm_tx_level(), 0);
	ck_assert_uint_eq(r->cell[0], 0);
}
END_TEST

START_TEST(goto_out_of_the_block_rolls_back)
{
	struct root *r = start();

	TX_START {
		TX_SET(r->cell[0], 5);
		if (r->cell[0] == 5)
			goto out;
	} TX_END
	ck_abort_msg("goto did not leave");
out:
	ck_assert_int_eq(pm_tx_level(), 0);
	ck_assert_uint_eq(r->cell[0], 0);
	ck_assert_int_eq(pm_tx_errno(), ECANCELED);
}
END_TEST

START_TEST(continue_is_the_normal_end_of_the_block)
{
	struct root *r = start();
	int i;

	for (i = 0; i < 3; i++) {
		TX_START {
			TX_SET(r->cell[i], 5);
			if (i == 1)
				continue;
			TX_SET(r->log, r->log + 1);
		} TX_END
		ck_assert_int_eq(pm_tx_errno(), 0);
	}
	ck_assert_uint_eq(r->cell[1], 5);
	ck_assert_uint_eq(r->log, 2);
}
END_TEST

START_TEST(a_failing_call_dooms_the_transaction)
{
	struct root *r = start();
	int aborted = 0, local = 3;

	TX_START {
		TX_SET(r->cell[0], 1);
		t_refused(TX_ADD(&local), EINVAL);
		TX_SET(r->cell[1], 1);
	} TX_ONCOMMIT {
		ck_abort_msg("committed");
	} TX_ONABORT {
		aborted = errno;
	} TX_END
	ck_assert_int_eq(aborted, EINVAL);
	ck_assert_int_eq(pm_tx_errno(), EINVAL);
	ck_assert(r->cell[0] == 0 && r->cell[1] == 0);
	TX_START {
		t_null(pm_alloc((size_t)1 << 40), ENOMEM);
	} TX_ONABORT {
		aborted = errno;
	} TX_END
	ck_assert_int_eq(aborted, ENOMEM);
	TX_START {
		TX_SET(local, 4);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), EINVAL);
	ck_assert_int_eq(local, 3);
}
END_TEST

START_TEST(calls_after_an_abort_fail_until_the_end)
{
	struct root *r = start();

	TX_START {
		TX_SET(r->cell[0], 1);
		pm_tx_abort(EIO);
		t_refused(TX_ADD(&r->cell[1]), ECANCELED);
		t_null(pm_alloc(10), ECANCELED);
		t_null(pm_fill(&r->cell[1], 1, 8), ECANCELED);
	} TX_ONABORT {
		ck_assert_int_eq(errno, EIO);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), EIO);
	ck_assert(r->cell[0] == 0 && r->cell[1] == 0);
	t_given(PM_SET(r->cell[0], 1));
}
END_TEST

START_TEST(the_functions_work_without_the_macros)
{
	struct root *r = start();

	t_ok(pm_tx_begin());
	t_ok(pm_tx_add(&r->cell[0], 8));
	r->cell[0] = 1;
	t_ok(pm_tx_commit());
	t_ok(pm_tx_begin());
	t_ok(pm_tx_add(&r->cell[0], 8));
	r->cell[0] = 2;
	pm_tx_abort(ENOENT);
	ck_assert_int_eq(pm_tx_level(), 0);
	ck_assert_uint_eq(r->cell[0], 1);
	ck_assert_int_eq(pm_tx_errno(), ENOENT);
}
END_TEST

START_TEST(calls_without_a_transaction_are_refused)
{
	struct root *r;

	t_refused(pm_tx_begin(), EINVAL);
	r = start();
	t_refused(pm_tx_commit(), EINVAL);
	t_refused(pm_tx_add(&r->cell[0], 8), EINVAL);
	t_refused(pm_tx_on_commit(free, NULL), EINVAL);
	t_refused(pm_tx_on_abort(free, NULL), EINVAL);
	t_null(TX_MEMCPY(&r->cell[0], "12345678", 8), EINVAL);
	t_null(TX_MEMSET(&r->cell[0], 1, 8), EINVAL);
	errno = 0;
	pm_tx_abort(EIO);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_uint_eq(r->cell[0], 0);
}
END_TEST

static char order[32];

static void note(void *arg)
{
	ck_assert_int_eq(pm_tx_level(), 0);
	strcat(order, arg);
}

START_TEST(registered_calls_run_in_order)
{
	struct root *r = start();

	TX_START {
		t_ok(pm_tx_on_commit(note, "a"));
		t_ok(pm_tx_on_abort(note, "x"));
		t_ok(pm_tx_on_commit(note, "b"));
		t_ok(pm_tx_on_commit(note, "c"));
		TX_SET(r->log, 1);
	} TX_END
	ck_assert_str_eq(order, "abc");
	order[0] = '\0';
	TX_START {
		t_ok(pm_tx_on_abort(note, "1"));
		t_ok(pm_tx_on_commit(note, "x"));
		t_ok(pm_tx_on_abort(note, "2"));
		t_ok(pm_tx_on_abort(note, "3"));
		TX_ABORT(1);
	} TX_END
	ck_assert_str_eq(order, "321");
}
END_TEST

static void write_more(void *arg)
{
	struct root *r = arg;

	TX_START {
		TX_SET(r->log, r->log + 1);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
}

START_TEST(a_registered_call_may_start_a_transaction)
{
	struct root *r = start();

	TX_START {
		t_ok(pm_tx_on_commit(write_more, r));
		t_ok(pm_tx_on_commit(write_more, r));
		TX_SET(r->cell[0], 1);
	} TX_END
	ck_assert_uint_eq(r->log, 2);
	ck_assert_uint_eq(r->cell[0], 1);
}
END_TEST

START_TEST(a_free_takes_effect_with_the_commit)
{
	struct root *r = start();
	char *p = pm_calloc(1, 64), *q;

	t_given(p);
	t_given(PM_SET(r->object, p));
	TX_START {
		pm_free(p);
		TX_SET(r->object, NULL);
		q = pm_alloc(64);
		t_given(q);
		ck_assert_ptr_ne(q, p);
		TX_ABORT(1);
	} TX_END
	ck_assert_ptr_eq(r->object, p);
	ck_assert_uint_ge(pm_usable_size(p), 64);
	ck_assert_int_eq(p[0], 0);
	TX_START {
		pm_free(p);
		TX_SET(r->object, NULL);
	} TX_END
	ck_assert_uint_eq(pm_usable_size(p), 0);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 1);
}
END_TEST

START_TEST(an_object_made_and_freed_in_one_transaction_is_gone)
{
	char *p;

	(void)start();
	TX_START {
		p = pm_alloc(300);
		t_given(p);
		memset(p, 1, 300);
		pm_free(p);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 1);
	if (t_keeps())
		t_reopen("p");
	ck_assert_uint_eq(t_stats(PM_PRIMARY).objects, 1);
}
END_TEST

static void alloc_without_add(void *arg)
{
	struct root *r = start();
	char *p;

	(void)arg;
	TX_START {
		p = pm_alloc(50000);
		t_given(p);
		memset(p, 'n', 50000);
		p[49999] = 'o';
		TX_SET(r->object, p);
		p = pm_alloc(100);
		t_given(p);
		memset(p, 's', 100);
		TX_SET(r->cell[0], (uintptr_t)p);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
}

START_TEST(objects_made_in_a_transaction_need_no_add)
{
	struct root *r;

	t_crash(alloc_without_add, NULL);
	t_ok(pm_init(t_config_open("p", 0)));
	r = pm_root(0);
	t_bytes(r->object, 49999, 'n');
	ck_assert_int_eq(r->object[49999], 'o');
	t_bytes((char *)(uintptr_t)r->cell[0], 100, 's');
}
END_TEST

static int leave_block(int how)
{
	volatile int i;

	for (i = 0; i < 1; i++) {
		TX_START {
			if (how == 0)
				return 1;
			if (how == 1)
				break;
			if (how == 2)
				goto out;
		} TX_END
	}
out:
	return 0;
}

START_TEST(a_block_that_is_left_is_told)
{
	int how;

	t_init("p");
	t_given(pm_root(64));
	for (how = 0; how < 3; how++) {
		t_null(pm_alloc(1ul << 40), ENOMEM);
		(void)leave_block(how);
		ck_assert_int_eq(pm_tx_errno(), ECANCELED);
		t_assert_message("was left before TX_END");
		t_assert_message("tests/api/tx.c:");
	}
}
END_TEST

START_TEST(an_abort_is_told_unless_something_failed)
{
	t_init("p");
	t_null(pm_alloc(1ul << 40), ENOMEM);
	TX_START {
		TX_ABORT(EAGAIN);
	} TX_END
	t_assert_message("aborted by the program");
	TX_START {
		t_null(pm_alloc(1ul << 40), ENOMEM);
		TX_ABORT(ENOMEM);
	} TX_END
	t_assert_message("no room for an object of 1099511627776 bytes");
	t_assert_message("max_size");
}
END_TEST

int main(void)
{
	t_begin("tx");
	t_add(a_commit_keeps_all_changes, T_ANY);
	t_add(an_abort_undoes_all_changes, T_ANY);
	t_add(an_abort_leaves_nested_loops_at_once, T_ANY);
	t_add(return_out_of_the_block_rolls_back, T_ANY);
	t_add(break_out_of_the_block_rolls_back, T_ANY);
	t_add(goto_out_of_the_block_rolls_back, T_ANY);
	t_add(continue_is_the_normal_end_of_the_block, T_ANY);
	t_add(a_failing_call_dooms_the_transaction, T_ANY);
	t_add(calls_after_an_abort_fail_until_the_end, T_ANY);
	t_add(the_functions_work_without_the_macros, T_ANY);
	t_add(calls_without_a_transaction_are_refused, T_ANY);
	t_add(registered_calls_run_in_order, T_ANY);
	t_add(a_registered_call_may_start_a_transaction, T_ANY);
	t_add(a_free_takes_effect_with_the_commit, T_ANY);
	t_add(an_object_made_and_freed_in_one_transaction_is_gone, T_ANY);
	t_add(objects_made_in_a_transaction_need_no_add, T_KEEPS);
	t_add(a_block_that_is_left_is_told, T_ANY);
	t_add(an_abort_is_told_unless_something_failed, T_ANY);
	return t_end();
}
