/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/inside/image.c: a consistent image of a pool that a process is working
 * in, taken without its help.
 *
 * Let C be the checkpoint record at the start, with watermark W, and let the
 * home area be copied from then until t1, page after page, in any order, while
 * the writer goes on. All the while the log is followed (live.c), so that in the
 * end every entry above W is known that was whole by then, from the lanes as
 * they pass, however often they are written over. Then:
 *
 *  1.	K is the highest number among the entries that were found by a look at
 *	all lanes that began after t1. All numbers up to K had been taken when
 *	this look ended.
 *  2.	The lanes are looked at once more, and E is the set of all entries in
 *	(W, K].
 *
 * E holds every entry whose changes the copy may hold: an entry is whole before
 * it is applied, so these were whole by t1, and K is not below them. And it
 * holds, with an entry, each that it depends on: who builds on a transaction
 * begins after that returned, or holds a lock that it held, and so takes a
 * higher number after the other's entry was whole; numbers up to K were taken
 * before the second look, which therefore finds it. What two threads commit at
 * the same time without building on each other may be in the image in part, as
 * after a kill. In a region whose commits become durable in groups, nothing is
 * applied beyond the first number that is missing, so E is cut there.
 *
 * Replaying E in the order of its numbers over the copy makes the state after
 * E: a place that was copied before an entry changed it gets the change now; one
 * that was copied after gets it again, and then what came later, which is in E
 * as well. No entry at or below W matters: those were in place before C was
 * written.
 *
 * Not all bytes go through the log: contents of new objects may be written to
 * free space before the entry that allocates them. found_capture() saves these
 * when the entry is found, and they are replayed with it: they must come after
 * older entries about the same place, and before newer ones. What is saved
 * shows the place as it is then; so if something was saved, steps 1 and 2 are
 * done again, with the time of saving for t1.
 *
 * When the log was written over before it was read, or the pool was closed and
 * opened anew (its nonce is another), all begins again.
 *
 * A transaction over several regions whose entries are just being written may
 * be in the image of one of them and not in that of another.
 */
#include "inside/live.h"

#include "inside/image.h"

#include <stdlib.h>
#include <string.h>

#define ROUNDS 100		/* of steps 1 and 2 */

static int by_seq(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* Entries that are to be replayed come first, in order; how many. */
static size_t cut(struct live *l, uint64_t last)
{
	uint64_t want = l->c.watermark + 1;
	size_t i = 0;

	if (l->n)
		qsort(l->found, l->n, sizeof(*l->found), by_seq);
	for (; i < l->n && l->found[i].seq <= last; i++, want++)
		if ((l->c.flags & PM_CKPT_PREFIX) && l->found[i].seq != want)
			break;
	return i;
}

static uint64_t highest(const struct live *l)
{
	uint64_t max = l->c.watermark;
	size_t i;

	for (i = 0; i < l->n; i++)
		max = max_u64(max, l->found[i].seq);
	return max;
}

/* Steps 1 and 2: *last is K. */
static int settle(struct live *l, uint64_t *last)
{
	unsigned round;
	int ret;

	for (round = 0; round < ROUNDS; round++) {
		l->captured = false;
		ret = live_poll(l);
		if (ret)
			return ret;
		*last = highest(l);
		ret = live_poll(l);
		if (ret || !l->captured)
			return ret;
	}
	return LIVE_LOST;
}

/* A transaction over several regions that failed in another of them has had
 * its entry written over by an empty one. */
static bool still_there(const struct live *l, const struct found *f)
{
	const uint8_t *at = l->lanes + PM_LANES_OFF +
			    f->lane * l->r.hdr->lane_size +
			    f->pos % l->r.hdr->lane_size;
	struct pm_entry now;

	memcpy(&now, at, sizeof(now));
	return now.seq != f->seq || now.checksum == f->e->checksum;
}

struct replay {
	struct region *r;
	bool meta_only;
};

static int replay_record(struct region *live, const struct pm_rec *rec,
			 const void *payload, void *arg)
{
	struct replay *p = arg;
	unsigned type = PM_TAG_TYPE(rec->tag);

	(void)live;
	if (p->meta_only && (type == PM_REC_WRITE || type == PM_REC_FILL))
		return 0;
	return rec_validate(p->r, rec, payload, NULL) ||
	       rec_apply(p->r, rec, payload, NULL) ? -1 : 0;
}

static int replay_entry(struct live *l, const struct found *f,
			struct replay *p)
{
	unsigned i;

	/* Before the records: what of these contents is logged comes from
	 * there, as it may not have been in place when they were saved. */
	for (i = 0; i < f->direct_n && !p->meta_only; i++)
		med_write(&p->r->md, f->direct[i].off, f->direct[i].bytes,
			  f->direct[i].len, PM_WRITE_PLAIN);
	if (found_each(l, f, replay_record, p))
		return err_set(EUCLEAN, "%s: damaged: impossible log entry "
			       "%llu", region_name(&l->r),
			       (unsigned long long)f->seq);
	return 0;
}

/* A closed pool with an empty log, that starts after entry `last`. */
static void finish(struct region *r, const struct live *l, uint64_t last)
{
	struct pm_ckpt c = {0};

	r->hdr->gen++;
	header_write(r, 0);
	header_write(r, 1);
	c.gen = l->c.gen + 1;
	c.watermark = last;
	c.next_seq = last + 1;
	c.nonce = random_id();
	c.header_gen = r->hdr->gen;
	c.flags = PM_CKPT_CLEAN;
	c.n_lanes = r->hdr->n_lanes;
	ckpt_write(&r->md, &c, 0);
}

static int replay_all(struct live *l, struct target *t, uint64_t last,
		      unsigned what)
{
	struct region *r = target_region(t, &l->r);
	struct replay p = {r, what == IMAGE_META};
	size_t i, n = cut(l, last);
	int ret = r ? 0 : -1;

	for (i = 0; i < n && ret == 0; i++)
		if (l->found[i].shared && !still_there(l, &l->found[i]))
			ret = LIVE_LOST;
	for (i = 0; i < n && ret == 0; i++)
		ret = replay_entry(l, &l->found[i], &p);
	if (ret == 0)
		finish(r, l, n ? l->found[n - 1].seq : l->c.watermark);
	return ret == 0 ? target_done(t) : ret;
}

int image_try(struct live *l, struct target *t, unsigned what)
{
	uint64_t last;
	int ret = live_begin(l);

	if (ret == 0)
		ret = target_copy(t, l, what);
	if (ret == 0)
		ret = settle(l, &last);
	if (ret == 0)
		ret = replay_all(l, t, last, what);
	return ret;
}
