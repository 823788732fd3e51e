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
	struct log_found found;		/* by seq */
};

struct witness *witness_open(struct region *r)
{
	struct witness *w = calloc(1, sizeof(*w));
	int slot;

	if (!w)
		return NULL;
	w->r = r;
	if (ckpt_read(r->home, &w->c, &slot) &&
	    ckpt_check(r, &w->c) == 0 &&
	    log_scan(r, &w->c, &w->found) == 0)
		return w;
	witness_close(w);
	return NULL;
}

void witness_close(struct witness *w)
{
	if (w)
		log_scan_free(&w->found);
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
	size_t lo = 0, hi = w->found.n;

	if (seq <= w->c.watermark)
		return log_has(w->r, seq);
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (w->found.refs[mid].seq < seq)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < w->found.n && w->found.refs[lo].seq == seq &&
	    !w->found.refs[lo].dropped &&
	    lists(w->r, w->found.refs[lo].e, peer_id, peer_seq))
		return JUDGED_COMMITTED;
	return JUDGED_LOST;
}
