/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/work_disk.c: durable commits of one word on an ordinary file, by one
 * thread and by eight. us a commit: of all threads together.
 */
#include "sys.h"

#define THREADS_MOST 8
#define THREAD_WORDS ((size_t)512)	/* a page each                    */

static struct {
	const char *path;
	uint64_t last[THREADS_MOST];	/* that each thread has written   */
	size_t	 op_n;
} w;

static void disk_start(void)
{
	w.path = bench_path("disk");
	sys_create(0, w.path, (size_t)1 << 20);
	word_make(THREADS_MOST * THREAD_WORDS);
}

/* Word 0 of each thread counts its commits. */
static void commits(void *arg, unsigned t)
{
	(void)arg;
	for (size_t i = 0; i < w.op_n; i++) {
		uint64_t value = ++w.last[t];

		word_set(t * THREAD_WORDS + value % THREAD_WORDS, value);
	}
}

static void disk_verify(void)
{
	for (unsigned t = 0; t < THREADS_MOST; t++)
		if (word_get(t * THREAD_WORDS + w.last[t] % THREAD_WORDS) !=
		    w.last[t])
			bench_die("a thread's last commit is not there");
}

static void disk_run(void)
{
	double took;

	w.op_n = bench_pick(5, 100, 500);
	took = bench_threads(1, commits, NULL);
	bench_figure_n("commit", 1, took * 1e6 / (double)w.op_n);
	w.op_n = bench_pick(5, 50, 250);
	took = bench_threads(THREADS_MOST, commits, NULL);
	bench_figure_n("commit", THREADS_MOST,
		       took * 1e6 / (double)(THREADS_MOST * w.op_n));
	disk_verify();
}

static void disk_stop(void)
{
	sys_close(0);
	sys_reopen(0, w.path);
	word_make(THREADS_MOST * THREAD_WORDS);
	disk_verify();
	sys_close(0);
}

const struct bench_work work_disk = {
	"disk", disk_start, disk_run, disk_stop,
};
