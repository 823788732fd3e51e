/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/cmd_doctor.c: pmheap doctor, what a folder really guarantees to pools
 * in it, and what that costs.
 */
#include "measure.h"
#include "place.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define ROUNDS 9
#define ROUND_MS 30

struct finding {
	char	 text[600];
	enum tool_colour colour;
	const char *word;	/* good, warning, bad */
};

static void limit_text(uint64_t limit, char *buf)
{
	if (limit == UINT64_MAX)
		snprintf(buf, TOOL_SIZE_LEN, "none");
	else
		tool_size_text(limit, buf);
}

static void cost_text(double ns, char *buf, size_t len)
{
	if (ns < 10000)
		snprintf(buf, len, "%.0f ns", ns);
	else if (ns < 10000000)
		snprintf(buf, len, "%.0f us", ns / 1000);
	else
		snprintf(buf, len, "%.0f ms", ns / 1000000);
}

static const char *sync_text(const struct place *p)
{
	if (p->map_sync)
		return p->auto_flush ? "works; caches survive a power cut too" :
				       "works";
	return p->dax ? "refused, although files are mapped directly" :
			"refused: no persistent memory";
}

/* What is worth knowing before anything else, in one sentence. */
static void judge(const struct place *p, const struct measure *m,
		  const struct cost *cost, struct finding *f)
{
	char ns[32];

	cost_text(cost->median, ns, sizeof ns);
	*f = (struct finding){ .colour = TOOL_YELLOW, .word = "warning" };
	if (p->slots_free == 0)
		snprintf(f->text, sizeof f->text, "Pools cannot be opened: "
			 "something else occupies their addresses.");
	else if (strcmp(m->stats.survives, "power"))
		snprintf(f->text, sizeof f->text, "Committed data survives a "
			 "killed program, but no reboot or power cut: %s is in "
			 "memory; a commit takes about %s.", p->type, ns);
	else if (p->network || p->layered)
		snprintf(f->text, sizeof f->text, "Committed data survives a "
			 "power cut if %s passes syncs on, which cannot be "
			 "tested here; a durable commit takes about %s.",
			 p->type, ns);
	else
		*f = (struct finding){ .colour = TOOL_GREEN, .word = "good" };
	if (p->slots_free == 0) {
		f->word = "bad";
		f->colour = TOOL_RED;
	}
	if (!*f->text)
		snprintf(f->text, sizeof f->text, "Committed data survives a "
			 "power cut; a durable commit takes about %s.", ns);
}

static int json_print(const char *dir, const struct place *p,
		      const struct measure *m, const struct cost *cost,
		      const struct cost *floor, const struct finding *f)
{
	json_t *limits = json_pack(
		"{sI si}", "map_count", (json_int_t)p->maps_max, "overcommit",
		p->overcommit);

	json_object_set_new(limits, "address_space",
			    p->limit_as == UINT64_MAX ? json_null() :
			    json_integer((json_int_t)p->limit_as));
	json_object_set_new(limits, "file_size",
			    p->limit_file == UINT64_MAX ? json_null() :
			    json_integer((json_int_t)p->limit_file));
	return tool_json_print(json_pack(
		"{so s{ss so sI sb sb sb sb} ss ss s{sf sf so} s{sI sI si si} "
		"so ss ss}", "directory", tool_json_string(dir),
		"file_system", "type", p->type, "source",
		tool_json_string(p->source), "free",
		(json_int_t)p->free_bytes, "dax", p->dax, "map_sync",
		p->map_sync, "auto_flush", p->auto_flush, "reflink",
		p->reflink, "backend", m->stats.backend, "survives",
		m->stats.survives, "commit", "ns", cost->median, "floor_ns",
		floor->median, "floor", tool_json_string(measure_floor_text(m)),
		"window", "base", (json_int_t)p->window_base, "bytes",
		(json_int_t)p->window_len, "slots", (int)p->slots,
		"slots_free", (int)p->slots_free, "limits", limits, "judgement",
		f->word, "verdict", f->text));
}

static int text_print(const char *dir, const struct place *p,
		      const struct measure *m, const struct cost *cost,
		      const struct cost *floor, const struct finding *f)
{
	char fs[340], ns[32], floor_ns[32], commit[96], window[128];
	char free_text[TOOL_SIZE_LEN], as[TOOL_SIZE_LEN], file[TOOL_SIZE_LEN];
	const struct tool_row rows[] = {
		{ "directory", "", TOOL_TEXT, 0, dir },
		{ "file system", "", TOOL_TEXT, 0, fs },
		{ "free", "", TOOL_TEXT, 0, free_text },
		{ "mapped directly (DAX)", "", TOOL_TEXT, 0,
		  p->dax ? "yes" : "no" },
		{ "MAP_SYNC", "", TOOL_TEXT, 0, sync_text(p) },
		{ "copies share blocks", "", TOOL_TEXT, 0,
		  p->reflink ? "yes" : "no" },
		{ "backend", "", TOOL_TEXT, 0, m->stats.backend },
		{ "guarantee", "", TOOL_TEXT, 0,
		  tool_survives_text(m->stats.survives) },
		{ "commit of 8 bytes", "", TOOL_TEXT, 0, commit },
		{ "the floor", "", TOOL_TEXT, 0, measure_floor_text(m) },
		{ "address window", "", TOOL_TEXT, 0, window },
		{ "limit of addresses", "", TOOL_TEXT, 0, as },
		{ "limit of a file", "", TOOL_TEXT, 0, file },
		{ "mappings", "", TOOL_COUNT, p->maps_max, NULL },
		{ "overcommit", "", TOOL_TEXT, 0, p->overcommit == 2 ?
		  "strict: large pools are made writable piece by piece" :
		  "not strict" },
	};
	int code;

	snprintf(fs, sizeof fs, "%s (%s)", p->type, p->source);
	tool_size_text(p->free_bytes, free_text);
	cost_text(cost->median, ns, sizeof ns);
	cost_text(floor->median, floor_ns, sizeof floor_ns);
	snprintf(commit, sizeof commit, "%s, the machine's floor is %s", ns,
		 floor_ns);
	snprintf(window, sizeof window, "%#" PRIx64 ", %u of %u places free",
		 p->window_base, p->slots_free, p->slots);
	limit_text(p->limit_as, as);
	limit_text(p->limit_file, file);
	code = tool_rows_print(rows, sizeof rows / sizeof rows[0], false);
	printf("\n%s%s%s\n", tool_colour(stdout, f->colour), f->text,
	       tool_colour_end(stdout));
	return code;
}

int cmd_doctor(const struct tool_args *args)
{
	const char *dir = args->operand_n ? args->operand[0] : ".";
	struct cost cost, floor;
	struct measure m;
	struct finding f;
	struct place p;
	int code = measure_begin(&m, dir, NULL);

	m.rounds = ROUNDS;
	m.round_ms = ROUND_MS;
	if (!code && place_look(&p, m.dir))
		code = tool_fail(errno, NULL, "cannot look at '%s'", dir);
	if (!code)
		code = measure_run(&m, &measure_works[0], &cost, &floor);
	if (!code) {
		judge(&p, &m, &cost, &f);
		code = (tool_arg(args, "json") ? json_print : text_print)(
			dir, &p, &m, &cost, &floor, &f);
	}
	measure_end(&m);
	return code;
}
