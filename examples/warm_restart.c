/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * warm_restart.c: a cache that is warm again after its process has restarted.
 *
 *	warm_restart POOL N...		prints the N-th prime for each N
 *
 * On tmpfs (say /dev/shm/primes) the pool costs no disk and lives until the
 * machine stops: a restarted, killed or upgraded program finds what it had
 * computed. The cache holds CACHE_N results; a new one evicts an older one.
 */
#define _GNU_SOURCE 1

#include <pmheap.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CACHE_N 256u		/* results                          */
#define INPUT_MAX 1000000ul	/* what can be computed in seconds  */

struct result {
	unsigned long n;	/* 0: none */
	unsigned long prime;
};

struct cache {
	struct result *slot[CACHE_N];
	unsigned long starts;
	unsigned long hits;
	unsigned long misses;
};

/* The expensive work. */
static unsigned long nth_prime(unsigned long n)
{
	unsigned long candidate = 2;

	for (;; candidate++) {
		unsigned long d = 2;

		while (d * d <= candidate && candidate % d != 0)
			d++;
		if (d * d > candidate && --n == 0)
			return candidate;
	}
}

/* Puts a result into the cache, with the miss in the same transaction. */
static int remember(struct cache *c, unsigned long n, unsigned long prime)
{
	struct result **slot = &c->slot[n % CACHE_N];
	int rc = 0;

	TX_START {
		struct result *r = PM_NEW(struct result);

		if (!r)
			TX_ABORT(errno);
		r->n = n;
		r->prime = prime;
		pm_free(*slot);
		TX_SET(*slot, r);
		TX_SET(c->misses, c->misses + 1);
	} TX_ONABORT {
		rc = -1;
	} TX_END
	return rc;
}

static int look_up(struct cache *c, unsigned long n)
{
	const struct result *r = c->slot[n % CACHE_N];
	struct timespec a, b;
	unsigned long prime;
	int hit = r && r->n == n;

	clock_gettime(CLOCK_MONOTONIC, &a);
	if (hit) {
		prime = r->prime;
		if (!PM_SET(c->hits, c->hits + 1))
			return -1;
	} else {
		prime = nth_prime(n);
		if (remember(c, n, prime) < 0)
			return -1;
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("prime %lu is %lu (%s, %ld us)\n", n, prime,
	       hit ? "warm" : "cold", (long)(b.tv_sec - a.tv_sec) * 1000000 +
	       (b.tv_nsec - a.tv_nsec) / 1000);
	return 0;
}

static int failed(void)
{
	fprintf(stderr, "warm_restart: %s\n", pm_errormsg());
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	PmStats st;
	struct cache *c;

	if (argc < 2) {
		fputs("usage: warm_restart POOL N...\n", stderr);
		return 2;
	}
	if (pm_init((PmWrapperConfig){
			.path = argv[1],
			.layout = "primes",
			.size = (size_t)1 << 20,
			.flags = PM_CREATE,
		}) < 0 ||
	    !(c = pm_root(sizeof(*c))) || pm_stats(PM_PRIMARY, &st) < 0 ||
	    !PM_SET(c->starts, c->starts + 1))
		return failed();
	for (int i = 2; i < argc; i++) {
		char *end;
		unsigned long n = strtoul(argv[i], &end, 10);

		if (*end || n < 1 || n > INPUT_MAX) {
			fprintf(stderr, "warm_restart: not a number of 1 to "
				"%lu: %s\n", INPUT_MAX, argv[i]);
			return EXIT_FAILURE;
		}
		if (look_up(c, n) < 0)
			return failed();
	}
	printf("start %lu: %lu hits, %lu misses in its life; backend %s\n",
	       c->starts, c->hits, c->misses, st.backend);
	return EXIT_SUCCESS;
}
