/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/inside/decode.c: the entries of a pool's log in words.
 */
#include "inside/live.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[PM_REC_LAST] = {
	[PM_REC_WRITE] = "write",
	[PM_REC_FILL] = "fill",
	[PM_REC_ALLOC] = "alloc",
	[PM_REC_FREE] = "free",
	[PM_REC_FREEMASK] = "freemask",
	[PM_REC_ALLOCMASK] = "allocmask",
	[PM_REC_RUN] = "run",
	[PM_REC_RUNFREE] = "runfree",
	[PM_REC_RELEASE] = "release",
	[PM_REC_ROOT] = "root",
	[PM_REC_ZONE] = "zone",
	[PM_REC_IDMAP] = "idmap",
	[PM_REC_PEER] = "peer",
	[PM_REC_PART] = "part",
	[PM_REC_SPILL] = "spill",
};

#define DETAIL(out, ...) snprintf((out)->detail, sizeof((out)->detail),	\
				  __VA_ARGS__)

static void slot_text(const struct pm_header *h, const struct pm_rec *rec,
		      struct log_record *out)
{
	unsigned idx = rec->arg >> 32 & 0xff;
	uint32_t type = (uint32_t)rec->arg;

	out->len = idx < class_count(h->extent_size) ? class_size(idx) : 0;
	DETAIL(out, "type %" PRIu32 ", slot %" PRIu64, type, rec->arg >> 40);
}

static void mask_text(const struct pm_header *h, const struct pm_rec *rec,
		      const uint64_t *mask, struct log_record *out)
{
	uint64_t n = rec->arg >> 40 & 0xfff, slots = 0, i;
	unsigned idx = rec->arg >> 32 & 0xff;

	for (i = 0; i < n; i++)
		slots += (uint64_t)__builtin_popcountll(mask[i]);
	out->len = idx < class_count(h->extent_size) ? class_size(idx) : 0;
	DETAIL(out, "type %" PRIu32 ", %" PRIu64 " objects of a slab",
	       (uint32_t)rec->arg, slots);
}

static void parts_text(const struct pm_rec *rec, const struct pm_part *parts,
		       struct log_record *out)
{
	size_t used = 0, i;

	for (i = 0; i < rec->arg / sizeof(*parts) && i < PARTS_MAX; i++)
		used += (size_t)snprintf(out->detail + used,
					 sizeof(out->detail) - used,
					 "%s%016" PRIx64 " entry %" PRIu64,
					 i ? ", " : "with ", parts[i].id,
					 parts[i].seq);
}

static void peer_text(const struct pm_peer *peer, struct log_record *out)
{
	DETAIL(out, "%016" PRIx64 " at %.*s", peer->id,
	       (int)sizeof(peer->path) - 1, peer->path);
}

static void decode(const struct pm_header *h, const struct pm_rec *rec,
		   const void *payload, struct log_record *out)
{
	unsigned type = PM_TAG_TYPE(rec->tag);
	uint64_t off = PM_TAG_OFF(rec->tag);

	*out = (struct log_record){.name = type < PM_REC_LAST && names[type] ?
				   names[type] : "unknown", .off = off,
				   .len = rec->arg};
	switch (type) {
	case PM_REC_WRITE:
		out->data = payload;
		break;
	case PM_REC_FILL:
		out->len = PM_TAG_OFF(rec->arg);
		DETAIL(out, "byte %#" PRIx64, rec->arg >> 56);
		break;
	case PM_REC_ALLOC:
	case PM_REC_FREE:
	case PM_REC_RELEASE:
		slot_text(h, rec, out);
		break;
	case PM_REC_FREEMASK:
	case PM_REC_ALLOCMASK:
		mask_text(h, rec, payload, out);
		break;
	case PM_REC_RUN:
	case PM_REC_RUNFREE:
		out->len = (rec->arg >> 32) * h->extent_size;
		DETAIL(out, "type %" PRIu32 ", %" PRIu64 " extents",
		       (uint32_t)rec->arg, rec->arg >> 32);
		break;
	case PM_REC_IDMAP:
		out->off = out->len = 0;
		DETAIL(out, "number %" PRIu64 " is %016" PRIx64 "%s",
		       off & 0xffff, rec->arg, off >> 16 ?
		       ", which pointers use" : "");
		break;
	case PM_REC_PEER:
		out->off = out->len = 0;
		peer_text(payload, out);
		break;
	case PM_REC_PART:
		out->off = out->len = 0;
		parts_text(rec, payload, out);
		break;
	}
}

struct show {
	log_record_fn record;
	void *arg;
};

static int record_show(struct region *r, const struct pm_rec *rec,
		       const void *payload, void *arg)
{
	struct show *s = arg;
	struct log_record out;

	decode(r->hdr, rec, payload, &out);
	return s->record(&out, s->arg);
}

static int count_record(struct region *r, const struct pm_rec *rec,
			const void *payload, void *arg)
{
	(void)r;
	(void)rec;
	(void)payload;
	++*(unsigned *)arg;
	return 0;
}

static int by_seq(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static int entry_show(struct live *l, const struct found *f, log_entry_fn entry,
		      struct show *s)
{
	struct log_entry e = {.sequence = f->seq, .position = f->pos,
			      .bytes = f->e->len, .lane = f->lane};
	unsigned i;
	int ret;

	for (i = 0; i < f->spill_n; i++)
		e.spilled += f->spill[i].len;
	ret = found_each(l, f, count_record, &e.records);
	if (ret == 0)
		ret = entry(&e, s->arg);
	if (ret == 0)
		ret = found_each(l, f, record_show, s);
	return ret;
}

int live_log(struct live *l, log_entry_fn entry, log_record_fn record,
	     void *arg)
{
	struct show s = {record, arg};
	int ret = live_scan(l);
	size_t i;

	if (ret == 0 && l->n)
		qsort(l->found, l->n, sizeof(*l->found), by_seq);
	for (i = 0; i < l->n && ret == 0; i++)
		ret = entry_show(l, &l->found[i], entry, &s);
	return ret;
}
