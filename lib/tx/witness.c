/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * witness.c: what the log of a region that is not open tells about transactions
 * that it took part in. The log is scanned once for any number of questions.
 */
#include "tx/internal.h"

#include <stdlib.h>

struct witness {
	struct region *r;
	struct pm_ckpt c;
	struct entry_ref *refs;		/* by seq */
	size_t n;
};

struct witness *witness_open(struct region *r)
{
	struct witness *w = calloc(1, sizeof(*w));
	int slot;

	if (!w)
		return NULL;
	w->r = r;
	if (ckpt_read(r->home, &w->c, &slot) &&
	    w->c.header_gen <= r->hdr->gen &&
	    log_scan(r, &w->c, &w->refs, &w->n) == 0)
		return w;
	free(w);
	return NULL;
}

void witness_close(struct witness *w)
{
	if (w)
		log_scan_free(w->refs, w->n);
	free(w);
}

static bool lists(struct region *r, const struct pm_entry *e, uint64_t id,
		  uint64_t seq)
{
	const struct pm_part *parts = NULL;
	unsigned n = entry_parts(r, e, &parts), i;

	for (i = 0; i < n; i++)
		if (parts[i].id == id && parts[i].seq == seq)
			return true;
	return false;
}

enum judgement witness_has(const struct witness *w, uint64_t seq,
			   uint64_t peer_id, uint64_t peer_seq)
{
	size_t lo = 0, hi = w->n;

	if (seq <= w->c.watermark)
		return log_has(w->r, seq);
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (w->refs[mid].seq < seq)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < w->n && w->refs[lo].seq == seq && !w->refs[lo].dropped &&
	       lists(w->r, w->refs[lo].e, peer_id, peer_seq)
		? JUDGED_COMMITTED : JUDGED_LOST;
}
