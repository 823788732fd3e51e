/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * multi_region.c: three pools that point into each other, one transaction.
 *
 *	multi_region DIRECTORY
 *
 * ledger.pm (the primary) records transfers between the accounts in left.pm
 * and right.pm (secondaries). Each transfer changes all three pools at once.
 * Every run opens the secondaries in the other order than the run before,
 * verifies all, works, closes and opens them again, and verifies again.
 */
#define _GNU_SOURCE 1

#include <pmheap.h>

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define TRANSFER_N 100
#define BALANCE_FIRST 10000

struct transfer {
	struct transfer *next;		/* the one before           */
	struct account *from, *to;	/* normal pointers, other regions */
	long amount;
};

struct account {
	long balance;
	uint64_t transfer_n;
	struct transfer *last;		/* normal pointer, primary  */
	PmFat peer;			/* the other account        */
};

struct ledger {
	struct transfer *last;
	uint64_t transfer_n;
	uint64_t run_n;
	PmFat account[2];
};

static const char *const name[2] = {"left", "right"};

__attribute__((noreturn, format(printf, 1, 2)))
static void die(const char *format, ...)
{
	va_list ap;

	fputs("multi_region: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(EXIT_FAILURE);
}

static PmWrapperConfig config_of(char *path, const char *dir, const char *base)
{
	if (snprintf(path, PATH_MAX, "%s/%s.pm", dir, base) >= PATH_MAX)
		die("%s: path too long", dir);
	return (PmWrapperConfig){
		.path = path,
		.layout = "multi_region",
		.size = (size_t)1 << 20,
		.flags = PM_CREATE,
	};
}

/* Opens both secondaries, the one with index first before the other. */
static void open_accounts(const char *dir, int first, int region[2])
{
	char path[PATH_MAX];

	for (int i = 0; i < 2; i++) {
		int which = i ? !first : first;

		region[which] = pm_init_sec(config_of(path, dir, name[which]));
		if (region[which] < 0)
			die("%s", pm_errormsg());
	}
}

/* First run: the accounts get their money and learn of each other. */
static void set_up(struct ledger *l, const int region[2])
{
	int err = 0;

	TX_START {
		struct account *a[2];

		for (int i = 0; i < 2; i++) {
			a[i] = pm_root_in(region[i], sizeof(*a[i]));
			if (!a[i] || TX_ADD(a[i]) < 0)
				TX_ABORT(errno);
			a[i]->balance = BALANCE_FIRST;
			TX_SET(l->account[i], pm_fat(a[i]));
		}
		a[0]->peer = l->account[1];
		a[1]->peer = l->account[0];
	} TX_ONABORT {
		err = 1;
	} TX_END
	if (err)
		die("%s", pm_errormsg());
}

/* Changes all three pools; broken: gives up when all changes are made. */
static int transfer(struct ledger *l, struct account *from, struct account *to,
		    long amount, int broken)
{
	int err = 0;

	TX_START {
		struct transfer *t = PM_NEW(struct transfer);

		if (!t || TX_ADD(from) < 0 || TX_ADD(to) < 0 || TX_ADD(l) < 0)
			TX_ABORT(errno);
		*t = (struct transfer){l->last, from, to, amount};
		l->last = t;
		l->transfer_n++;
		from->balance -= amount;
		from->transfer_n++;
		from->last = t;
		to->balance += amount;
		to->transfer_n++;
		to->last = t;
		if (broken)
			TX_ABORT(ECANCELED);
	} TX_ONABORT {
		err = errno;
	} TX_END
	return err;
}

static void expect(int true_, const char *what)
{
	if (!true_)
		die("wrong: %s", what);
}

/* Looks at every pointer and adds up every transfer. */
static void verify(const struct ledger *l, const int region[2])
{
	struct account *a[2];
	long balance[2] = {BALANCE_FIRST, BALANCE_FIRST};
	uint64_t n = 0;

	for (int i = 0; i < 2; i++) {
		a[i] = pm_root_in(region[i], 0);
		expect(a[i] != NULL, "an account is missing");
		expect(PM_R(l->account[i]) == a[i], "fat pointer to account");
		expect(pm_region_of(a[i]) == region[i], "number of a region");
	}
	for (const struct transfer *t = l->last; t; t = PM_R(t->next)) {
		int from = t->from == a[1];

		expect(t->from == a[from] && t->to == a[!from],
		       "normal pointer to account");
		expect(pm_region_of(t) == PM_PRIMARY, "place of a transfer");
		balance[from] -= t->amount;
		balance[!from] += t->amount;
		n++;
	}
	expect(n == l->transfer_n, "number of transfers in the ledger");
	for (int i = 0; i < 2; i++) {
		expect(PM_R(a[i]->peer) == a[!i], "fat pointer to the peer");
		expect(a[i]->balance == balance[i], "a balance");
		expect(a[i]->transfer_n == n, "transfers of an account");
		expect(a[i]->last == l->last, "normal pointer to the ledger");
	}
}

static void work(struct ledger *l, const int region[2])
{
	struct account *a[2];

	for (int i = 0; i < 2; i++)
		a[i] = pm_root_in(region[i], 0);
	for (int i = 0; i < TRANSFER_N; i++) {
		int from = i % 3 == 0, broken = i % 10 == 9;
		int err = transfer(l, a[from], a[!from], i, broken);

		if (err != (broken ? ECANCELED : 0))
			die("%s", pm_errormsg());
	}
}

/* Closes one secondary: fat pointers into it fail cleanly meanwhile. */
static void close_accounts(const struct ledger *l, int first,
			   const int region[2])
{
	if (pm_close_sec(region[first]) < 0)
		die("%s", pm_errormsg());
	errno = 0;
	expect(!PM_R(l->account[first]) && errno == ENXIO,
	       "fat pointer into a closed region");
	expect(PM_R(l->account[!first]) != NULL,
	       "fat pointer into an open region");
	if (pm_close_sec(region[!first]) < 0)
		die("%s", pm_errormsg());
}

int main(int argc, char **argv)
{
	char path[PATH_MAX];
	struct ledger *l;
	int region[2], first;

	if (argc != 2) {
		fputs("usage: multi_region DIRECTORY\n", stderr);
		return 2;
	}
	if (pm_init(config_of(path, argv[1], "ledger")) < 0 ||
	    !(l = pm_root(sizeof(*l))))
		die("%s", pm_errormsg());
	first = (int)(l->run_n % 2);
	open_accounts(argv[1], first, region);
	if (l->account[0].region == 0)
		set_up(l, region);
	verify(l, region);
	work(l, region);
	verify(l, region);
	close_accounts(l, first, region);
	open_accounts(argv[1], !first, region);
	verify(l, region);
	if (!PM_SET(l->run_n, l->run_n + 1))
		die("%s", pm_errormsg());
	printf("run %llu: %llu transfers, %s opened first: all verified\n",
	       (unsigned long long)l->run_n,
	       (unsigned long long)l->transfer_n, name[first]);
	if (pm_close() < 0)
		die("%s", pm_errormsg());
	return EXIT_SUCCESS;
}
