/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/cmd_bench.c: pmheap bench, what a few kinds of transactions cost in a
 * folder, beside what the machine needs at least. The large benchmark, with
 * other libraries, is in bench/.
 */
#include "measure.h"


#define ROUNDS 7
#define ROUND_MS 40

const struct tool_column bench_columns[] = {
	{ "work", "WORK", TOOL_TEXT, false, "name of the operation" },
	{ "ns", "NS", TOOL_COUNT, false,
	  "nanoseconds of one, median of the rounds" },
	{ "least", "LEAST", TOOL_COUNT, false, "in the best round" },
	{ "most", "MOST", TOOL_COUNT, false, "in the worst round" },
	{ "floor", "FLOOR", TOOL_COUNT, false,
	  "nanoseconds of what the machine must do for it" },
	{ "ratio", "TIMES", TOOL_REAL, false, "ns of floor" },
	{ "second", "PER-SECOND", TOOL_COUNT, false, "operations in a second" },
	{ "count", "COUNT", TOOL_COUNT, true, "operations measured" },
	{ "what", "WHAT", TOOL_TEXT, true, "the operation in words" },
	{ NULL, NULL, TOOL_TEXT, false, NULL },
};

static void row_add(struct tool_table *t, const struct measure_work *work,
		    const struct cost *cost, const struct cost *floor)
{
	tool_table_row(t);
	tool_cell_text(t, "work", work->name);
	tool_cell(t, "ns", (uint64_t)(cost->median + 0.5));
	tool_cell(t, "least", (uint64_t)(cost->least + 0.5));
	tool_cell(t, "most", (uint64_t)(cost->most + 0.5));
	tool_cell(t, "floor", (uint64_t)(floor->median + 0.5));
	tool_cell_real(t, "ratio", cost->median / floor->median);
	tool_cell(t, "second", (uint64_t)(1e9 / cost->median));
	tool_cell(t, "count", cost->n);
	tool_cell_text(t, "what", work->what);
}

static int works_run(struct measure *m, struct tool_table *t)
{
	const struct measure_work *work;
	struct tool_progress progress;
	struct cost cost, floor;
	uint64_t done = 0, n = 0;
	int code = TOOL_OK;

	for (work = measure_works; work->name; work++)
		n++;
	tool_progress_begin(&progress, "measuring", n);
	for (work = measure_works; work->name && !code; work++) {
		code = measure_run(m, work, &cost, &floor);
		if (!code)
			row_add(t, work, &cost, &floor);
		tool_progress_show(&progress, ++done);
	}
	tool_progress_end(&progress);
	return code;
}

static void remarks_print(const struct measure *m)
{
	printf("\nBackend %s: %s. One thread, %u rounds of %u ms.\n",
	       m->stats.backend, tool_survives_text(m->stats.survives),
	       m->rounds, m->round_ms);
	printf("The floor is %s.\n", measure_floor_text(m));
	puts("Compare within one run only: such figures differ by a third from "
	     "hour to hour.");
}

static int bench_run(struct measure *m, const struct tool_args *args)
{
	struct tool_table *t = tool_table_new(args, "works", NULL);
	int code;

	if (!t)
		return TOOL_USAGE;
	code = works_run(m, t);
	if (code) {
		tool_table_free(t);
		return code;
	}
	code = tool_table_print(t);
	if (!code && !tool_arg(args, "json") && !tool_arg(args, "raw"))
		remarks_print(m);
	return code;
}

int cmd_bench(const struct tool_args *args)
{
	const char *parent = args->operand_n ? args->operand[0] : ".";
	uint64_t rounds = ROUNDS, ms = ROUND_MS;
	struct measure m;
	int code = tool_arg_number(args, "rounds", 1, MEASURE_ROUNDS_MAX,
				   &rounds);

	if (!code)
		code = tool_arg_number(args, "round-ms", 1, 10000, &ms);
	if (code)
		return code;
	code = measure_begin(&m, parent, tool_arg(args, "backend"));
	m.rounds = (unsigned)rounds;
	m.round_ms = (unsigned)ms;
	if (!code)
		code = bench_run(&m, args);
	measure_end(&m);
	return code;
}
