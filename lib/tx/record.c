/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * record.c: walking the records of an entry and doing what they say.
 */
#include "tx/internal.h"

#include <string.h>

/* Bytes of payload after a record, UINT64_MAX: impossible. */
static inline uint64_t payload_len(const struct pm_rec *rec)
{
	switch (PM_TAG_TYPE(rec->tag)) {
	case PM_REC_WRITE:
	case PM_REC_PART:
		return rec->arg > UINT64_MAX - 8 ? UINT64_MAX
						 : round_up(rec->arg, 8);
	case PM_REC_FREEMASK:
	case PM_REC_ALLOCMASK:
		return (rec->arg >> 40 & 0xfff) * 8;
	case PM_REC_PEER:
		return sizeof(struct pm_peer);
	case PM_REC_SPILL:
		return 8;
	}
	return 0;
}

/* What to do with spilled records. */
enum spills { SPILL_ENTER, SPILL_SHOW, SPILL_REFUSE };

static int walk_spill(struct region *r, const struct pm_rec *rec, rec_fn f,
		      void *arg);

SPECIALIZED int walk(struct region *r, const void *bytes, uint64_t len,
		     rec_fn f, void *arg, enum spills spills)
{
	const uint8_t *p = bytes, *end = p + len;
	int ret = 0;

	while (ret == 0 && p < end) {
		const struct pm_rec *rec = (const void *)p;
		uint64_t n;

		if ((uint64_t)(end - p) < sizeof(*rec))
			return -1;
		n = payload_len(rec);
		p += sizeof(*rec);
		if (n > (uint64_t)(end - p))
			return -1;
		if (PM_TAG_TYPE(rec->tag) != PM_REC_SPILL ||
		    spills == SPILL_SHOW)
			ret = f(r, rec, p, arg);
		else if (spills == SPILL_REFUSE)
			return -1;
		else
			ret = walk_spill(r, rec, f, arg);
		p += n;
	}
	return ret;
}

static int walk_spill(struct region *r, const struct pm_rec *rec, rec_fn f,
		      void *arg)
{
	uint64_t off = PM_TAG_OFF(rec->tag);

	if (off % 8 ||
	    !range_in(off, rec->arg, r->zone_off, med_size(&r->md)))
		return -1;
	return walk(r, r->home + off, rec->arg, f, arg, SPILL_REFUSE);
}

int rec_each(struct region *r, const void *bytes, uint64_t len, rec_fn f,
	     void *arg)
{
	return walk(r, bytes, len, f, arg, SPILL_ENTER);
}

int rec_each_here(struct region *r, const void *bytes, uint64_t len, rec_fn f,
		  void *arg)
{
	return walk(r, bytes, len, f, arg, SPILL_SHOW);
}

static inline int apply(struct region *r, const struct pm_rec *rec,
			const void *payload, void *arg)
{
	uint64_t off = PM_TAG_OFF(rec->tag);

	(void)arg;
	switch (PM_TAG_TYPE(rec->tag)) {
	case PM_REC_WRITE:
		med_write(&r->md, off, payload, rec->arg, PM_WRITE_PLAIN);
		return 0;
	case PM_REC_FILL:
		med_fill(&r->md, off, (int)(rec->arg >> 56),
			 PM_TAG_OFF(rec->arg), PM_WRITE_PLAIN);
		return 0;
	case PM_REC_ROOT:
	case PM_REC_ZONE:
	case PM_REC_IDMAP:
	case PM_REC_PEER:
		return header_apply(r, rec, payload);
	case PM_REC_PART:
		return 0;
	}
	alloc_apply(r, rec, payload);
	return 0;
}

int rec_apply(struct region *r, const struct pm_rec *rec, const void *payload,
	      void *arg)
{
	return apply(r, rec, payload, arg);
}

void entry_apply(struct region *r, const struct pm_entry *e)
{
	(void)walk(r, entry_records(e), entry_records_len(e), apply, NULL,
		   SPILL_ENTER);
}

int rec_apply_work(struct region *r, const struct pm_rec *rec,
		   const void *payload, void *arg)
{
	uint64_t off = PM_TAG_OFF(rec->tag), n = rec->arg;
	bool fill = PM_TAG_TYPE(rec->tag) == PM_REC_FILL;

	(void)payload;
	(void)arg;
	if (!fill && PM_TAG_TYPE(rec->tag) != PM_REC_WRITE)
		return 0;
	if (fill)
		n = PM_TAG_OFF(rec->arg);
	if (window_make_writable(r, off, n))
		return -1;
	/* All is replayed: home has the final bytes. */
	memcpy(r->work + off, r->home + off, n);
	return 0;
}

static inline int flush(struct region *r, const struct pm_rec *rec,
			const void *payload, void *arg)
{
	uint64_t off = PM_TAG_OFF(rec->tag);

	(void)payload;
	switch (PM_TAG_TYPE(rec->tag)) {
	case PM_REC_WRITE:
		med_flush_once(&r->md, arg, off, rec->arg);
		return 0;
	case PM_REC_FILL:
		med_flush_once(&r->md, arg, off, PM_TAG_OFF(rec->arg));
		return 0;
	case PM_REC_ROOT:
	case PM_REC_ZONE:
	case PM_REC_IDMAP:
	case PM_REC_PEER:
	case PM_REC_PART:
		return 0;	/* the checkpoint writes the header */
	}
	alloc_flush(r, rec, arg);
	return 0;
}

int rec_flush(struct region *r, const struct pm_rec *rec, const void *payload,
	      void *arg)
{
	return flush(r, rec, payload, arg);
}

void entry_flush(struct region *r, const struct pm_entry *e,
		 struct flush_set *set)
{
	(void)walk(r, entry_records(e), entry_records_len(e), flush, set,
		   SPILL_ENTER);
}

static inline int after(struct region *r, const struct pm_rec *rec,
			const void *payload, void *arg)
{
	(void)arg;
	switch (PM_TAG_TYPE(rec->tag)) {
	case PM_REC_ALLOC:
	case PM_REC_FREE:
	case PM_REC_FREEMASK:
	case PM_REC_ALLOCMASK:
	case PM_REC_RUNFREE:
		alloc_after(r, rec, payload);
	}
	return 0;
}

void entry_after(struct region *r, const struct pm_entry *e)
{
	(void)walk(r, entry_records(e), entry_records_len(e), after, NULL,
		   SPILL_ENTER);
}

/* Is it possible to apply this record to this region (I7)? */
int rec_validate(struct region *r, const struct pm_rec *rec,
		 const void *payload, void *arg)
{
	uint64_t off = PM_TAG_OFF(rec->tag), n = rec->arg;

	(void)arg;
	switch (PM_TAG_TYPE(rec->tag)) {
	case PM_REC_FILL:
		n = PM_TAG_OFF(rec->arg);
		/* fall through */
	case PM_REC_WRITE:
		return region_holds(r, off, n) &&
		       !log_spilled(&r->log->kept, off, n) ? 0 : -1;
	case PM_REC_PART:
		return n % sizeof(struct pm_part) ? -1 : 0;
	case PM_REC_ROOT:
	case PM_REC_ZONE:
	case PM_REC_IDMAP:
	case PM_REC_PEER:
		return 0;	/* header_apply() checks */
	}
	return alloc_rec_is_valid(r, rec, payload) ? 0 : -1;
}
