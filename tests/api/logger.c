/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * logger.c: pm_set_logger(): what a program is told, and when.
 */
#include "support.h"

#include <pthread.h>

struct kept {
	char text[64][1024];
	int level[64];
	unsigned n;
};

static struct kept kept;

static void keep(int level, const char *message, void *arg)
{
	struct kept *k = arg;

	if (k->n == T_N(k->text))
		return;
	k->level[k->n] = level;
	snprintf(k->text[k->n++], sizeof(k->text[0]), "%s", message);
	errno = 0;
}

/* The first message of this level that holds the text, or NULL. */
static const char *find(int level, const char *text)
{
	unsigned i;

	for (i = 0; i < kept.n; i++)
		if (kept.level[i] == level && strstr(kept.text[i], text))
			return kept.text[i];
	return NULL;
}

START_TEST(nothing_is_said_without_a_logger)
{
	t_ok(pm_set_logger(PM_LOG_DEBUG, keep, &kept));
	t_ok(pm_set_logger(PM_LOG_NONE, keep, &kept));
	t_init("p");
	t_ok(pm_set_logger(PM_LOG_DEBUG, keep, &kept));
	t_ok(pm_set_logger(PM_LOG_DEBUG, NULL, NULL));
	t_ok(pm_close());
	ck_assert_uint_eq(kept.n, 0);
}
END_TEST

START_TEST(an_opened_region_and_its_backend_are_told)
{
	char id[32];

	t_ok(pm_set_logger(PM_LOG_INFO, keep, &kept));
	t_init("p");
	snprintf(id, sizeof(id), "id %016llx",
		 (unsigned long long)pm_region_id(PM_PRIMARY));
	t_given(find(PM_LOG_INFO, id));
	t_given(strstr(find(PM_LOG_INFO, "made and opened as region 1"),
		       t_backend()));
	t_ok(pm_close());
	t_given(find(PM_LOG_INFO, "closed"));
	ck_assert_ptr_null(find(PM_LOG_DEBUG, ""));
}
END_TEST

START_TEST(a_failure_is_told_with_its_message_and_errno_stays)
{
	int local;

	t_init("p");
	t_ok(pm_set_logger(PM_LOG_ERROR, keep, &kept));
	ck_assert_ptr_null(pm_write(&local, "x", 1));
	ck_assert_int_eq(errno, EINVAL);
	t_given(find(PM_LOG_ERROR, pm_errormsg()));
	ck_assert_ptr_null(find(PM_LOG_INFO, ""));
}
END_TEST

START_TEST(growth_and_checkpoints_are_told)
{
	t_ok(pm_set_logger(PM_LOG_DEBUG, keep, &kept));
	t_ok(pm_init(t_config_of("p", MIB, 8 * MIB)));
	t_given(pm_alloc(3 * MIB));
	t_given(find(PM_LOG_INFO, "grown to"));
	t_ok(pm_close());
	t_given(find(PM_LOG_DEBUG, "checkpoint"));
}
END_TEST

START_TEST(a_poisoned_region_is_told)
{
	if (!t_is("file"))
		return;
	t_init("p");
	t_ok(pm_set_logger(PM_LOG_WARN, keep, &kept));
	t_ok(truncate(t_path("p"), 4096));
	ck_assert_int_eq(pm_flush(), -1);
	t_given(find(PM_LOG_WARN, t_path("p")));
}
END_TEST

static void call_again(int level, const char *message, void *arg)
{
	keep(level, message, arg);
	/* Forbidden, but no endless loop. */
	(void)!pm_alloc_in(77, 1);
}

START_TEST(a_logger_that_fails_itself_is_not_called_again)
{
	t_init("p");
	t_ok(pm_set_logger(PM_LOG_ERROR, call_again, &kept));
	(void)!pm_alloc_in(99, 1);
	ck_assert_uint_eq(kept.n, 1);
	t_given(find(PM_LOG_ERROR, "region 99"));
}
END_TEST

START_TEST(a_level_that_there_is_not_is_refused)
{
	ck_assert_int_eq(pm_set_logger(PM_LOG_DEBUG + 1, keep, &kept), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(pm_set_logger(-1, keep, &kept), -1);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

static void *fail_often(void *arg)
{
	int i;

	for (i = 0; i < 2000; i++)
		(void)!pm_alloc_in(99, 1);
	return arg;
}

static void count_message(int level, const char *message, void *arg)
{
	(void)level;
	(void)message;
	__atomic_fetch_add((int *)arg, 1, __ATOMIC_RELAXED);
}

START_TEST(loggers_are_replaced_while_threads_use_them)
{
	static int count[2];
	pthread_t t[3];
	int i;

	t_init("p");
	for (i = 0; i < 3; i++)
		t_ok(pthread_create(&t[i], NULL, fail_often, NULL));
	for (i = 0; i < 5000; i++)
		t_ok(pm_set_logger(PM_LOG_ERROR, count_message, &count[i & 1]));
	for (i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	(void)!pm_alloc_in(99, 1);
	ck_assert_int_gt(count[1], 0);
}
END_TEST

static void start(void *arg)
{
	(void)arg;
	t_init("p");
}

START_TEST(a_word_that_is_misspelt_is_told)
{
	char text[8192];

	t_printed(start, "logs,,unloggedly", text, sizeof text);
	ck_assert_str_eq(text, "libpmheap: warning: PMHEAP_DEBUG: 'logs' is "
			 "none of abort, log, unlogged\n"
			 "libpmheap: warning: PMHEAP_DEBUG: 'unloggedly' is "
			 "none of abort, log, unlogged\n");
}
END_TEST

static void add_strangers(void *arg)
{
	char *p, *q;

	(void)arg;
	t_ok(pm_init(t_config_of("p", 8 * MIB, 64 * MIB)));
	p = pm_alloc(32);
	q = pm_alloc(32);
	t_given(p);
	t_given(q);
	pm_free(q);
	t_null(pm_write(p + 30, p, 60), EINVAL);
	t_refused(pm_persist(q, 8), EINVAL);
	t_null(pm_fill(p - 1, 0, 2), EINVAL);
	/* What is freed behind it is no mistake; in a second zone, too. */
	q = pm_alloc(9 * MIB);
	t_given(q);
	TX_START {
		ck_assert_int_eq(TX_ADD_RANGE(q, 8), 0);
		pm_free(q);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
	TX_START {
		ck_assert_int_eq(TX_ADD_RANGE(p, 32), 0);
		q = pm_alloc(100);
		t_given(q);
		ck_assert_int_eq(TX_ADD_RANGE(q, 100), 0);
		pm_free(q);
		t_refused(TX_ADD_RANGE(q, 100), EINVAL);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), EINVAL);
}

START_TEST(any_word_asks_for_ranges_of_one_live_object)
{
	char text[8192];

	t_printed(add_strangers, "unlogged", text, sizeof text);
	ck_assert_msg(strstr(text, "are not inside one live object"), "%s",
		      text);
}
END_TEST

int main(void)
{
	t_begin("logger");
	t_add(nothing_is_said_without_a_logger, T_ANY);
	t_add(an_opened_region_and_its_backend_are_told, T_ANY);
	t_add(a_failure_is_told_with_its_message_and_errno_stays, T_ANY);
	t_add(growth_and_checkpoints_are_told, T_ANY);
	t_add(a_poisoned_region_is_told, T_ANY);
	t_add(a_logger_that_fails_itself_is_not_called_again, T_ANY);
	t_add(a_level_that_there_is_not_is_refused, T_ANY);
	t_add(loggers_are_replaced_while_threads_use_them, T_ANY);
	t_add(a_word_that_is_misspelt_is_told, T_ANY);
	t_add(any_word_asks_for_ranges_of_one_live_object, T_ANY);
	return t_end();
}
