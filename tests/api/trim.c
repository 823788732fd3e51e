/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trim.c: giving back pages of the working copy (work_budget), also while
 * deferred commits wait to be applied to their home.
 */
#include "support.h"

#include <pmheap/backend.h>
#include <pthread.h>
#include <semaphore.h>

#define PAGE 4096ul
#define PAGES 512
#define BUDGET (256 * KIB)
/* The checkpoint records, see pmheap_format(5). */
#define CKPT_OFF 32768ul
#define CKPT_END 36864ul

struct root {
	uint64_t x;
	unsigned char rest[PAGE];
	unsigned char pages[PAGES * PAGE];
};

static const PmBackend *real;
static PmBackend backend;
static struct root *root;
static uint64_t x_off;
static bool armed, ran, watching;
static unsigned applied, wrong;

/* Changes x, and changes it back: both wait for the next flush. */
static void *commit_twice(void *arg)
{
	(void)arg;
	TX_START {
		TX_SET(root->x, 2);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
	TX_START {
		TX_SET(root->x, 1);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
	return NULL;
}

static void write_and_look(PmMedium *m, uint64_t off, const void *src,
			   size_t n, unsigned how)
{
	pthread_t thread;

	real->write(m, off, src, n, how);
	if (watching && off == x_off) {
		applied++;
		wrong += root->x != 1;
	}
	if (armed && off >= CKPT_OFF && off < CKPT_END) {
		armed = false;
		ran = true;
		ck_assert_int_eq(pthread_create(&thread, NULL, commit_twice,
						NULL), 0);
		ck_assert_int_eq(pthread_join(thread, NULL), 0);
	}
}

static void open_pool(void)
{
	PmWrapperConfig c = t_config_of("p", 16 * MIB, 0);

	real = pm_backend(t_backend());
	t_given(real);
	backend = *real;
	backend.write = write_and_look;
	c.backend = &backend;
	c.backend_name = NULL;
	c.durability = PM_RELAXED;
	c.flush_ms = 1000000;
	c.work_budget = BUDGET;
	c.lanes = 2;
	c.lane_size = 2 * MIB;
	t_ok(pm_init(c));
	root = pm_root(sizeof *root);
	t_given(root);
	x_off = pm_fat(&root->x).offset;
}

static void make_trim_due(void)
{
	int i;

	for (i = 0; i < 60; i++) {
		TX_START {
			TX_ADD(&root->rest);
			memset(root->rest, i, sizeof root->rest);
			TX_SET(root->x, 1);
		} TX_END
	}
	TX_START {
		for (i = 0; i < PAGES; i++)
			TX_SET(root->pages[i * PAGE], 1);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
	ck_assert_uint_gt(t_stats(PM_PRIMARY).work_bytes, BUDGET);
}

START_TEST(a_page_with_commits_that_wait_is_not_given_back)
{
	void *large;

	open_pool();
	make_trim_due();
	armed = watching = true;
	/* Checkpoints, as a large object is written to its home. */
	TX_START {
		large = pm_alloc(128 * KIB);
		t_given(large);
		memset(large, 7, 128 * KIB);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
	t_ok(pm_flush());
	watching = false;
	ck_assert(ran);
	ck_assert_uint_lt(t_stats(PM_PRIMARY).work_bytes, BUDGET);
	ck_assert_uint_ge(applied, 2);
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_eq(root->x, 1);
}
END_TEST

#define WORDS 4096		/* one on each page */
#define TOGETHER 16

static char *open_words(size_t lane_size)
{
	PmWrapperConfig c = t_config_of("p", 32 * MIB, 0);
	char *p;

	c.work_budget = 2 * MIB;
	c.lanes = 1;
	c.lane_size = lane_size;
	t_ok(pm_init(c));
	p = pm_alloc((size_t)WORDS * PAGE);
	t_given(p);
	return p;
}

static void set_words(char *p)
{
	uint64_t most = 0;
	int i, k;

	for (i = 0; i < WORDS; i += TOGETHER) {
		TX_START {
			for (k = i; k < i + TOGETHER; k++)
				TX_SET(*(int *)(p + (size_t)k * PAGE), k);
		} TX_END
		ck_assert_int_eq(pm_tx_errno(), 0);
		if (t_stats(PM_PRIMARY).work_bytes > most)
			most = t_stats(PM_PRIMARY).work_bytes;
	}
	ck_assert_uint_le(most, 2 * MIB);
	for (i = 0; i < WORDS; i++)
		ck_assert_int_eq(*(int *)(p + (size_t)i * PAGE), i);
}

/* Little is logged of them, and much of DRAM becomes theirs. */
START_TEST(words_on_many_pages_do_not_outgrow_the_budget)
{
	set_words(open_words(16 * KIB));
}
END_TEST

START_TEST(the_budget_holds_while_no_checkpoint_is_due)
{
	char *p = open_words(4 * MIB);
	uint64_t checkpoints = t_stats(PM_PRIMARY).checkpoints;

	set_words(p);
	ck_assert_uint_eq(t_stats(PM_PRIMARY).checkpoints, checkpoints);
}
END_TEST

START_TEST(what_was_stored_but_never_logged_is_not_given_back)
{
	char *p = open_words(16 * KIB);
	int i;

	/* Beside the words, and on pages where nothing else changes. */
	for (i = 0; i < WORDS; i += 100)
		p[i * PAGE + 8] = 'x';
	for (i = 0; i < WORDS; i += 3)
		PM_SET(*(int *)(p + (size_t)i * PAGE), i);
	ck_assert_uint_lt(t_stats(PM_PRIMARY).work_bytes, 2 * MIB);
	for (i = 0; i < WORDS; i += 100)
		ck_assert_int_eq(p[i * PAGE + 8], 'x');
}
END_TEST

/* Stored, never logged, and then as it was: no transaction tells of it. */
START_TEST(pages_that_no_transaction_touched_are_given_back_too)
{
	char *p = open_words(16 * KIB);
	int i;

	for (i = 0; i < WORDS / 2; i++) {
		p[i * PAGE] = 1;
		p[i * PAGE] = 0;
	}
	ck_assert_uint_gt(t_stats(PM_PRIMARY).work_bytes, 7 * MIB);
	for (i = WORDS / 2; i < WORDS; i++)
		PM_SET(*(int *)(p + (size_t)i * PAGE), i);
	ck_assert_uint_le(t_stats(PM_PRIMARY).work_bytes, 2 * MIB);
}
END_TEST

#define WORD(p, i) (*(int *)((p) + (size_t)(i) * PAGE))

static char *words;

static void *set_own(void *arg)
{
	int me = (int)(intptr_t)arg, i, k, round;

	for (round = 1; round <= 10; round++)
		for (i = me; i < WORDS; i += 4 * TOGETHER) {
			char *p = words + (size_t)i * PAGE;

			TX_START {
				for (k = 0; k < TOGETHER; k++)
					TX_SET(WORD(p, 4 * k), round);
			} TX_END
			for (k = 0; k < TOGETHER; k++)
				if (WORD(p, 4 * k) != round)
					return "a word is not what was stored";
		}
	return NULL;
}

START_TEST(nobody_loses_what_it_stored_when_pages_are_given_back)
{
	pthread_t thread[4];
	intptr_t i;

	words = open_words(16 * KIB);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, set_own,
						(void *)i), 0);
	for (i = 0; i < 4; i++) {
		void *error;

		ck_assert_int_eq(pthread_join(thread[i], &error), 0);
		ck_assert_ptr_null(error);
	}
}
END_TEST

static sem_t inside, enough;

static void *stay_inside(void *arg)
{
	TX_START {
		sem_post(&inside);
		while (sem_wait(&enough))
			;
		TX_SET(*(int *)arg, 7);
	} TX_END
	return NULL;
}

/* It may have stored what it has not logged yet. */
START_TEST(nothing_is_given_back_while_a_transaction_is_open)
{
	pthread_t thread;
	int i;

	words = open_words(4 * MIB);
	ck_assert_int_eq(sem_init(&inside, 0, 0), 0);
	ck_assert_int_eq(sem_init(&enough, 0, 0), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, stay_inside, words), 0);
	while (sem_wait(&inside))
		;
	for (i = 1; i < WORDS / 2; i++)
		PM_SET(WORD(words, i), i);
	ck_assert_uint_ge(t_stats(PM_PRIMARY).work_bytes,
			  (WORDS / 2 - 1) * PAGE);
	sem_post(&enough);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	for (; i < WORDS / 2 + 16; i++)
		PM_SET(WORD(words, i), i);
	ck_assert_uint_le(t_stats(PM_PRIMARY).work_bytes, 2 * MIB);
	ck_assert_int_eq(WORD(words, 0), 7);
}
END_TEST

int main(void)
{
	t_begin("trim");
	t_add(words_on_many_pages_do_not_outgrow_the_budget, T_KEEPS);
	t_add(the_budget_holds_while_no_checkpoint_is_due, T_KEEPS);
	t_add(what_was_stored_but_never_logged_is_not_given_back, T_KEEPS);
	t_add(pages_that_no_transaction_touched_are_given_back_too, T_KEEPS);
	t_add(nobody_loses_what_it_stored_when_pages_are_given_back, T_KEEPS);
	t_add(nothing_is_given_back_while_a_transaction_is_open, T_KEEPS);
	t_add(a_page_with_commits_that_wait_is_not_given_back, T_KEEPS);
	return t_end();
}
