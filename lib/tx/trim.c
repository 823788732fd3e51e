/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trim.c: how much DRAM the working copy holds, and giving it back.
 *
 * Transactions mark the pages that they touch. When these have filled most of
 * the budget, all that equal their home are dropped; a page is read from the
 * file again when it is touched. A page may hold a store that its transaction
 * logs only later, so pages are dropped only while no transaction is open in
 * any thread (tx_gate_close()). Pages that nobody marked, as what was stored
 * there was never logged or was aborted, are looked for now and then.
 */
#include "tx/internal.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif

#define BATCH 512
#define RUNS 256			/* dropped by one call            */
#define SCAN_EVERY 4			/* times that pages are dropped   */
#define TRIES 64			/* for others to end              */
#define BITS (8 * sizeof(AO_t))
#define PM_PRESENT (3ull << 62)		/* present or swapped       */
#define PM_FILE (1ull << 61)		/* a page of the file       */

/* Runs of pages to be dropped. */
struct runs {
	int pidfd;
	unsigned n;
	size_t len;
	struct iovec run[RUNS];
};

struct pages {
	int fd;
	uint64_t private_bytes;
	struct runs *drop;		/* NULL: only counts          */
};

static THREAD_LOCAL struct pages *scan;

static void runs_begin(struct runs *d)
{
	d->pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	d->n = 0;
	d->len = 0;
}

static void runs_drop(struct runs *d)
{
	unsigned i;

	/* Kernels before 6.13 do not do this to their caller. */
	if (d->n > 1 && d->pidfd >= 0 &&
	    syscall(SYS_process_madvise, d->pidfd, d->run, (size_t)d->n,
		    MADV_DONTNEED, 0u) == (long)d->len)
		d->n = 0;
	for (i = 0; i < d->n; i++)
		(void)madvise(d->run[i].iov_base, d->run[i].iov_len,
			      MADV_DONTNEED);
	d->n = 0;
	d->len = 0;
}

static void runs_add(struct runs *d, uint8_t *page)
{
	struct iovec *last = &d->run[d->n - 1];

	d->len += PM_PAGE;
	if (d->n && (uint8_t *)last->iov_base + last->iov_len == page) {
		last->iov_len += PM_PAGE;
		return;
	}
	d->run[d->n++] = (struct iovec){page, PM_PAGE};
	if (d->n == RUNS)
		runs_drop(d);
}

static void runs_end(struct runs *d)
{
	runs_drop(d);
	if (d->pidfd >= 0)
		close(d->pidfd);
}

static bool equals_home(struct region *r, const uint8_t *page)
{
	const uint8_t *home = r->home + region_off(r, page);

	return debug_memory() ? memory_equal(page, home, PM_PAGE)
			      : memcmp(page, home, PM_PAGE) == 0;
}

static void look_at(struct region *r, uint8_t *page, uint64_t info)
{
	if (!(info & PM_PRESENT) || (info & PM_FILE))
		return;
	if (scan->drop && equals_home(r, page))
		runs_add(scan->drop, page);
	else
		scan->private_bytes += PM_PAGE;
}

static int scan_range(struct region *r, uint64_t off, uint64_t len)
{
	uint64_t info[BATCH], done = 0, i;

	while (done < len) {
		uint8_t *at = r->work + off + done;
		uint64_t n = min_u64(BATCH, (len - done) / PM_PAGE);
		ssize_t got = pread(scan->fd, info, n * 8,
				    (off_t)((uint64_t)at / PM_PAGE * 8));

		if (got <= 0 || n == 0)
			return -1;
		for (i = 0; i < (uint64_t)got / 8; i++)
			look_at(r, at + i * PM_PAGE, info[i]);
		done += (uint64_t)got / 8 * PM_PAGE;
	}
	return 0;
}

static uint64_t scan_work(struct region *r, struct runs *drop)
{
	struct pages p = {.drop = drop};

	if (!r->work)
		return 0;
	p.fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (p.fd < 0)
		return 0;
	scan = &p;
	alloc_freeze(r);
	(void)alloc_each_used(r, scan_range);
	alloc_thaw(r);
	scan = NULL;
	close(p.fd);
	return p.private_bytes;
}

uint64_t work_bytes(struct region *r)
{
	return scan_work(r, NULL);
}

int work_bound(struct region *r, uint64_t budget)
{
	struct log *log = r->log;

	if (!budget || r->private || r->md.anonymous ||
	    (r->flags & PM_RESIDENT))
		return 0;
	log->touched_max = max_u64(r->md.m.max_size, r->size) / PM_PAGE;
	log->touched = calloc(log->touched_max / BITS + 1, sizeof(AO_t));
	if (!log->touched)
		return err_set(ENOMEM, "%s: out of memory", region_name(r));
	log->work_pages = max_u64(budget / PM_PAGE / 8 * 7, 1);
	log->trim_at = log->work_pages;
	r->bounded = true;
	return 0;
}

/* A page is made private by one fault, where reading its old bytes first would
 * have taken two. */
void work_touch(struct region *r, uint64_t off, uint64_t n, bool stores)
{
	struct log *log = r->log;
	uint64_t page = off / PM_PAGE, last = (off + n - 1) / PM_PAGE;

	for (; n && page <= last && page < log->touched_max; page++) {
		AO_t *word = &log->touched[page / BITS];
		AO_t bit = (AO_t)1 << page % BITS;

		if (AO_load(word) & bit ||
		    __atomic_fetch_or(word, bit, __ATOMIC_RELAXED) & bit)
			continue;
		AO_fetch_and_add1(&log->touched_n);
		if (stores)
			__atomic_fetch_or(r->work +
					  max_u64(off, page * PM_PAGE), 0,
					  __ATOMIC_RELAXED);
	}
}

/* A deferred entry still changes home, for a while perhaps back to what it was
 * before: a page that equals it now would show the program an older value.
 * Called with flush_mu held, so that none begins. */
static bool all_is_applied(struct log *log)
{
	unsigned i;

	for (i = 0; i < log->n_lanes; i++)
		if (AO_load_acquire(&log->lane[i].tail) !=
		    AO_load(&log->lane[i].flushed))
			return false;
	return true;
}

/* Behind the gate; but who has begun may wait for what this thread holds. */
static bool others_end(void)
{
	unsigned i;

	for (i = 0; i < TRIES; i++) {
		if (tx_others_are_idle())
			return true;
		sched_yield();
	}
	return false;
}

/* Pages that differ from their home keep their mark. */
static void drop_touched(struct region *r, struct runs *d)
{
	struct log *log = r->log;
	uint64_t i, left = 0;

	for (i = 0; i <= log->touched_max / BITS; i++) {
		AO_t word = log->touched[i], rest = word;

		for (; rest; rest &= rest - 1) {
			unsigned bit = (unsigned)__builtin_ctzl(rest);
			uint8_t *page = r->work + (i * BITS + bit) * PM_PAGE;

			if (!equals_home(r, page)) {
				left++;
				continue;
			}
			runs_add(d, page);
			word &= ~((AO_t)1 << bit);
		}
		log->touched[i] = word;
	}
	AO_store(&log->touched_n, left);
}

static void drop(struct region *r)
{
	struct log *log = r->log;
	uint64_t marked, all, limit = log->work_pages;
	struct runs d;

	runs_begin(&d);
	drop_touched(r, &d);
	runs_drop(&d);
	marked = AO_load(&log->touched_n);
	if (log->trims++ % SCAN_EVERY == 0 || marked > limit / 2) {
		all = scan_work(r, &d) / PM_PAGE;
		log->unmarked = all > marked ? all - marked : 0;
	}
	runs_end(&d);
	/* What cannot be dropped leaves less room, but some. */
	AO_store(&log->trim_at, marked +
		 max_u64(max_u64(limit / 16, 1), limit -
			 min_u64(limit, marked + log->unmarked)));
}

/* Called with ckpt_mu held, by a thread whose transaction may be ending. */
void work_trim(struct region *r)
{
	struct log *log = r->log;
	bool idle;

	if (!r->bounded || AO_load(&log->touched_n) < AO_load(&log->trim_at))
		return;
	idle = tx_gate_close() && others_end();
	/* If it fails the region is poisoned, and entries keep waiting. */
	if (idle && log->deferred)
		(void)log_flush_upto(r, log_settled(log));
	pthread_mutex_lock(&log->flush_mu);
	if (idle && all_is_applied(log))
		drop(r);
	else
		AO_store(&log->trim_at,
			 AO_load(&log->touched_n) +
			 max_u64(log->work_pages / 64, 1));
	pthread_mutex_unlock(&log->flush_mu);
	tx_gate_open();
}

void work_limit(struct region *r)
{
	struct log *log = r->log;

	/* Commits that wait for a flush would all have to be flushed: that is
	 * left to the next checkpoint. */
	if (AO_load(&log->touched_n) < AO_load(&log->trim_at) ||
	    (log->deferred && !log->grouped))
		return;
	if (pthread_mutex_trylock(&log->ckpt_mu))
		return;
	work_trim(r);
	pthread_mutex_unlock(&log->ckpt_mu);
}
