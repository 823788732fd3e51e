/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * counts.c: fences, flushed lines and logged bytes of operations, compared with
 * the golden file. More of any fails: a commit has become dearer. Less passes,
 * and says that the golden file is to be lowered.
 *
 *	counts GOLDEN		compares
 *	counts --print		prints what the golden file should be
 *
 * Operations are warmed up, so that slabs are open, and counted while there is
 * no checkpoint; the last rows have small lanes, and checkpoints too. What is
 * counted is exact but there: when a checkpoint runs may depend on a thread.
 */
#include "counts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POOL_SIZE ((size_t)32 << 20)
#define LANE_SIZE ((size_t)4 << 20)
#define LANE_SMALL ((size_t)64 << 10)
#define LANES 2
#define WARM_N 50
#define AN_HOUR 3600000		/* ms: no group is flushed by itself      */
#define SLACK 0.02		/* where checkpoints are counted          */

int region_a, region_b;
static const struct operation *current;

void fail(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", current ? current->name : "counts",
		what, *pm_errormsg() ? pm_errormsg() : strerror(errno));
	exit(1);
}

static PmStats stats(void)
{
	PmStats out;

	if (pm_stats(region_a, &out))
		fail("statistics");
	return out;
}

static PmWrapperConfig config_of(const struct operation *op, const char *name)
{
	return (PmWrapperConfig){
		.path = name,
		.size = POOL_SIZE,
		.flags = PM_CREATE,
		.backend = &counting,
		.durability = op->durability,
		.flush_ms = op->durability == PM_RELAXED ? AN_HOUR : 0,
		.lanes = LANES,
		.lane_size = op->checkpoints ? LANE_SMALL : LANE_SIZE,
	};
}

/* Both regions' logs count. */
static uint64_t logged(void)
{
	PmStats b;

	if (pm_stats(region_b, &b))
		fail("statistics");
	return stats().logged_bytes + b.logged_bytes;
}

static struct counts count(const struct operation *op, unsigned op_n)
{
	struct counts before, after;
	uint64_t checkpoints;

	media_forget();
	if (pm_init(config_of(op, "a")))
		fail("creating a pool");
	region_a = PM_PRIMARY;
	region_b = pm_init_sec(config_of(op, "b"));
	if (region_b < 0)
		fail("creating a pool");
	if (op->setup)
		op->setup();
	for (unsigned i = 0; i < (op->checkpoints ? op_n : WARM_N); i++)
		op->run();
	if (pm_flush())
		fail("pm_flush");
	checkpoints = stats().checkpoints;
	before = counted;
	before.logged = logged();
	for (unsigned i = 0; i < op_n; i++)
		op->run();
	after = counted;
	after.logged = logged();
	checkpoints = stats().checkpoints - checkpoints;
	if (op->checkpoints ? checkpoints < 2 : checkpoints != 0)
		fail("checkpoints are not as they should be");
	if (pm_close())
		fail("closing");
	return (struct counts){ after.fences - before.fences,
				after.lines - before.lines,
				after.logged - before.logged };
}

static double per_op(uint64_t n, unsigned op_n)
{
	return (double)n / op_n;
}

/* Is it more than the golden number? Says so, and if it is less. */
static bool judge(const struct operation *op, const char *what, double is,
		  double golden)
{
	double slack = op->checkpoints ? golden * SLACK : 0.0005;

	if (is > golden + slack)
		printf("%s: %s are %.3f an operation, they were %.3f\n",
		       op->name, what, is, golden);
	else if (is < golden - slack)
		printf("%s: %s are only %.3f an operation, lower the golden "
		       "number, %.3f\n", op->name, what, is, golden);
	return is > golden + slack;
}

/* The golden numbers of an operation. */
static bool golden_find(const char *path, const char *name, double *fences,
			double *lines, double *logged_n)
{
	FILE *in = fopen(path, "r");
	char line[256], got[64];
	bool found = false;

	if (!in) {
		perror(path);
		exit(99);
	}
	while (!found && fgets(line, sizeof line, in))
		found = sscanf(line, "%63s %lf %lf %lf", got, fences, lines,
			       logged_n) == 4 && strcmp(got, name) == 0;
	fclose(in);
	return found;
}

/* Counts an operation; 1 if it has become dearer. */
static int check(const struct operation *op, const char *golden)
{
	unsigned op_n = op->op_n ? op->op_n : COUNTED_N;
	struct counts n = count(op, op_n);
	double fences = per_op(n.fences, op_n), lines = per_op(n.lines, op_n);
	double bytes = per_op(n.logged, op_n), g[3];
	int dearer = 0;

	if (!golden) {
		printf("%-26s %10.3f %10.3f %10.3f\n", op->name, fences, lines,
		       bytes);
		return 0;
	}
	if (!golden_find(golden, op->name, &g[0], &g[1], &g[2])) {
		printf("%s: no golden numbers\n", op->name);
		return 1;
	}
	dearer += judge(op, "fences", fences, g[0]);
	dearer += judge(op, "flushed lines", lines, g[1]);
	dearer += judge(op, "logged bytes", bytes, g[2]);
	return dearer != 0;
}

int main(int argc, char **argv)
{
	const char *golden = argv[1];
	int dearer = 0;

	if (argc != 2) {
		fputs("Usage: counts GOLDEN | --print\n", stderr);
		return 2;
	}
	if (strcmp(golden, "--print") == 0) {
		golden = NULL;
		printf("# Per operation.%10s %10s %10s %10s\n", "", "fences",
		       "lines", "logged");
	}
	for (current = operations; current->name; current++)
		dearer += check(current, golden);
	if (dearer)
		printf("%d operations have become dearer.\n", dearer);
	return dearer != 0;
}
