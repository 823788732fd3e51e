/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bugs.c POOL NAME: makes the mistake of that name, with a heap that memcheck or
 * AddressSanitizer watches; "none": does everything that is allowed.
 */
#define _DEFAULT_SOURCE
#include <pmheap.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 3

static PmWrapperConfig config = {
	.size = 1 << 20, .max_size = 64 << 20, .flags = PM_CREATE,
};
static volatile char sink;

static void must(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bugs: %s: %s\n", what, pm_errormsg());
	exit(3);
}

static char *object(size_t size)
{
	char *p = pm_alloc(size);

	must(p != NULL, "pm_alloc");
	return p;
}

static void after_free(void)
{
	char *p = object(100);

	pm_free(p);
	sink = p[10];
}

static void after_free_in_tx(void)
{
	char *p = object(100);

	TX_START {
		TX_ADD(p);
		pm_free(p);
		sink = p[10];
	} TX_END;
}

static void fresh_after_free_in_tx(void)
{
	TX_START {
		char *p = object(100);

		pm_free(p);
		sink = p[10];
	} TX_END;
}

static void after_free_of_many_extents(void)
{
	char *p = object(300000);

	pm_free(p);
	sink = p[200010];
}

static void after_free_in_a_new_zone(void)
{
	char *first = object(16), *p;

	do
		p = object(60000);
	while (p - first < 3 << 20);
	pm_free(p);
	sink = p[10];
}

static void after_abort(void)
{
	char *p = NULL;

	TX_START {
		p = object(100);
		p[10] = 1;
		TX_ABORT(ECANCELED);
	} TX_ONABORT {
	} TX_END;
	sink = p[10];
}

static void after_reopening(void)
{
	char *p = object(100), *kept = object(100);

	memset(kept, 1, 100);
	pm_free(p);
	must(pm_close() == 0 && pm_init(config) == 0, "open again");
	sink = kept[10];
	sink = p[10];
}

static void overflow(void)
{
	char *p = object(100);

	p[100] = 1;
}

static void overflow_of_a_full_slot(void)
{
	char *p = object(64), *q = object(64);

	q[0] = 1;
	p[64] = 1;
}

static void overflow_by_strcpy(void)
{
	char *p = object(10);

	strcpy(p, getenv("TEN_LETTERS"));
}

static void underflow(void)
{
	char *p = object(64), *q = object(64);

	p[0] = 1;
	q[-1] = 1;
}

static void beyond_what_realloc_left(void)
{
	char *p = pm_realloc(object(1000), 900);

	must(p != NULL, "pm_realloc");
	sink = p[899];
	sink = p[900];
}

static void free_slot(void)
{
	char *p = object(64);

	/* Claimed by this thread, but nobody's yet. */
	sink = p[5 * 80];
}

/* Objects of all sizes come and go, some of them in transactions that abort. */
static void *churn(void *arg)
{
	char *p[40] = {NULL};
	unsigned n = 1 + (unsigned)(size_t)arg, i, k;

	for (i = 0; i < 400; i++) {
		n = n * 1103515245 + 12345;
		k = n >> 16 & 15;
		TX_START {
			size_t size = 1 + (n >> 8 & 4095), j;

			pm_free(p[k]);
			p[k] = i % 16 ? object(size) : NULL;
			for (j = 0; p[k] && j < size; j++)
				p[k][j] = (char)j;
			if (p[k] && i % 3 == 0) {
				p[k] = pm_realloc(p[k], size / 2 + 1);
				must(p[k] != NULL, "pm_realloc");
				memset(p[k], 5, size / 2 + 1);
				memset(p[k], 6, pm_usable_size(p[k]));
			}
			TX_START {
				char *in = object(200);

				TX_ADD_RANGE(in, 200);
				memset(in, 1, 200);
				if (p[15]) {
					TX_ADD(p[15]);
					*p[15] = 2;
					pm_free(p[15]);
				}
				TX_ABORT(ECANCELED);
			} TX_ONABORT {
			} TX_END;
		} TX_END;
		for (k = 0; k < 16; k++)
			sink = p[k] ? p[k][0] : 0;
	}
	for (k = 0; k < 16; k++)
		pm_free(p[k]);
	return NULL;
}

static void abort_with_everything(void)
{
	char *p = object(500), *q = object(500), *big = object(200000);

	memset(p, 1, 500);
	TX_START {
		char *fresh = object(300);

		TX_ADD_RANGE(p, 500);
		memset(p, 2, 500);
		TX_START {
			TX_ADD_RANGE(fresh, 300);
			memset(fresh, 2, 300);
		} TX_END;
		pm_free(fresh);
		pm_free(p);
		pm_free(big);
		q = pm_realloc(q, 100);
		TX_ABORT(ECANCELED);
	} TX_ONABORT {
	} TX_END;
	must(p[0] == 1 && p[499] == 1, "the old bytes");
	sink = big[199999];
}

static void none(void)
{
	PmWrapperConfig second = { .size = 1 << 20, .flags = PM_CREATE };
	pthread_t thread[THREADS];
	char *p, *volatile large;
	size_t i;
	int region;

	for (i = 0; i < THREADS; i++)
		must(pthread_create(&thread[i], NULL, churn, (void *)i) == 0,
		     "pthread_create");
	for (i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	abort_with_everything();
	region = pm_init_sec(second);
	must(region > 0, "pm_init_sec");
	p = pm_alloc_in(region, 77);
	must(p && pm_fill(p, 3, 77), "pm_fill");
	must(pm_close_sec(region) == 0, "pm_close_sec");
	/* Where the region was, other memory may come to lie. */
	p = pm_root(1000);
	must(p != NULL, "pm_root");
	p[999] = 1;
	must(pm_persist(p + 999, 1) == 0 && pm_root(9000), "a larger root");
	large = pm_calloc(3, 1 << 20);
	must(large && large[(3 << 20) - 1] == 0, "pm_calloc");
	must(pm_close() == 0 && pm_init(config) == 0, "open again");
	p = pm_root(9000);
	must(p[999] == 1 && p[8999] == 0, "the root");
	pm_free(large);
	churn(NULL);
}

static const struct {
	const char *name;
	void (*f)(void);
} bugs[] = {
	{"none", none},
	{"after-free", after_free},
	{"after-free-in-tx", after_free_in_tx},
	{"fresh-after-free-in-tx", fresh_after_free_in_tx},
	{"after-free-of-many-extents", after_free_of_many_extents},
	{"after-free-in-a-new-zone", after_free_in_a_new_zone},
	{"after-abort", after_abort},
	{"after-reopening", after_reopening},
	{"overflow", overflow},
	{"overflow-of-a-full-slot", overflow_of_a_full_slot},
	{"overflow-by-strcpy", overflow_by_strcpy},
	{"underflow", underflow},
	{"beyond-what-realloc-left", beyond_what_realloc_left},
	{"free-slot", free_slot},
};

int main(int argc, char **argv)
{
	size_t i;

	must(argc == 3, "usage: bugs POOL NAME");
	setenv("TEN_LETTERS", "0123456789", 1);
	config.path = argv[1];
	must(pm_init(config) == 0, "pm_init");
	for (i = 0; i < sizeof(bugs) / sizeof(*bugs); i++) {
		if (strcmp(argv[2], bugs[i].name))
			continue;
		bugs[i].f();
		must(pm_close() == 0, "pm_close");
		return 0;
	}
	for (i = 1; i < sizeof(bugs) / sizeof(*bugs); i++)
		puts(bugs[i].name);
	return 0;
}
