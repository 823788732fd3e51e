/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * multi.c: one transaction over several regions. Each gets an entry that names
 * all participants and their numbers; recovery counts it only if all have it
 * (recover.c). A volatile or scratch region takes part, but is not named: after
 * a crash it could not answer. Numbers are taken under one lock, so that two
 * such transactions never wait for each other's lower numbers.
 */
#include "tx/internal.h"

#include <assert.h>
#include <string.h>

static pthread_mutex_t multi_mu = PTHREAD_MUTEX_INITIALIZER;

void multi_fork_child(void)
{
	pthread_mutex_init(&multi_mu, NULL);
}

/* Recovery never asks a region whose commits die with the process. */
static bool lasts(const struct region *r)
{
	return !r->private && r->md.chosen->survives != PM_SURVIVES_NOTHING;
}

/* Does the header name this place, and still will when the entry is judged? A
 * full table forgets the oldest for a new one. */
static bool knows_peer(struct region *r, const struct region *peer)
{
	bool found = false;
	uint32_t i, n;

	pthread_mutex_lock(&r->hdr_mu);
	n = r->hdr->n_peers < PM_PEERS_MAX ? r->hdr->n_peers : 0;
	for (i = 0; i < n && !found; i++)
		found = r->hdr->peer[i].id == peer->id &&
			!strncmp(r->hdr->peer[i].path, peer->md.path,
				 sizeof(r->hdr->peer[i].path) - 1);
	pthread_mutex_unlock(&r->hdr_mu);
	return found;
}

/* Where recovery can look for the other regions. */
static int put_peers(struct part *p, struct part **parts, unsigned n)
{
	unsigned i;
	int ret = 0;

	for (i = 0; i < n && ret == 0; i++) {
		struct region *peer = parts[i]->r;
		struct pm_peer hint = {.id = peer->id};
		struct pm_rec rec = {PM_TAG(PM_REC_PEER, 0), sizeof(hint)};

		if (parts[i] == p || !lasts(peer) || !peer->md.path ||
		    knows_peer(p->r, peer))
			continue;
		strncpy(hint.path, peer->md.path, sizeof(hint.path) - 1);
		ret = part_put(p, rec, &hint, sizeof(hint));
	}
	return ret;
}

static int put_parts(struct part *p, struct part **parts, unsigned n)
{
	struct pm_part ids[PARTS_MAX] = {{0, 0}};
	struct pm_rec rec = {PM_TAG(PM_REC_PART, 0), 0};
	unsigned i;
	int ret;

	for (i = 0; i < n; i++)
		rec.arg += lasts(parts[i]->r) ? sizeof(ids[0]) : 0;
	p->reserve = 0;
	ret = put_peers(p, parts, n);
	if (ret == 0) {
		p->part_at = p->len + sizeof(rec);
		ret = part_put(p, rec, ids, rec.arg);
	}
	/* multi_reserve() left room for them. */
	assert(ret != 1);
	return ret;
}

uint64_t multi_reserve(unsigned n)
{
	return n < 2 ? 0 : sizeof(struct pm_rec) + n * sizeof(struct pm_part) +
		(n - 1) * (sizeof(struct pm_rec) + sizeof(struct pm_peer));
}

static int take_lanes(struct part **parts, unsigned n)
{
	unsigned i;
	int ret = 0;

	for (i = 0; i < n; i++) {
		struct part *p = parts[i];

		p->lane = lane_acquire(p->r->log);
		if (ret == 0)
			ret = lane_need(p->r, p->lane,
					line_up(p->len));
	}
	return ret;
}

static void write_entries(struct part **parts, unsigned n)
{
	struct pm_part ids[PARTS_MAX];
	unsigned i, k = 0;

	pthread_mutex_lock(&multi_mu);
	for (i = 0; i < n; i++) {
		struct region *r = parts[i]->r;

		parts[i]->seq = lane_take_seq(r->log, parts[i]->lane);
		AO_store_release(&r->log->shared, parts[i]->seq);
		if (lasts(r))
			ids[k++] = (struct pm_part){r->id, parts[i]->seq};
	}
	pthread_mutex_unlock(&multi_mu);
	for (i = 0; i < n; i++) {
		struct part *p = parts[i];

		memcpy(p->buf + p->part_at, ids, k * sizeof(ids[0]));
		lane_append(p->r, p->lane, (struct pm_entry *)p->buf, p->seq,
			    PM_WRITE_FLUSH);
	}
}

static int fence_all(struct part **parts, unsigned n)
{
	const PmBackend *done = NULL;
	unsigned i;
	int ret = 0;

	for (i = 0; i < n && ret == 0; i++) {
		struct part *p = parts[i];
		const PmBackend *b = p->r->md.m.backend;

		/* In a deferred region all lower numbers must be there too. */
		if (p->r->log->deferred)
			ret = log_flush_upto(p->r, p->seq - 1);
		if (ret == 0 && b == done &&
		    (b->traits & PM_BACKEND_CPU_FENCE)) {
			if (AO_load(&p->r->poisoned))
				ret = region_poisoned(p->r);
			continue;
		}
		/* ORDER T1: the entries of all participants before any is
		 * applied. A crash before the last leaves one missing, and
		 * none counts. */
		if (ret == 0)
			ret = log_fence(p->r, &p->lane->fences);
		done = b;
	}
	return ret;
}

/* A participant failed: an empty entry takes the place in the others. */
static void wipe(struct part *p)
{
	struct region *r = p->r;
	struct {
		struct pm_entry e;
		uint8_t rest[PM_LINE - sizeof(struct pm_entry)];
	} empty = {.e = {.len = sizeof(struct pm_entry)}};

	if (AO_load(&r->poisoned)) {
		AO_store_release(&p->lane->inflight, NOT_IN_FLIGHT);
		return;
	}
	pthread_mutex_lock(&r->hdr_mu);
	header_add_lost(r, p->seq, p->seq);
	pthread_mutex_unlock(&r->hdr_mu);
	lane_append(r, p->lane, &empty.e, p->seq, PM_WRITE_FLUSH);
	/* ORDER T7: the entry is gone before the failure is reported. */
	if (log_fence(r, &p->lane->fences))
		AO_store_release(&p->lane->inflight, NOT_IN_FLIGHT);
	else
		/* Of deferred entries a group flush passes over it in turn. */
		lane_publish(p->lane, sizeof(struct pm_entry),
			     !r->log->deferred);
}

static void apply_part(struct part *p)
{
	struct pm_entry *e = (struct pm_entry *)p->buf;
	struct log *log = p->r->log;

	entry_apply(p->r, e);
	if (log->deferred)
		pthread_mutex_lock(&log->flush_mu);
	lane_publish(p->lane, e->len, true);
	if (log->deferred)
		pthread_mutex_unlock(&log->flush_mu);
}

int commit_multi(struct part **parts, unsigned n)
{
	unsigned i;
	int ret = 0;

	for (i = 0; i < n && ret == 0; i++)
		ret = put_parts(parts[i], parts, n);
	if (ret)
		return ret;
	for (i = 0; i < n; i++)
		part_finish_entry(parts[i]);
	ret = take_lanes(parts, n);
	if (ret == 0) {
		write_entries(parts, n);
		ret = fence_all(parts, n);
		for (i = 0; i < n; i++) {
			if (ret)
				wipe(parts[i]);
			else
				apply_part(parts[i]);
		}
	}
	for (i = 0; i < n; i++) {
		struct log *log = parts[i]->r->log;

		/* The next entry there tells that this one counts. */
		if (log->grouped)
			AO_store(&log->group_lane,
				 (AO_t)(parts[i]->lane - log->lane));
		lane_release(parts[i]->lane);
	}
	for (i = 0; i < n && ret == 0; i++)
		entry_after(parts[i]->r, (struct pm_entry *)parts[i]->buf);
	return ret;
}
