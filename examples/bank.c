/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bank.c: accounts between which money is moved, and a fault to be found.
 *
 *	bank POOL move N	N transfers, each in one transaction
 *	bank POOL split N	the same in two: a crash between them loses money
 *	bank POOL verify	fails if money was lost or made
 *
 * A test that only runs it finds nothing wrong with `split`. Crashes do:
 *
 *	pmheap crash-test -- bank POOL split 10
 */
#include <pmheap.h>
#include <pmheap/crash.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACCOUNT_N 8
#define TOTAL 8000L

struct bank {
	long balance[ACCOUNT_N];
	long transfers;
};

static struct bank *bank_open(const char *path, unsigned flags)
{
	PmWrapperConfig config = {
		.path = path,
		.layout = "bank",
		.size = (size_t)1 << 20,
		.flags = flags,
	};

	return pm_init(config) ? NULL : pm_root(sizeof(struct bank));
}

/* A new bank: all money is on the first account. */
static void found(struct bank *b)
{
	TX_START {
		TX_SET(b->balance[0], TOTAL);
	} TX_END
}

static void move(struct bank *b, unsigned from, unsigned to, long amount)
{
	TX_START {
		TX_SET(b->balance[from], b->balance[from] - amount);
		TX_SET(b->balance[to], b->balance[to] + amount);
		TX_SET(b->transfers, b->transfers + 1);
	} TX_END
}

/* Wrong: what is withdrawn is nowhere until it is deposited. */
static void move_split(struct bank *b, unsigned from, unsigned to, long amount)
{
	TX_START {
		TX_SET(b->balance[from], b->balance[from] - amount);
	} TX_END
	TX_START {
		TX_SET(b->balance[to], b->balance[to] + amount);
		TX_SET(b->transfers, b->transfers + 1);
	} TX_END
}

/* Nothing, or all of the money: a bank may be cut off while it is founded. */
static int is_right(const struct bank *b)
{
	long sum = 0;

	for (unsigned i = 0; i < ACCOUNT_N; i++)
		sum += b->balance[i];
	if (sum == TOTAL || (sum == 0 && b->transfers == 0))
		return 1;
	fprintf(stderr, "bank: %ld in all accounts instead of %ld, after %ld "
		"transfers\n", sum, TOTAL, b->transfers);
	return 0;
}

/* For crash-test, and for the command: 0 if the bank is right. */
static int verify(const char *path, void *arg)
{
	struct bank *b = bank_open(path, 0);

	(void)arg;
	if (!b) {
		fprintf(stderr, "bank: %s\n", pm_errormsg());
		return 1;
	}
	return is_right(b) ? 0 : 1;
}

static int run(const char *path, int split, long n)
{
	struct bank *b = bank_open(path, PM_CREATE);

	if (!b) {
		fprintf(stderr, "bank: %s\n", pm_errormsg());
		return EXIT_FAILURE;
	}
	if (b->transfers == 0 && b->balance[0] == 0)
		found(b);
	for (long i = 0; i < n; i++) {
		unsigned from = (unsigned)(b->transfers % ACCOUNT_N);
		unsigned to = (from + 1) % ACCOUNT_N;

		if (split)
			move_split(b, from, to, b->balance[from] / 2);
		else
			move(b, from, to, b->balance[from] / 2);
		if (pm_tx_errno()) {
			fprintf(stderr, "bank: %s\n", pm_errormsg());
			return EXIT_FAILURE;
		}
	}
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	const char *command = argc > 2 ? argv[2] : "";

	pm_crash_verify(verify, NULL);
	if (argc == 3 && strcmp(command, "verify") == 0)
		return verify(argv[1], NULL);
	if (argc == 4 && (strcmp(command, "move") == 0 ||
			  strcmp(command, "split") == 0))
		return run(argv[1], command[0] == 's', atol(argv[3]));
	fputs("usage: bank POOL move|split N\n"
	      "       bank POOL verify\n", stderr);
	return 2;
}
