/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pmwords.h: the persistent structures of pmwords and what its files share.
 *
 * Everything below is reached from the primary's root object, struct words.
 * A word is a maximal run of the ASCII letters A-Z and a-z, in lower case; the
 * end of a file ends a word.
 */
#ifndef PMWORDS_H
#define PMWORDS_H

#include <stddef.h>
#include <stdint.h>

/* One distinct word; text has len letters and a NUL. */
struct word {
	struct word *next;	/* in the same bucket */
	char *text;
	uint64_t count;
	uint32_t hash;
	uint32_t len;
};

/* Chained hash table; bucket_n is a power of two. */
struct table {
	struct word **bucket;
	uint64_t bucket_n;
	uint64_t word_n;	/* distinct words */
	uint64_t total;		/* all words      */
};

/* One input file, as it was when the counting began. */
struct source {
	char *path;		/* absolute */
	uint64_t size;		/* bytes    */
	int64_t mtime_s;
	int64_t mtime_ns;
};

/* How far the counting came: source[idx] is counted up to offset. */
struct progress {
	struct source *source;
	uint64_t source_n;
	uint64_t idx;
	uint64_t offset;	/* bytes */
};

struct words {
	struct table table;
	struct progress progress;
};

/* Reads one source in pieces that end where no word is cut. */
struct reader {
	const struct source *source;
	int fd;
	char *buf;
	size_t buf_len;		/* bytes of room                     */
	size_t fill_len;	/* bytes read                        */
	size_t used_len;	/* of them, bytes handed out         */
	uint64_t off;		/* offset in the file of buf[0]      */
};

/* pmwords.c: prints "pmwords: " and the message on stderr; returns -1. */
int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * pmwords_table.c. table_init() and table_count() are called inside a
 * transaction and are undone with it. -1: the transaction is doomed.
 * table_count() turns the n bytes at text to lower case on its way.
 */
int table_init(struct table *t);
int table_count(struct table *t, char *text, size_t n);

/* All words, most frequent first, in malloc memory; NULL when out of it. */
const struct word **table_sorted(const struct table *t);

/*
 * pmwords_input.c. progress_init() is called inside a transaction; -1: the
 * transaction is doomed, or complained about a path (*complained is 1).
 * progress_verify(): are these the files the counting began with, unchanged?
 */
int progress_init(struct progress *p, char *const *path, size_t n,
		  int *complained);
int progress_verify(const struct progress *p, char *const *path, size_t n);

/* reader_next(): length of the next piece of at most so many lines, at *text;
 * 0 at the end of the file; -1 after complaining. */
int reader_open(struct reader *r, const struct source *s, uint64_t offset);
int64_t reader_next(struct reader *r, uint64_t lines, char **text);
void reader_close(struct reader *r);

/* 1 if the file behind fd or path still is what was recorded, else 0. */
int source_is_same(const struct source *s, int fd);

#endif
