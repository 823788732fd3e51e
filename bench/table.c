/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/table.c: the table of medians, with limits and verdicts.
 */
#include "bench.h"

#include <stdio.h>
#include <string.h>

#define NAME_WIDTH 50

void table_head(void)
{
	printf("%-*s %9s %9s %9s    %7s   %s\n", NAME_WIDTH, "", "median",
	       "min", "max", "x floor", "limit");
}

/* Median of the ratios within a round. */
static double ratio_median(const double *a, const double *b, size_t n)
{
	double ratio[BENCH_ROUNDS];

	for (size_t i = 0; i < n; i++)
		ratio[i] = a[i] / b[i];
	return bench_median(ratio, n);
}

static double sample_median(const double *sample, size_t n)
{
	double copy[BENCH_ROUNDS];

	memcpy(copy, sample, n * sizeof *copy);
	return bench_median(copy, n);
}

/* What is held against the limit. */
static double judged(const struct bench_figure *figure,
		     const struct bench_result *result, const double *sample,
		     const double *floor)
{
	if (figure->against == AGAINST_FLOOR)
		return ratio_median(sample, floor, result->n);
	if (figure->against == AGAINST_ROW)
		return ratio_median(sample, result->sample[figure->row],
				    result->n);
	return sample_median(sample, result->n);
}

/* Fractions of a per mille are below what a figure is printed with. */
static bool limit_passed(const struct bench_figure *figure, double value)
{
	if (figure->against == AGAINST_EXACT && value < figure->limit * 0.9995)
		return true;
	return figure->limit && value > figure->limit * 1.0005;
}

static bool limit_print(const struct bench_figure *figure, double value)
{
	bool passed = limit_passed(figure, value);
	const char *verdict = passed ? "NOT MET" : "met";

	if (!figure->limit)
		printf("-\n");
	else if (figure->against == AGAINST_ROW)
		printf("%.2f x malloc, at most %.2f: %s\n", value,
		       figure->limit, verdict);
	else if (figure->against == AGAINST_FLOOR)
		printf("at most %g x floor: %s\n", figure->limit, verdict);
	else
		printf("%s %g%s%s: %s\n",
		       figure->against == AGAINST_EXACT ? "exactly" : "at most",
		       figure->limit, *figure->unit ? " " : "", figure->unit,
		       verdict);
	return passed;
}

int table_work(const struct bench_work *work, const struct bench_result *result,
	       const double *floor)
{
	int missed = 0;

	for (int f = 0; work->figures[f].name; f++) {
		const struct bench_figure *figure = &work->figures[f];
		const double *sample = result->sample[f];
		int digits = *figure->unit ? 1 : 3;

		printf("%-*s %9.*f %9.*f %9.*f %-2s ", NAME_WIDTH, figure->name,
		       digits, sample_median(sample, result->n), digits,
		       bench_least(sample, result->n), digits,
		       bench_most(sample, result->n), figure->unit);
		if (strcmp(figure->unit, "ns") == 0)
			printf("%7.2f   ", ratio_median(sample, floor,
							result->n));
		else
			printf("%7s   ", "");
		missed += limit_print(figure, judged(figure, result, sample,
						   floor));
	}
	return missed;
}
