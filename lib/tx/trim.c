/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trim.c: how much DRAM the working copy holds, and giving it back.
 *
 * A page of the working copy that equals its home is dropped; it is read from
 * the file again when touched. A page may hold a store that its transaction
 * logs only later, so pages are dropped only while no transaction is open in
 * any thread (tx_gate_close()).
 */
#include "tx/internal.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BATCH 512
/* Private bytes for a logged one. At most a record of a word makes a page. */
#define RATE_MIN 16u
#define RATE_MAX (PM_PAGE / (sizeof(struct pm_rec) + 8) + 1)
#define PM_PRESENT (3ull << 62)		/* present or swapped       */
#define PM_FILE (1ull << 61)		/* a page of the file       */

struct pages {
	int fd;
	uint64_t private_bytes;
	bool drop;
};

static THREAD_LOCAL struct pages *scan;

static void look_at(struct region *r, uint8_t *page, uint64_t info)
{
	uint64_t off = region_off(r, page);

	if (!(info & PM_PRESENT) || (info & PM_FILE))
		return;
	scan->private_bytes += PM_PAGE;
	if (scan->drop && memcmp(page, r->home + off, PM_PAGE) == 0 &&
	    madvise(page, PM_PAGE, MADV_DONTNEED) == 0)
		scan->private_bytes -= PM_PAGE;
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

static uint64_t scan_work(struct region *r, bool drop)
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
	return scan_work(r, false);
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

/*
 * When to look again: when what is logged from here on may have filled the
 * room. A record of one word makes a page private; the next words may hit
 * the same one, so what happened since the last look tells how many bytes
 * become private for one that is logged. It may change, but not too far.
 */
static void plan_look(struct log *log, uint64_t logged, uint64_t before,
		      uint64_t now)
{
	uint64_t budget = log->work_budget, room = budget / 8, rate = RATE_MAX;

	if (now < budget - room)
		room = budget - now;
	if (log->trim_seen && logged > log->trim_seen)
		rate = before > log->trim_left
			? (before - log->trim_left) / (logged - log->trim_seen)
			: 0;
	rate = min_u64(max_u64(rate, RATE_MIN), RATE_MAX);
	log->trim_at = logged + room / rate;
	log->trim_seen = logged;
	log->trim_left = now;
}

/* Called with ckpt_mu held, by a thread whose transaction may be ending. */
void work_trim(struct region *r)
{
	struct log *log = r->log;
	uint64_t logged = 0, before, now;
	unsigned i;
	bool seen;

	if (r->private || r->md.anonymous || (r->flags & PM_RESIDENT))
		return;
	for (i = 0; i < log->n_lanes; i++)
		logged += AO_load(&log->lane[i].logged);
	if (logged < log->trim_at)
		return;
	before = now = scan_work(r, false);
	if (before <= log->work_budget / 8 * 7) {
		plan_look(log, logged, before, now);
		return;
	}
	seen = tx_gate_close();
	/* If it fails the region is poisoned, and entries keep waiting. */
	if (log->deferred)
		(void)log_flush_upto(r, log_settled(log));
	pthread_mutex_lock(&log->flush_mu);
	if (seen && tx_others_are_idle() && all_is_applied(log))
		now = scan_work(r, true);
	pthread_mutex_unlock(&log->flush_mu);
	tx_gate_open();
	plan_look(log, logged, before, now);
}
