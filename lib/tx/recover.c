/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * recover.c: redoing what a crash left in the log. Entries above the watermark
 * are replayed in the order of their numbers, whatever lane they are in (I3).
 * Nothing is undone, and replay may be cut off and begun again at any point
 * (I6): the watermark moves only when all is in place.
 *
 * A transaction over several regions counts if every participant has its entry
 * or has retired it. Numbers that never committed are kept in the header's
 * lost[] table, so that a participant that is opened later can be answered.
 */
#include "tx/internal.h"

#include <stdlib.h>
#include <string.h>

/* Numbers that may have been taken, but whose entries are not there. */
#define SEQ_JUMP (1ull << 32)

static int damaged(const struct region *r, uint64_t seq)
{
	return err_set(EUCLEAN, "%s: damaged: impossible log entry %llu",
		       region_name(r), (unsigned long long)seq);
}

int ckpt_check(const struct region *r, const struct pm_ckpt *c)
{
	if (c->header_gen > r->hdr->gen)
		return err_set(EUCLEAN, "%s: damaged: the intact header copy "
			       "is older than the checkpoint", region_name(r));
	/* Numbers of this opening were taken before the record was written. */
	if (c->n_lanes != r->hdr->n_lanes || (c->flags & ~PM_CKPT_KNOWN) ||
	    c->gen > PM_COUNT_MAX || c->watermark > PM_COUNT_MAX ||
	    c->next_seq == 0 || c->next_seq > c->watermark + 1)
		return err_set(EUCLEAN, "%s: damaged: impossible checkpoint "
			       "record", region_name(r));
	return 0;
}

static int judge_entry(struct region *r, struct entry_ref *ref, judge_fn judge,
		       void *arg)
{
	const struct pm_part *parts = NULL;
	unsigned n = entry_parts(r, ref->e, &parts), i;

	for (i = 0; i < n && !ref->dropped; i++) {
		if (parts[i].id == r->id)
			continue;
		switch (judge(r, ref->seq, parts[i].id, parts[i].seq, arg)) {
		case JUDGED_COMMITTED:
			break;
		case JUDGED_LOST:
			ref->dropped = true;
			break;
		case JUDGED_UNKNOWN:
			return -1;
		}
	}
	return 0;
}

static int find_peer(struct region *r, const struct pm_rec *rec,
		     const void *payload, void *arg)
{
	struct pm_peer peer, *wanted = arg;

	(void)r;
	if (PM_TAG_TYPE(rec->tag) != PM_REC_PEER)
		return 0;
	memcpy(&peer, payload, sizeof(peer));
	if (peer.id == wanted->id)
		*wanted = peer;
	return 0;
}

bool log_find_peer(struct region *r, uint64_t seq, struct pm_peer *peer)
{
	struct log *log = r->log;
	size_t i;

	peer->path[0] = 0;
	for (i = 0; i < log->kept.n; i++) {
		const struct pm_entry *e = log->kept.refs[i].e;

		if (seq == 0 || seq == e->seq)
			rec_each(r, entry_records(e), entry_records_len(e),
				 find_peer, peer);
	}
	peer->path[sizeof(peer->path) - 1] = 0;
	return peer->path[0] != 0;
}

/* What has been validated stays so: no record may change those that are
 * spilled, and zones are only added. */
static int replay(struct region *r, const struct entry_ref *ref)
{
	const void *recs = entry_records(ref->e);
	uint64_t len = entry_records_len(ref->e);

	if (rec_each(r, recs, len, rec_validate, NULL) ||
	    rec_each(r, recs, len, rec_apply, NULL))
		return damaged(r, ref->seq);
	return 0;
}

/* When all is in place: what many entries changed is flushed once. */
static void flush_replayed(struct region *r, const struct entry_ref *refs,
			   size_t n)
{
	struct flush_set set = {.slot = 0};
	size_t i;

	for (i = 0; i < n; i++)
		if (!refs[i].dropped)
			rec_each(r, entry_records(refs[i].e),
				 entry_records_len(refs[i].e), rec_flush, &set);
}

/* Notes the numbers from `from` on that did not commit. */
static void note_lost(struct region *r, uint64_t from,
		      const struct entry_ref *refs, size_t n)
{
	uint64_t next = from;
	size_t i;

	for (i = 0; i < n; i++) {
		/* An empty entry stands for one that failed (T7). */
		if (refs[i].dropped || refs[i].e->n_rec == 0)
			continue;
		if (refs[i].seq > next)
			header_add_lost(r, next, refs[i].seq - 1);
		next = refs[i].seq + 1;
	}
	header_add_lost(r, next, r->log->first_seq - 1);
}

static struct log *log_new(struct region *r)
{
	struct log *log = aligned_alloc(128, round_up(sizeof(*log), 128));
	unsigned i;

	if (!log)
		return NULL;
	memset(log, 0, sizeof(*log));
	log->n_lanes = r->hdr->n_lanes;
	log->lane_size = r->hdr->lane_size;
	for (i = 0; i < log->n_lanes; i++) {
		log->lane[i].off = PM_LANES_OFF + i * log->lane_size;
		log->lane[i].inflight = NOT_IN_FLIGHT;
	}
	pthread_mutex_init(&log->ckpt_mu, NULL);
	pthread_mutex_init(&log->flush_mu, NULL);
	pthread_mutex_init(&log->grow_mu, NULL);
	return log;
}

static int replay_all(struct region *r, struct entry_ref *refs, size_t n,
		      judge_fn judge, void *arg, struct recovery *out)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (refs[i].parts && !refs[i].dropped &&
		    judge_entry(r, &refs[i], judge, arg))
			return -1;
	for (i = 0; i < n; i++) {
		if (refs[i].dropped) {
			out->dropped++;
			continue;
		}
		if (replay(r, &refs[i]))
			return -1;
		out->replayed++;
	}
	if (med_flushes(&r->md))
		flush_replayed(r, refs, n);
	return 0;
}

int log_recover(struct region *r, judge_fn judge, void *arg,
		struct recovery *out)
{
	struct log *log = log_new(r);
	struct entry_ref *refs;
	struct pm_ckpt c;
	size_t n;

	memset(out, 0, sizeof(*out));
	if (!log)
		return err_set(ENOMEM, "%s: out of memory", region_name(r));
	r->log = log;
	if (!ckpt_read(r->home, &c, &log->ckpt_slot))
		return err_set(EUCLEAN, "%s: damaged: no checkpoint record is "
			       "intact", region_name(r));
	if (ckpt_check(r, &c) || log_scan(r, &c, &log->kept))
		return -1;
	refs = log->kept.refs;
	n = log->kept.n;
	if (replay_all(r, refs, n, judge, arg, out))
		return -1;
	out->clean = (c.flags & PM_CKPT_CLEAN) && n == 0;
	log->recovery = *out;
	log->ckpt_gen = c.gen;
	log->seq = n ? max_u64(refs[n - 1].seq, c.watermark) : c.watermark;
	log->watermark = c.watermark;
	log->first_seq = log->seq + 1;
	if (!out->clean) {
		log->first_seq += SEQ_JUMP;
		if (log->first_seq > PM_COUNT_MAX)
			return damaged(r, log->seq);
		note_lost(r, c.watermark + 1, refs, n);
		log->seq = log->first_seq - 1;
	}
	return header_check_maps(r->hdr, region_name(r));
}

bool log_was_closed(const struct region *r)
{
	return r->log->recovery.clean;
}

int log_replay_work(struct region *r)
{
	struct log *log = r->log;
	size_t i;
	int ret = 0;

	for (i = 0; r->private && i < log->kept.n && ret == 0; i++) {
		const struct pm_entry *e = log->kept.refs[i].e;

		if (!log->kept.refs[i].dropped)
			ret = rec_each(r, entry_records(e),
				       entry_records_len(e), rec_apply_work,
				       NULL);
	}
	log_scan_free(&log->kept);
	return ret;
}

enum judgement log_has(struct region *r, uint64_t seq)
{
	bool unknown, lost;

	/* A number that was never taken, not even before a crash. */
	if (r->log && seq > AO_load(&r->log->seq))
		return JUDGED_LOST;
	pthread_mutex_lock(&r->hdr_mu);
	lost = header_is_lost(r->hdr, seq, &unknown);
	pthread_mutex_unlock(&r->hdr_mu);
	if (lost)
		return JUDGED_LOST;
	return unknown ? JUDGED_UNKNOWN : JUDGED_COMMITTED;
}
