/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pmwords.c: counts the words of text files into a pool, and survives.
 *
 * The counts and how far the counting came change in one transaction, so a run
 * that is killed at any moment and started again ends with the very counts of
 * a run that was never disturbed.
 */
#define _GNU_SOURCE 1

#include "pmwords.h"

#include <pmheap.h>

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define POOL_FIRST ((uint64_t)4 << 20)	/* bytes a new pool begins with */

struct options {
	const char *pool;
	uint64_t top;
	uint64_t lines;		/* per transaction     */
	uint64_t limit;		/* bytes of the pool   */
	uint64_t pause_us;
	int list;
	int status;
	int quiet;
};

static const char usage[] =
"usage: pmwords -p POOL [options] FILE...\n"
"       pmwords -p POOL [options]            show what the pool holds\n"
"\n"
"Counts the words of text files into POOL. If it is killed, the same command\n"
"continues where it was.\n"
"\n"
"  -p, --pool=POOL    the pool file; created if it does not exist\n"
"  -n, --top=N        print the N most frequent words (default 10)\n"
"  -l, --list         print all words as \"count word\"\n"
"  -b, --batch=LINES  lines per transaction (default 1000)\n"
"  -s, --size=SIZE    limit of a new pool, with K, M or G (default 1G)\n"
"      --pause-us=N   wait N microseconds inside each transaction\n"
"      --status       print how far the counting came, as \"name value\"\n"
"  -q, --quiet        no remarks on standard error\n"
"  -h, --help         this text\n";

int complain(const char *format, ...)
{
	va_list ap;

	fputs("pmwords: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	return -1;
}

/* A number with an optional K, M or G. */
static int parse_number(const char *name, const char *text, uint64_t min,
			uint64_t *out)
{
	unsigned shift = 0;
	uint64_t n;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (*end && end != text) {
		const char *at = strchr("kKmMgG", *end);

		if (at) {
			shift = 10 * (unsigned)((at - "kKmMgG") / 2 + 1);
			end++;
		}
	}
	if (errno || *end || text[0] < '0' || text[0] > '9' ||
	    n > (UINT64_MAX >> shift) || n << shift < min)
		return complain("%s: not a number of %" PRIu64 " or more: %s",
				name, min, text);
	*out = n << shift;
	return 0;
}

enum { OPT_PAUSE = 256, OPT_STATUS };

static const struct option longs[] = {
	{"pool", required_argument, NULL, 'p'},
	{"top", required_argument, NULL, 'n'},
	{"list", no_argument, NULL, 'l'},
	{"batch", required_argument, NULL, 'b'},
	{"size", required_argument, NULL, 's'},
	{"pause-us", required_argument, NULL, OPT_PAUSE},
	{"status", no_argument, NULL, OPT_STATUS},
	{"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

/* 0; 1: help was printed; -1 after complaining. */
static int parse_options(int argc, char **argv, struct options *o)
{
	int c, bad = 0;

	for (;;) {
		c = getopt_long(argc, argv, "p:n:lb:s:qh", longs, NULL);
		if (c == -1)
			break;
		switch (c) {
		case 'p':
			o->pool = optarg;
			break;
		case 'n':
			bad |= parse_number("-n", optarg, 0, &o->top);
			break;
		case 'l':
			o->list = 1;
			break;
		case 'b':
			bad |= parse_number("-b", optarg, 1, &o->lines);
			break;
		case 's':
			bad |= parse_number("-s", optarg, 1 << 20, &o->limit);
			break;
		case OPT_PAUSE:
			bad |= parse_number("--pause-us", optarg, 0,
					    &o->pause_us);
			break;
		case OPT_STATUS:
			o->status = 1;
			break;
		case 'q':
			o->quiet = 1;
			break;
		case 'h':
			fputs(usage, stdout);
			return 1;
		default:
			fputs("Try pmwords --help.\n", stderr);
			return -1;
		}
	}
	if (!bad && !o->pool)
		bad = complain("no pool given: pmwords -p POOL FILE..., "
			       "see pmwords --help");
	return bad ? -1 : 0;
}

/* Writes the list of files and an empty table: all or nothing. */
static int words_init(struct words *w, char *const *path, size_t n)
{
	int err = 0, complained = 0;

	TX_START {
		if (table_init(&w->table) < 0 ||
		    progress_init(&w->progress, path, n, &complained) < 0)
			TX_ABORT(errno);
	} TX_ONABORT {
		err = errno ? errno : ECANCELED;
	} TX_END
	if (err && !complained)
		complain("%s", pm_errormsg());
	return err ? -1 : 0;
}

/* Slows the work down, so that it can be watched, or killed halfway. */
static void wait_us(uint64_t us)
{
	struct timespec t = {
		.tv_sec = (time_t)(us / 1000000),
		.tv_nsec = (long)(us % 1000000) * 1000,
	};

	while (us && nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

/* Counts a piece and moves on by its length, or to the next file if n is 0. */
static int words_commit(struct words *w, char *text, size_t n,
			uint64_t pause_us)
{
	struct progress *p = &w->progress;
	int err = 0;

	TX_START {
		if (TX_ADD(p) < 0 || table_count(&w->table, text, n) < 0)
			TX_ABORT(errno);
		if (n) {
			p->offset += n;
		} else {
			p->idx++;
			p->offset = 0;
		}
		wait_us(pause_us);
	} TX_ONABORT {
		err = errno ? errno : ECANCELED;
	} TX_END
	if (err == ENOMEM || err == ENOSPC)
		return complain("%s; what was counted so far is safe, but the "
				"rest needs a larger pool (-s)", pm_errormsg());
	return err ? complain("%s", pm_errormsg()) : 0;
}

/* Counts the rest of the file that it is at. */
static int words_count_file(struct words *w, const struct options *o)
{
	const struct source *s = &w->progress.source[w->progress.idx];
	struct reader r;
	int64_t n = -1;
	char *text;

	if (reader_open(&r, s, w->progress.offset) < 0)
		return -1;
	while ((n = reader_next(&r, o->lines, &text)) > 0) {
		if (words_commit(w, text, (size_t)n, o->pause_us) < 0) {
			n = -1;
			break;
		}
	}
	if (n == 0 && !source_is_same(s, r.fd))
		n = complain("%s has changed while it was counted; count anew "
			     "in another pool", s->path);
	reader_close(&r);
	if (n < 0)
		return -1;
	return words_commit(w, NULL, 0, o->pause_us);
}

/* Counts what is left of the files given, from wherever the pool is. */
static int words_count(struct words *w, const struct options *o,
		       char *const *path, size_t n)
{
	struct progress *p = &w->progress;

	if (!w->table.bucket) {
		if (words_init(w, path, n) < 0)
			return -1;
	} else if (progress_verify(p, path, n) < 0) {
		return -1;
	} else if (!o->quiet && p->idx < p->source_n) {
		fprintf(stderr, "pmwords: continuing with file %" PRIu64
			" of %" PRIu64 " at byte %" PRIu64 "\n",
			p->idx + 1, p->source_n, p->offset);
	}
	while (p->idx < p->source_n)
		if (words_count_file(w, o) < 0)
			return -1;
	return 0;
}

static int print_words(const struct words *w, const struct options *o)
{
	const struct word **all = table_sorted(&w->table);
	uint64_t n = w->table.word_n;

	if (!all)
		return complain("no memory to sort the words");
	if (!o->list && o->top < n)
		n = o->top;
	for (uint64_t i = 0; i < n; i++)
		printf(o->list ? "%" PRIu64 " %s\n" : "%10" PRIu64 " %s\n",
		       all[i]->count, all[i]->text);
	free(all);
	return 0;
}

static int print_status(const struct words *w)
{
	const struct progress *p = &w->progress;
	uint64_t bytes = 0, done = p->offset;
	PmStats st;

	if (pm_stats(PM_PRIMARY, &st) < 0)
		return complain("%s", pm_errormsg());
	for (uint64_t i = 0; i < p->source_n; i++) {
		bytes += p->source[i].size;
		done += i < p->idx ? p->source[i].size : 0;
	}
	printf("state %s\n", p->idx < p->source_n ? "counting" : "complete");
	printf("files %" PRIu64 "\nfiles_done %" PRIu64 "\n", p->source_n,
	       p->idx);
	printf("offset %" PRIu64 "\n", p->offset);
	printf("bytes %" PRIu64 "\nbytes_done %" PRIu64 "\n", bytes, done);
	printf("words %" PRIu64 "\ndistinct %" PRIu64 "\n", w->table.total,
	       w->table.word_n);
	printf("backend %s\nsurvives %s\n", st.backend, st.survives);
	return 0;
}

/* What the user asked to see, and a remark if it is not the whole. */
static int report(const struct words *w, const struct options *o)
{
	const struct progress *p = &w->progress;

	if (o->status)
		return print_status(w);
	if (print_words(w, o) < 0)
		return -1;
	if (o->quiet)
		return 0;
	if (p->idx < p->source_n)
		fprintf(stderr, "pmwords: not complete: stopped in file %"
			PRIu64 " of %" PRIu64 " (%s) at byte %" PRIu64
			"; run again with the same files\n", p->idx + 1,
			p->source_n, p->source[p->idx].path, p->offset);
	else
		fprintf(stderr, "pmwords: %" PRIu64 " words, %" PRIu64
			" distinct, in %" PRIu64 " files\n", w->table.total,
			w->table.word_n, p->source_n);
	return 0;
}

static int run(const struct options *o, char *const *path, size_t n)
{
	PmWrapperConfig config = {.path = o->pool, .layout = "pmwords"};
	struct words *w;

	if (n == 0) {
		config.flags = PM_RDONLY;
	} else {
		config.flags = PM_CREATE;
		config.size = o->limit < POOL_FIRST ? o->limit : POOL_FIRST;
		config.max_size = o->limit;
	}
	if (pm_init(config) < 0)
		return complain("%s", pm_errormsg());
	w = pm_root(n ? sizeof(*w) : 0);
	if (!w && n == 0 && errno == ENOENT)
		return complain("%s: nothing was counted yet; give the files",
				o->pool);
	if (!w)
		return complain("%s", pm_errormsg());
	if (n && words_count(w, o, path, n) < 0)
		return -1;
	if (!w->table.bucket)
		return complain("%s: nothing was counted yet; give the files",
				o->pool);
	return report(w, o);
}

int main(int argc, char **argv)
{
	struct options o = {.top = 10, .lines = 1000, .limit = 1 << 30};
	int rc = parse_options(argc, argv, &o);

	if (rc > 0)
		return EXIT_SUCCESS;
	if (rc == 0)
		rc = run(&o, argv + optind, (size_t)(argc - optind));
	if (pm_close() < 0 && rc == 0 && errno != EINVAL)
		rc = complain("%s", pm_errormsg());
	if (fflush(stdout) != 0 && rc == 0)
		rc = complain("standard output: %s", strerror(errno));
	return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
