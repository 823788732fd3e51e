/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/work_write.c: transactions that change random bytes of a large array:
 * W2, one word of 8 bytes; W3, eight lines of 64 bytes; W4, 4 KiB. Whatever is
 * written says when, so that lost and torn writes are found afterwards.
 */
#include "sys.h"

#define LINE_WORDS 8
#define LINES 8
#define BLOCK_WORDS 512
#define REOPEN_N 100

static struct {
	const char *path;
	size_t	 word_n;
	uint64_t stamp;		/* last value that was written            */
	uint64_t first;		/* and the first of the last run          */
	struct rng before;	/* random numbers at its start            */
	struct rng rng;
} w;

static void write_start(void)
{
	w.word_n = bench_pick(1 << 14, WORDS_QUICK, WORDS_FULL);
	w.path = bench_path("write");
	w.rng = rng_of(1);
	w.stamp = 1;
	sys_create(0, w.path, w.word_n * sizeof(uint64_t));
	word_make(w.word_n);
}

static void words_run(size_t op_n)
{
	double start;

	w.before = w.rng;
	w.first = w.stamp;
	start = bench_now();
	for (size_t i = 0; i < op_n; i++)
		word_set(rng_next(&w.rng) % w.word_n, w.stamp++);
	bench_figure("word", bench_ns(start, op_n));
}

/* A word has what the last run wrote there, the last time that it did. */
static void words_verify(size_t op_n)
{
	struct rng rng = w.before;

	for (size_t i = 0; i < op_n; i++) {
		uint64_t value = word_get(rng_next(&rng) % w.word_n);

		if (value < w.first + i || value >= w.first + op_n)
			bench_die("a word that was written is not there");
	}
}

#ifdef SYS_IS_HEAP

/* Changes n words at p to a stamp. */
static inline void words_fill(uint64_t *p, size_t n, uint64_t stamp)
{
	heap_add(p, n * sizeof *p);
	for (size_t i = 0; i < n; i++)
		p[i] = stamp;
}

static void lines_change(struct rng *rng, uint64_t stamp)
{
	HEAP_TX_BEGIN {
		for (int k = 0; k < LINES; k++) {
			size_t line = rng_next(rng) % (w.word_n / LINE_WORDS);

			words_fill(heap_words + line * LINE_WORDS, LINE_WORDS,
				   stamp);
		}
	} HEAP_TX_END
}

static void block_change(struct rng *rng, uint64_t stamp)
{
	HEAP_TX_BEGIN {
		size_t block = rng_next(rng) % (w.word_n / BLOCK_WORDS);

		words_fill(heap_words + block * BLOCK_WORDS, BLOCK_WORDS,
			   stamp);
	} HEAP_TX_END
}

/* The words of operations from..to on pieces, per of them in each. */
static void pieces_verify(struct rng rng, uint64_t from, uint64_t to,
			  size_t len, size_t per)
{
	for (size_t i = 0; i < (to - from) * per; i++) {
		size_t piece = rng_next(&rng) % (w.word_n / len);
		const uint64_t *p = heap_words + piece * len;

		if (p[0] < from + i / per || p[0] >= to)
			bench_die("a line that was written is not there");
		for (size_t k = 1; k < len; k++)
			if (p[k] != p[0])
				bench_die("a line is torn");
	}
}

static void pieces_run(const char *name, void (*change)(struct rng *, uint64_t),
		       size_t len, size_t per, size_t op_n)
{
	struct rng before = w.rng;
	uint64_t first = w.stamp;
	double start = bench_now();

	for (size_t i = 0; i < op_n; i++)
		change(&w.rng, w.stamp++);
	bench_figure(name, bench_ns(start, op_n));
	pieces_verify(before, first, w.stamp, len, per);
}

#endif

static void write_run(void)
{
	size_t word_n = bench_pick(100, 50000, 300000);

#ifdef SYS_IS_HEAP
	pieces_run("lines", lines_change, LINE_WORDS, LINES,
		   bench_pick(100, 15000, 60000));
	pieces_run("block", block_change, BLOCK_WORDS, 1,
		   bench_pick(100, 15000, 60000));
#endif
	words_run(word_n);
	words_verify(word_n);
}

#ifdef SYS_PERSISTENT

static void write_reopen(void)
{
	sys_close(0);
	sys_reopen(0, w.path);
	word_make(w.word_n);
}

#ifdef SYS_IS_HEAP
/* A few operations on pieces are there after opening again, too. */
static void pieces_reopen(void (*change)(struct rng *, uint64_t), size_t len,
			  size_t per)
{
	struct rng before = w.rng;
	uint64_t first = w.stamp;

	for (size_t i = 0; i < REOPEN_N; i++)
		change(&w.rng, w.stamp++);
	write_reopen();
	pieces_verify(before, first, w.stamp, len, per);
}
#endif

#endif

static void write_stop(void)
{
#ifdef SYS_PERSISTENT
	uint64_t last = w.stamp;

	write_reopen();
	words_verify(last - w.first);
#ifdef SYS_IS_HEAP
	pieces_reopen(lines_change, LINE_WORDS, LINES);
	pieces_reopen(block_change, BLOCK_WORDS, 1);
#endif
#endif
	sys_close(0);
}

const struct bench_work work_write = {
	"write", write_start, write_run, write_stop,
};
