/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flush.c: making deferred commits durable in groups (PM_RELAXED,
 * PM_FLUSH_MANUAL, and where group.c has commits wait for their group).
 *
 * A deferred commit writes its entry by plain stores and applies nothing. A
 * group flush makes whole the gap-free prefix of sequence numbers: it flushes
 * their entries, fences once, and applies them in order. Any thread can flush
 * what others wrote, as the entries are in the cache.
 */
#include "tx/internal.h"

#include <time.h>

static const struct pm_entry *entry_at(struct region *r, struct lane *l,
				       uint64_t pos)
{
	return lane_view(r, l, pos, sizeof(struct pm_entry), NULL);
}

/* Flushes the lane's entries up to seq; the position after them. */
static uint64_t flush_lane(struct region *r, struct lane *l, uint64_t seq)
{
	uint64_t size = r->log->lane_size, pos = l->flushed, from = pos;
	uint64_t end = AO_load_acquire(&l->tail), at, n;

	while (pos < end) {
		const struct pm_entry *e = entry_at(r, l, pos);

		if (e->seq > seq)
			break;
		pos += line_up(e->len);
	}
	for (at = from; at < pos; at += n) {
		n = min_u64(pos - at, size - at % size);
		med_flush(&r->md, l->off + at % size, n);
	}
	return pos;
}

/* Lanes with entries that are durable and to be applied: [pos, end). */
struct turn {
	struct lane *lane;
	uint64_t pos, end;
	uint64_t next;		/* lowest number in it                    */
};

static void turn_see(struct region *r, struct turn *t)
{
	if (t->pos < t->end)
		t->next = entry_at(r, t->lane, t->pos)->seq;
}

static void apply_next(struct region *r, struct turn *t)
{
	const struct pm_entry *e = entry_at(r, t->lane, t->pos);

	e = lane_view(r, t->lane, t->pos, e->len, r->log->flush_buf);
	entry_apply(r, e);
	entry_after(r, e);
	t->pos += line_up(e->len);
	AO_store_release(&t->lane->flushed, t->pos);
	turn_see(r, t);
}

static void apply_in_order(struct region *r, struct turn *turn, unsigned n)
{
	while (n) {
		struct turn *t = turn;
		unsigned i;

		for (i = 1; i < n; i++)
			if (turn[i].next < t->next)
				t = &turn[i];
		apply_next(r, t);
		if (t->pos == t->end)
			*t = turn[--n];
	}
}

static int flush_settled(struct region *r)
{
	struct log *log = r->log;
	uint64_t seq = log_settled(log);
	struct turn turn[PM_LANES_MAX];
	unsigned i, n = 0;

	if (seq <= AO_load(&log->durable))
		return 0;
	if (AO_load(&r->poisoned))
		return region_poisoned(r);
	for (i = 0; i < log->n_lanes; i++) {
		struct lane *l = &log->lane[i];
		struct turn *t = &turn[n];

		*t = (struct turn){l, l->flushed, flush_lane(r, l, seq), 0};
		turn_see(r, t);
		n += t->pos < t->end;
	}
	/* ORDER T1: the entries up to seq before any of them is applied. A
	 * crash before it keeps a prefix of them, as far as no number is
	 * missing; after it, all. */
	if (log_fence(r, &log->flush_fences))
		return -1;
	apply_in_order(r, turn, n);
	AO_store_release(&log->durable, seq);
	return 0;
}

int log_flush_group(struct region *r)
{
	int ret;

	pthread_mutex_lock(&r->log->flush_mu);
	ret = flush_settled(r);
	pthread_mutex_unlock(&r->log->flush_mu);
	return ret;
}

int log_flush_all(struct region *r)
{
	struct log *log = r->log;

	if (AO_load(&r->poisoned))
		return region_poisoned(r);
	if (log_check_medium(r))
		return -1;
	if (!log->deferred)
		return 0;
	/* What this thread committed may stand above a number that another
	 * still writes: not log_settled(). */
	AO_nop_full();
	return log_flush_upto(r, AO_load_acquire(&log->seq));
}

static void *flusher_main(void *arg)
{
	struct region *r = arg;
	struct log *log = r->log;
	struct timespec until;

	pthread_mutex_lock(&log->flusher_mu);
	while (!log->flusher_stop) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += (long)(log->flush_ms % 1000) * 1000000;
		until.tv_sec += log->flush_ms / 1000 +
				until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&log->flusher_cv, &log->flusher_mu,
				       &until);
		pthread_mutex_unlock(&log->flusher_mu);
		/* A failure poisons the region; the program is told then. */
		(void)log_flush_all(r);
		pthread_mutex_lock(&log->flusher_mu);
	}
	pthread_mutex_unlock(&log->flusher_mu);
	return NULL;
}

int flusher_start(struct region *r)
{
	struct log *log = r->log;
	int err;

	pthread_mutex_init(&log->flusher_mu, NULL);
	pthread_cond_init(&log->flusher_cv, NULL);
	err = pthread_create(&log->flusher, NULL, flusher_main, r);
	if (err)
		return err_set(err, "%s: cannot start the thread that flushes "
			       "groups", region_name(r));
	log->flusher_runs = true;
	return 0;
}

void flusher_stop(struct region *r)
{
	struct log *log = r->log;

	/* A forked child has not got the thread. */
	if (!log->flusher_runs || table_in_child())
		return;
	pthread_mutex_lock(&log->flusher_mu);
	log->flusher_stop = true;
	pthread_cond_signal(&log->flusher_cv);
	pthread_mutex_unlock(&log->flusher_mu);
	pthread_join(log->flusher, NULL);
	pthread_mutex_destroy(&log->flusher_mu);
	pthread_cond_destroy(&log->flusher_cv);
	log->flusher_runs = false;
}
