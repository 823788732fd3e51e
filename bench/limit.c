/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench/limit.c: the workloads of the machine itself: what each takes at least
 * if it is to be durable on return, with one fence and no allocator.
 */
#include "floor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define ENTRY_MOST 4160		/* 4 KiB and a line of the entry's own    */
#define BLOCK 4096
#define DISK_LEN ((off_t)1 << 20)

static struct {
	struct rng rng;
	struct floor_log log;
	uint64_t stamp;
	char	 entry[ENTRY_MOST];
} w;

void sys_start(char **argv)
{
	(void)argv;
}

void sys_thread_begin(void)
{
}

void sys_thread_end(void)
{
}

const char *sys_error(void)
{
	return strerror(errno);
}

static void limit_start(void)
{
	floor_open();
	w.rng = rng_of(1);
}

static void limit_stop(void)
{
}

static char *place(size_t len)
{
	return floor_base + FLOOR_DATA_OFF +
	       rng_next(&w.rng) % (FLOOR_DATA_LEN / len) * len;
}

/* Marks the entry's ends, so that a lost append is seen. */
static void entry_mark(size_t len)
{
	w.stamp++;
	memcpy(w.entry, &w.stamp, sizeof w.stamp);
	memcpy(w.entry + len - sizeof w.stamp, &w.stamp, sizeof w.stamp);
}

static void last_verify(size_t len)
{
	if (memcmp(w.log.last, w.entry, len) != 0)
		bench_die("the last entry is not in the log");
}

/* Only the log, in entries of one line. */
static void append_run(const char *figure,
		       void (*append)(struct floor_log *log, const void *entry,
				      size_t len))
{
	size_t n = bench_pick(100, 100000, 500000);
	double start = bench_now();

	for (size_t i = 0; i < n; i++) {
		entry_mark(FLOOR_LINE);
		append(&w.log, w.entry, FLOOR_LINE);
	}
	bench_figure(figure, bench_ns(start, n));
	last_verify(FLOOR_LINE);
}

static void log_run(void)
{
	append_run("nt64", floor_append);
}

/* A load that nothing can foresee: the next place is told by this one. */
static void miss_run(void)
{
	size_t n = bench_pick(100, 100000, 500000);
	uint64_t got = 0;
	double start = bench_now();

	for (size_t i = 0; i < n; i++) {
		w.rng.state ^= got >> 63;
		memcpy(&got, place(sizeof got), sizeof got);
	}
	bench_keep(&got);
	bench_figure("miss", bench_ns(start, n));
}

/* One fence for a log entry of per pieces of len, then stores in place. */
static void redo_run(const char *name, size_t len, size_t per, size_t log_len,
		     size_t n)
{
	void (*store)(char *, const void *, size_t) =
		len == BLOCK ? floor_store_nt : floor_store;
	char *last = NULL;
	double start = bench_now();

	for (size_t i = 0; i < n; i++) {
		entry_mark(log_len);
		floor_append(&w.log, w.entry, log_len);
		for (size_t k = 0; k < per; k++) {
			last = place(len);
			store(last, w.entry, len);
		}
	}
	bench_figure(name, bench_ns(start, n));
	last_verify(log_len);
	if (memcmp(last, w.entry, len) != 0)
		bench_die("the last store is not in its place");
}

static void thread_append(void *arg, unsigned t)
{
	struct floor_log log = { .off = t * FLOOR_LOG_LEN };
	char entry[FLOOR_LINE] = { 0 };

	for (size_t i = 0; i < *(size_t *)arg; i++) {
		memcpy(entry, &i, sizeof i);
		floor_append(&log, entry, sizeof entry);
	}
	if (memcmp(log.last, entry, sizeof entry) != 0)
		bench_die("the last entry is not in the log");
}

/* Each thread has a log of its own. */
static void threads_run(void)
{
	size_t n = bench_pick(100, 100000, 500000);

	for (unsigned t = 1; t <= 4; t *= 2) {
		double took = bench_threads(t, thread_append, &n);

		bench_figure_n("nt64", t, took * 1e9 / (double)(t * n));
	}
}

static int disk_fd;

static void disk_start(void)
{
	disk_fd = open(bench_path("limit-disk"), O_RDWR | O_CREAT, 0600);
	if (disk_fd < 0 || posix_fallocate(disk_fd, 0, DISK_LEN))
		bench_die("a file on the disk");
	for (off_t at = 0; at < DISK_LEN; at += BLOCK)
		if (pwrite(disk_fd, w.entry, BLOCK, at) != BLOCK)
			bench_die("writing to the disk");
	if (fsync(disk_fd))
		bench_die("a sync of the disk");
}

/* The disk's own: a block is written and synced, one after the other. */
static void disk_run(void)
{
	size_t n = bench_pick(5, 100, 500);
	double start = bench_now();

	for (size_t i = 0; i < n; i++) {
		off_t at = (off_t)(i * BLOCK) % DISK_LEN;

		entry_mark(BLOCK);
		if (pwrite(disk_fd, w.entry, BLOCK, at) != BLOCK ||
		    fdatasync(disk_fd))
			bench_die("a sync of the disk");
	}
	bench_figure("fdatasync", bench_ns(start, n) / 1000);
}

static void write_run(void)
{
	log_run();
	append_run("clwb64", floor_append_clwb);
	miss_run();
	redo_run("word", 8, 1, 64, bench_pick(100, 100000, 300000));
	redo_run("lines", 64, 8, 640, bench_pick(100, 50000, 100000));
	redo_run("block", BLOCK, 1, ENTRY_MOST, bench_pick(100, 30000, 100000));
}

static const struct bench_work limit_write = {
	"write", limit_start, write_run, limit_stop,
};
static const struct bench_work limit_alloc = {
	"alloc", limit_start, log_run, limit_stop,
};
static const struct bench_work limit_queue = {
	"queue", limit_start, log_run, limit_stop,
};
static const struct bench_work limit_map = {
	"map", limit_start, log_run, limit_stop,
};
static const struct bench_work limit_threads = {
	"threads", limit_start, threads_run, limit_stop,
};
static const struct bench_work limit_disk = {
	"disk", disk_start, disk_run, limit_stop,
};

const struct bench_work *const bench_works[] = {
	&limit_write, &limit_alloc, &limit_queue, &limit_map,
	&limit_threads, &limit_disk, NULL,
};
