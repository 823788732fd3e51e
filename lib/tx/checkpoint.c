/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * checkpoint.c: making room in all lanes at once.
 *
 * The watermark is one for all lanes. Were lanes emptied one by one, a lane
 * that still holds an older value of some bytes could be replayed alone after
 * the lane with the newer value was emptied.
 */
#include "tx/internal.h"

#include <sched.h>

/* Flushes what entries in [pos, end) up to number seq changed. The position
 * after the last; last, unless NULL: its number. ckpt_mu is held. */
static uint64_t flush_entries(struct region *r, const struct lane *l,
			      uint64_t pos, uint64_t end, uint64_t seq,
			      struct flush_set *set, uint64_t *last)
{
	struct log *log = r->log;
	uint64_t at = pos % log->lane_size, n;
	bool flushes = med_flushes(&r->md);

	for (; pos < end; pos += n) {
		const struct pm_entry *e = lane_ring(log, l, at, PM_LINE,
						     log->ckpt_buf);

		if (e->seq > seq)
			break;
		if (last)
			*last = e->seq;
		n = line_up(e->len);
		if (flushes)
			entry_flush(r, lane_ring(log, l, at, e->len,
						 log->ckpt_buf), set);
		at += n;
		if (at >= log->lane_size)
			at -= log->lane_size;
	}
	return pos;
}

/*
 * What a checkpoint would have to flush for this lane is flushed by the thread
 * that works in it: it has the lines in its cache, where another would have to
 * fetch them. The fence of its next commit makes them durable.
 *
 * Not beside a checkpoint: it may retire an entry that is being looked at, and
 * where its records were spilled others would write. Then the next commit tries
 * again.
 */
void lane_sweep(struct region *r, struct lane *l)
{
	struct flush_set set = {.slot = 0};

	if (pthread_mutex_trylock(&r->log->ckpt_mu))
		return;
	l->swept = flush_entries(r, l, max_u64(l->swept, AO_load(&l->head)),
				 l->tail, PM_COUNT_MAX, &set, &l->swept_seq);
	l->sweeper = lane_thread();
	pthread_mutex_unlock(&r->log->ckpt_mu);
}

/* The caller has fenced. Its fence says nothing of what another thread flushed
 * that had the lane before: that is swept once more. */
void lane_swept(struct lane *l)
{
	if (l->sweeper != lane_thread()) {
		l->swept = AO_load(&l->clean);
		return;
	}
	AO_store(&l->clean_seq, l->swept_seq);
	AO_store_release(&l->clean, l->swept);
}

/* Flushes what entries up to seq changed, but for what is clean; the position
 * after the last. */
static uint64_t retire_lane(struct region *r, struct lane *l, uint64_t seq,
			    struct flush_set *set)
{
	struct log *log = r->log;
	uint64_t pos = l->head, clean = AO_load_acquire(&l->clean);
	uint64_t end = AO_load_acquire(log->deferred ? &l->flushed : &l->tail);

	/* ORDER T2: what is below clean the fence of another commit has made
	 * durable, which the acquiring load comes after. */
	if (clean > pos && AO_load(&l->clean_seq) <= seq)
		pos = clean;
	return flush_entries(r, l, pos, end, seq, set, NULL);
}

static bool write_header(struct region *r, uint64_t *gen)
{
	bool dirty;

	pthread_mutex_lock(&r->hdr_mu);
	dirty = r->hdr_dirty || r->hdr_one_copy;
	if (dirty) {
		r->hdr->gen++;
		r->hdr_copy = !r->hdr_copy;
		r->hdr_dirty = false;
		header_write(r, r->hdr_copy);
	}
	*gen = r->hdr->gen;
	pthread_mutex_unlock(&r->hdr_mu);
	return dirty;
}

/* The copy that is a generation behind follows; the next fence covers it. */
static void write_other_header(struct region *r)
{
	pthread_mutex_lock(&r->hdr_mu);
	if (!r->hdr_dirty) {
		header_write(r, !r->hdr_copy);
		r->hdr_one_copy = false;
	} else {
		r->hdr_one_copy = true;
	}
	pthread_mutex_unlock(&r->hdr_mu);
}

static int persist_ckpt(struct region *r, uint64_t seq, const uint64_t *head,
			uint64_t header_gen, uint32_t flags)
{
	struct log *log = r->log;
	struct pm_ckpt c = {0};
	unsigned i;

	c.gen = ++log->ckpt_gen;
	c.watermark = seq;
	c.next_seq = log->first_seq;
	c.nonce = log->nonce;
	c.header_gen = header_gen;
	c.flags = flags | (log->deferred ? PM_CKPT_PREFIX : 0);
	c.n_lanes = log->n_lanes;
	for (i = 0; i < log->n_lanes; i++)
		c.head[i] = head[i];
	log->ckpt_slot = !log->ckpt_slot;
	ckpt_write(&r->md, &c, log->ckpt_slot);
	/* ORDER T3: the record before anything that it declares free is used
	 * again. A crash before leaves the older record and a log that is
	 * still whole; after, the log starts at the new heads. */
	return log_fence(r, &log->ckpt_fences);
}

static int checkpoint(struct region *r, uint32_t flags)
{
	struct log *log = r->log;
	uint64_t seq, gen, head[PM_LANES_MAX];
	struct flush_set set = {.slot = 0};
	bool wrote;
	unsigned i;

	if (log_check_medium(r))
		return -1;
	if (log->deferred && log_flush_upto(r, log_settled(log)))
		return -1;
	seq = log->deferred ? AO_load_acquire(&log->durable)
			    : log_settled(log);
	/* After the number was settled: a commit whose fence failed is not in
	 * flight any more, but was not applied either. */
	if (AO_load(&r->poisoned))
		return region_poisoned(r);
	/* A lane that is just taking a number may look older than it is. */
	seq = max_u64(seq, AO_load(&log->watermark));
	for (i = 0; i < log->n_lanes; i++)
		head[i] = retire_lane(r, &log->lane[i], seq, &set);
	wrote = write_header(r, &gen);
	/* ORDER T2: all that entries up to seq changed, and the header, before
	 * the record that says so. A crash before it leaves the old record,
	 * and replay repeats these entries over whatever is there. */
	if (log_fence(r, &log->ckpt_fences))
		return -1;
	if (persist_ckpt(r, seq, head, gen, flags))
		return -1;
	for (i = 0; i < log->n_lanes; i++)
		AO_store_release(&log->lane[i].head, head[i]);
	AO_store_release(&log->watermark, seq);
	count(&log->checkpoints, 1);
	say(PM_LOG_DEBUG, "%s: checkpoint up to entry %llu", region_name(r),
	    (unsigned long long)seq);
	if (wrote)
		write_other_header(r);
	return 0;
}

static int checkpoint_and_trim(struct region *r)
{
	int ret = checkpoint(r, 0);

	if (ret == 0)
		work_trim(r);
	return ret;
}

int log_checkpoint(struct region *r)
{
	struct log *log = r->log;
	int ret;

	pthread_mutex_lock(&log->ckpt_mu);
	ret = checkpoint_and_trim(r);
	pthread_mutex_unlock(&log->ckpt_mu);
	return ret;
}

int log_checkpoint_to(struct region *r, struct lane *l, uint64_t head)
{
	struct log *log = r->log;
	int ret = 0;

	pthread_mutex_lock(&log->ckpt_mu);
	/* Another thread may have made room in all lanes in the meantime. */
	if (AO_load(&l->head) < head)
		ret = checkpoint_and_trim(r);
	pthread_mutex_unlock(&log->ckpt_mu);
	return ret;
}

int log_checkpoint_all(struct region *r)
{
	struct log *log = r->log;
	uint64_t seq;

	seq = AO_load_acquire(&log->seq);
	for (;;) {
		if (log_checkpoint(r))
			return -1;
		if (AO_load_acquire(&log->watermark) >= seq)
			return 0;
		/* Others are between their number and its end. */
		sched_yield();
	}
}

int log_settle(struct region *r)
{
	struct log *log = r->log;

	return r->readonly || AO_load_acquire(&log->shared) <=
		AO_load_acquire(&log->watermark) ? 0 : log_checkpoint_all(r);
}

/* Leaves an empty log and two equal header copies. */
int log_checkpoint_clean(struct region *r)
{
	struct log *log = r->log;
	int ret;

	pthread_mutex_lock(&log->ckpt_mu);
	ret = checkpoint(r, 0);
	if (ret == 0)
		ret = checkpoint(r, PM_CKPT_CLEAN);
	pthread_mutex_unlock(&log->ckpt_mu);
	return ret;
}
