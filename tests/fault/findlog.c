/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * findlog.c: finding entries in the log of an image, and appending some.
 */
#include "badlog.h"

#include "support.h"
#include "tx/internal.h"

static uint64_t payload_of(const struct pm_rec *rec)
{
	switch (PM_TAG_TYPE(rec->tag)) {
	case PM_REC_WRITE:
	case PM_REC_PART:
		return round_up(rec->arg, 8);
	case PM_REC_FREEMASK:
	case PM_REC_ALLOCMASK:
		return (rec->arg >> 40 & 0xfff) * 8;
	case PM_REC_PEER:
		return sizeof(struct pm_peer);
	case PM_REC_SPILL:
		return 8;
	default:
		return 0;
	}
}

static struct pm_rec *record_of(struct pm_entry *e, unsigned type)
{
	unsigned char *p = (unsigned char *)(e + 1);
	unsigned char *end = (unsigned char *)e + e->len;

	while (p < end) {
		struct pm_rec *rec = (void *)p;

		if (PM_TAG_TYPE(rec->tag) == type)
			return rec;
		p += sizeof *rec + payload_of(rec);
	}
	return NULL;
}

bool log_find(struct image *im, unsigned type, struct found *f)
{
	const struct pm_header *h = header_of(im, 0);
	struct pm_ckpt c;
	unsigned i;
	int slot;

	ck_assert(ckpt_read(im->bytes, &c, &slot));
	for (i = 0; i < h->n_lanes; i++) {
		unsigned char *lane = im->bytes + PM_LANES_OFF +
				      i * h->lane_size;
		uint64_t pos = c.head[i], at;

		for (;; pos += round_up(f->e->len, PM_LINE)) {
			at = pos % h->lane_size;
			f->e = (void *)(lane + at);
			if (h->lane_size - at < sizeof *f->e ||
			    f->e->len < sizeof *f->e ||
			    f->e->len > h->lane_size - at ||
			    f->e->checksum != entry_sum(f->e, c.nonce, i, pos))
				break;
			f->lane = i;
			f->pos = pos;
			f->nonce = c.nonce;
			f->rec = type ? record_of(f->e, type) :
				 (void *)(f->e + 1);
			if (f->rec != NULL)
				return true;
		}
	}
	return false;
}

void log_reseal(struct found *f)
{
	/* Of what is too long for its lane there is no sum. */
	if (f->e->len >= sizeof *f->e && f->e->len <= PM_LANE_MIN)
		f->e->checksum = entry_sum(f->e, f->nonce, f->lane, f->pos);
}

/* The end of a lane, and the highest number in the log. */
static uint64_t lane_end(struct image *im, unsigned lane, uint64_t *seq)
{
	const struct pm_header *h = header_of(im, 0);
	struct pm_ckpt c;
	uint64_t end = 0;
	unsigned i;
	int slot;

	ck_assert(ckpt_read(im->bytes, &c, &slot));
	*seq = c.watermark;
	for (i = 0; i < h->n_lanes; i++) {
		uint64_t pos = c.head[i];

		for (;;) {
			struct pm_entry *e = (void *)(im->bytes + PM_LANES_OFF +
				i * h->lane_size + pos % h->lane_size);

			if (e->len < sizeof *e ||
			    e->len > h->lane_size - pos % h->lane_size ||
			    e->checksum != entry_sum(e, c.nonce, i, pos))
				break;
			*seq = e->seq > *seq ? e->seq : *seq;
			pos += round_up(e->len, PM_LINE);
		}
		if (i == lane)
			end = pos;
	}
	return end;
}

void log_append(struct image *im, unsigned lane, const void *recs, size_t len,
		unsigned n_rec, struct found *f)
{
	const struct pm_header *h = header_of(im, 0);
	struct pm_ckpt c;
	uint64_t seq;
	int slot;

	ck_assert(ckpt_read(im->bytes, &c, &slot));
	*f = (struct found){ .lane = lane, .nonce = c.nonce };
	f->pos = lane_end(im, lane, &seq);
	/* These logs are short: no entry wraps. */
	ck_assert_uint_lt(f->pos % h->lane_size + len + 2 * PM_LINE,
			  h->lane_size);
	f->e = (void *)(im->bytes + PM_LANES_OFF + lane * h->lane_size +
			f->pos % h->lane_size);
	*f->e = (struct pm_entry){ .seq = seq + 1, .n_rec = n_rec,
				   .len = (uint32_t)(sizeof *f->e + len) };
	if (len != 0)
		memcpy(f->e + 1, recs, len);
	f->rec = (void *)(f->e + 1);
	log_reseal(f);
}
