/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * log.c: lanes, rings of redo-log entries.
 *
 * The orders that crash consistency rests on; each fence names the one it
 * makes. "Before" means durable before.
 *
 *  T1	An entry is durable before its transaction is applied to its home or
 *	reported committed (log_fence in commit.c, flush.c). It is one fence:
 *	the checksum tells a whole entry from a torn one, and all entries of a
 *	transaction over several regions count or none does.
 *  T2	Everything that entries up to S changed in place, and the header with
 *	their changes, is durable before the checkpoint record that says S.
 *  T3	The checkpoint record is durable before the ring space below its heads
 *	is written again, and before extents that only older entries touched
 *	are written outside the log (spills, direct writes).
 *  T4	Bytes written directly to a fresh object's home are durable before the
 *	entry that allocates it.
 *  T5	The grown file, with zeros in the new zone, is durable before the entry
 *	that adds the zone (backend->grow).
 *  T6	A new region's header, checkpoint record and lanes are durable before
 *	the magic takes the place of the mark that says it is unfinished, and
 *	that before its file gets its name.
 *  T7	An entry that a participant could not make durable is wiped elsewhere
 *	before the transaction is reported failed there.
 *
 * Positions count bytes ever appended to a lane; the ring place is the
 * position modulo the lane's size. A stale entry is never taken for a new one:
 * the checksum is seeded by a nonce of this opening, the lane and the position,
 * and within an opening by the sequence number above the watermark.
 */
#include "tx/internal.h"

#include <sched.h>
#include <string.h>

static AO_t next_lane;
static THREAD_LOCAL unsigned my_lane;

uint64_t entry_sum(const struct pm_entry *e, uint64_t nonce, unsigned lane,
		   uint64_t pos)
{
	uint64_t seed = nonce ^ (uint64_t)lane << 56 ^ pos;

	seed ^= e->seq * 0x9e3779b97f4a7c15ull;
	seed ^= ((uint64_t)e->n_rec << 32 | e->len) * 0xc2b2ae3d27d4eb4full;
	return checksum(e + 1, e->len - sizeof(*e), seed);
}

struct lane *lane_try(struct log *log, unsigned idx)
{
	struct lane *l = &log->lane[idx];

	return !AO_load(&l->busy) && AO_compare_and_swap_full(&l->busy, 0, 1)
		? l : NULL;
}

unsigned lane_thread(void)
{
	if (UNLIKELY(my_lane == 0))
		my_lane = (unsigned)AO_fetch_and_add1(&next_lane) + 1;
	return my_lane;
}

struct lane *lane_acquire(struct log *log)
{
	unsigned tries = 0, i = lane_thread();

	if (i >= log->n_lanes)
		i %= log->n_lanes;
	for (;;) {
		struct lane *l = lane_try(log, i);

		if (l)
			return l;
		i = i + 1 == log->n_lanes ? 0 : i + 1;
		if (++tries % log->n_lanes == 0)
			sched_yield();
	}
}

void lane_release(struct lane *l)
{
	AO_store_release(&l->busy, 0);
}

bool lane_has_room(const struct log *log, const struct lane *l, uint64_t need)
{
	return l->tail + need - AO_load_acquire(&l->head) <= log->lane_size;
}

int lane_need(struct region *r, struct lane *l, uint64_t need)
{
	while (UNLIKELY(!lane_has_room(r->log, l, need))) {
		if (log_checkpoint_to(r, l, l->tail + need -
				      r->log->lane_size))
			return -1;
		/* Others may be between sequence number and apply. */
		sched_yield();
	}
	return 0;
}

uint64_t lane_take_seq(struct log *log, struct lane *l)
{
	/* Seen by log_settled() at the latest when the number is taken: the
	 * addition is a full barrier. A number that is too low holds others up
	 * for a moment; to look at the counter would fetch its line twice. */
	AO_store_release(&l->inflight, l->last + 1);
	l->last = AO_fetch_and_add1_full(&log->seq) + 1;
	AO_store_release(&l->inflight, l->last);
	return l->last;
}

void lane_append(struct region *r, struct lane *l, struct pm_entry *e,
		 uint64_t seq, unsigned how)
{
	struct log *log = r->log;
	uint64_t pos = l->tail, at = lane_place(log, l, pos);
	uint64_t n = line_up(e->len);
	uint64_t first = min_u64(n, log->lane_size - at);

	e->seq = seq;
	e->checksum = entry_sum(e, log->nonce, (unsigned)(l - log->lane), pos);
	med_write(&r->md, l->off + at, e, first, how);
	copy_short(lane_mirror(log, l) + at, e, first);
	if (UNLIKELY(first < n)) {
		med_write(&r->md, l->off, (const uint8_t *)e + first,
			  n - first, how);
		memcpy(lane_mirror(log, l), (const uint8_t *)e + first,
		       n - first);
	}
	count(&l->commits, 1);
	count(&l->logged, n);
}

void lane_publish(struct lane *l, uint64_t len, bool applied)
{
	uint64_t end = l->tail + line_up(len);

	if (applied)
		AO_store_release(&l->flushed, end);
	AO_store_release(&l->tail, end);
	AO_store_release(&l->inflight, NOT_IN_FLIGHT);
}

const void *lane_view(struct region *r, const struct lane *l, uint64_t pos,
		      uint64_t len, void *buf)
{
	return lane_ring(r->log, l, pos % r->log->lane_size, len, buf);
}

uint64_t log_settled(struct log *log)
{
	uint64_t settled;
	unsigned i;

	/* Whoever took a number up to this one had marked it before, and the
	 * addition by which it was taken is what this load reads from. */
	settled = AO_load_acquire(&log->seq);
	for (i = 0; i < log->n_lanes; i++) {
		AO_t inflight = AO_load_acquire(&log->lane[i].inflight);

		if (inflight != NOT_IN_FLIGHT && inflight <= settled)
			settled = inflight - 1;
	}
	return settled;
}

/* The first reason counts. */
void log_poison(struct region *r, int why)
{
	if (AO_compare_and_swap_full(&r->poisoned, POISON_NONE, (AO_t)why))
		say(PM_LOG_WARN, "%s: nothing more is made durable in it until "
		    "it is closed and opened again", region_name(r));
}

int log_check_medium(struct region *r)
{
	enum cut cut = medium_is_cut(&r->md);

	if (LIKELY(cut == NOT_CUT))
		return 0;
	log_poison(r, cut == IS_CUT ? POISON_CUT : POISON_SYNC);
	return region_poisoned(r);
}

int log_fence(struct region *r, AO_t *counter)
{
	count(counter, 1);
	/* ORDER: on behalf of the caller, who says which. A region whose pages
	 * were found lost on the way has nothing to call durable. */
	if (LIKELY(med_fence(&r->md) == 0 && !AO_load(&r->poisoned)))
		return 0;
	if (log_check_medium(r) == 0)
		log_poison(r, POISON_SYNC);
	return region_poisoned(r);
}
