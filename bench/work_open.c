/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/work_open.c: W8, opening a pool of a million objects of 64 bytes, or of
 * ten, that was closed, and one whose process was killed in a transaction when
 * its log was as full as it gets; and the first transaction then.
 *
 * Everything is done in children, so that each opening is a process's first.
 */
#include "sys.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZES 2
#define SIZE 64
#define TX_N 1000
#define WORDS ((size_t)1 << 16)
#define THREADS_MOST 16
#define STEP_N 50		/* commits of a thread between two looks  */
#define STEPS_MOST 5000

struct report {
	double	 opened;	/* ms                                     */
	double	 first;		/* us                                     */
	double	 pending;	/* entries in the log before it was killed */
};

static struct {
	const char *path[SIZES];
	size_t	 n[SIZES];
	unsigned size_n;
} w;

/* Calls f(i) in a child, which is killed at its end or leaves. */
static struct report in_child(void (*f)(unsigned i, struct report *out),
			      unsigned i, bool killed)
{
	struct report out = { 0 };
	int status, ends[2];
	pid_t pid;

	fflush(stdout);
	if (pipe(ends) || (pid = fork()) < 0)
		bench_die("a child");
	if (pid == 0) {
		f(i, &out);
		if (write(ends[1], &out, sizeof out) != sizeof out)
			_exit(1);
		if (killed)
			kill(getpid(), SIGKILL);
		_exit(0);
	}
	close(ends[1]);
	if (read(ends[0], &out, sizeof out) != sizeof out)
		bench_die("a child failed");
	close(ends[0]);
	if (waitpid(pid, &status, 0) != pid ||
	    (killed ? !WIFSIGNALED(status) : status != 0))
		bench_die("a child failed");
	return out;
}

#ifdef SYS_IS_HEAP

static void objects_alloc(size_t from, size_t to)
{
	HEAP_TX_BEGIN {
		for (size_t i = from; i < to; i++) {
			ref r = heap_tx_alloc(SIZE);

			*(size_t *)ref_at(r) = i;
		}
	} HEAP_TX_END
}

static void objects_make(size_t n)
{
	for (size_t i = 0; i < n; i += TX_N)
		objects_alloc(i, i + TX_N < n ? i + TX_N : n);
}

static bool objects_are(size_t n)
{
	return heap_objects() >= (long)n;
}

static void words_change(void *arg, unsigned t)
{
	(void)arg;
	for (size_t i = 0; i < STEP_N; i++)
		word_set((t * STEP_N + i) % WORDS, i + 1);
}

/*
 * Every lane gets as many entries, until a checkpoint empties them; the second
 * time just not so many.
 */
static long log_fill(void)
{
	unsigned lanes = heap_lanes();
	unsigned threads = lanes < THREADS_MOST ? lanes : THREADS_MOST;
	long most = 0, is;

	for (unsigned step = 0; step < STEPS_MOST; step++) {
		bench_threads(threads, words_change, NULL);
		is = heap_pending();
		if (is < most)
			break;
		most = is;
	}
	for (unsigned step = 0; step < STEPS_MOST; step++) {
		if (is >= most - 2 * (long)(threads * STEP_N))
			break;
		bench_threads(threads, words_change, NULL);
		is = heap_pending();
	}
	return is;
}

#else

static size_t blob_len(void *arg)
{
	(void)arg;
	return SIZE;
}

static void objects_make(size_t n)
{
	blob_fill(n, blob_len, NULL);
}

static bool objects_are(size_t n)
{
	return blob_count() >= n;
}

static long log_fill(void)
{
	for (size_t i = 0; i < STEP_N; i++)
		word_set(i % WORDS, i + 1);
	return 0;
}

#endif

static void pool_make(unsigned i, struct report *out)
{
	(void)out;
	sys_create(0, w.path[i], w.n[i] * SIZE + WORDS * sizeof(uint64_t));
	word_make(WORDS);
	objects_make(w.n[i]);
	sys_close(0);
}

static void pool_open(unsigned i, struct report *out)
{
	double start = bench_now();

	sys_reopen(0, w.path[i]);
	out->opened = (bench_now() - start) * 1e3;
	word_make(WORDS);
	start = bench_now();
	word_set(0, w.n[i]);
	out->first = (bench_now() - start) * 1e6;
	if (word_get(0) != w.n[i] || !objects_are(w.n[i]))
		bench_die("the pool that was opened lacks something");
	sys_close(0);
}

/* What was committed is there, what was not is not. */
static void crashed_open(unsigned i, struct report *out)
{
	double start = bench_now();

	sys_reopen(0, w.path[i]);
	out->opened = (bench_now() - start) * 1e3;
	word_make(WORDS);
	if (word_get(1) != 2 || word_get(2) != 3)
		bench_die("recovery is wrong");
	sys_close(0);
	pool_open(i, &(struct report){ 0 });
}

/* Words 0, 1, 2 ... are 1, 2, 3 ... but for what is left undone. */
static void pool_crash(unsigned i, struct report *out)
{
	sys_reopen(0, w.path[i]);
	word_make(WORDS);
	out->pending = (double)log_fill();
	word_set(1, 2);
	word_leave(2, 12345);
}

static void open_start(void)
{
	static const char *const names[SIZES] = { "open1", "open10" };
	size_t n = bench_pick(2000, 1000000, 1000000);

	w.size_n = bench_run.scale == SCALE_FULL ? SIZES : 1;
	for (unsigned i = 0; i < w.size_n; i++, n *= 10) {
		w.path[i] = bench_path(names[i]);
		w.n[i] = n;
		in_child(pool_make, i, false);
	}
}

static void open_run(void)
{
	for (unsigned i = 0; i < w.size_n; i++) {
		struct report clean = in_child(pool_open, i, false);
		struct report crash = in_child(pool_crash, i, true);
		struct report again = in_child(crashed_open, i, false);

		bench_figure_n("clean", w.n[i], clean.opened);
		bench_figure_n("first", w.n[i], clean.first);
		bench_figure_n("crashed", w.n[i], again.opened);
		if (crash.pending > 0)
			bench_figure_n("entries", w.n[i], crash.pending);
	}
}

static void open_stop(void)
{
}

const struct bench_work work_open = {
	"open", open_start, open_run, open_stop,
};
