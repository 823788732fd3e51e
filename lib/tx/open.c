/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * open.c: starting and ending the log of a region.
 */
#include "tx/internal.h"

#include <stdlib.h>
#include <string.h>

#define LANE_CHUNK 65536u

/* Real zeros, so that log writes never wait for the file system to allocate. */
static void zero_lanes(struct region *r)
{
	uint64_t off, end = r->zone_off;

	if (r->md.chosen->traits & PM_BACKEND_NO_FLUSH)
		return;
	for (off = PM_LANES_OFF; off < end; off += LANE_CHUNK)
		med_fill(&r->md, off, 0, min_u64(LANE_CHUNK, end - off),
			 PM_WRITE_FLUSH);
}

static int not_written(struct region *r)
{
	return err_set(EIO, "%s: cannot write the new pool: sync failed",
		       region_name(r));
}

int log_format(struct region *r)
{
	struct pm_ckpt c = {0};

	if (r->md.m.backend->reserve &&
	    r->md.m.backend->reserve(&r->md.m, 0, r->zone_off))
		return err_set(errno, "%s: no room on the medium: %s",
			       region_name(r), strerror(errno));
	header_mark(r, PM_MAKING);
	/* ORDER T6: the mark before anything else of the pool. A crash before
	 * leaves zeros, after it a pool that says it is not whole. */
	if (med_fence(&r->md))
		return not_written(r);
	zero_lanes(r);
	c.gen = 1;
	c.next_seq = 1;
	c.nonce = random_id();
	c.header_gen = r->hdr->gen;
	c.flags = PM_CKPT_CLEAN;
	c.n_lanes = r->hdr->n_lanes;
	ckpt_write(&r->md, &c, 0);
	header_write_unmarked(r);
	/* ORDER T6: header, record and lanes before the magic. A crash before
	 * leaves no file, or in one that was there the mark. */
	if (med_fence(&r->md))
		return not_written(r);
	header_mark(r, PM_MAGIC);
	/* ORDER T6: all of the pool before its file gets its name, or before
	 * somebody works in it. A crash before leaves it whole or marked. */
	return med_fence(&r->md) ? not_written(r) : 0;
}

int log_open(struct region *r, unsigned durability, unsigned flush_ms,
	     uint64_t work_budget)
{
	struct log *log = r->log;

	log->relaxed = durability == PM_RELAXED;
	log->deferred = log->relaxed || (r->flags & PM_FLUSH_MANUAL);
	if (!log->deferred &&
	    !(r->md.m.backend->traits & PM_BACKEND_CPU_FENCE))
		log->deferred = log->grouped = true;
	log->flush_ms = flush_ms ? flush_ms : 100;
	log->nonce = random_id();
	log->durable = log->seq;
	if (r->readonly)
		return 0;
	log->ckpt_buf = malloc(log->lane_size);
	log->flush_buf = malloc(log->lane_size);
	log->mirror = calloc(log->n_lanes, log->lane_size);
	if (!log->ckpt_buf || !log->flush_buf || !log->mirror)
		return err_set(ENOMEM, "%s: out of memory", region_name(r));
	if (work_bound(r, work_budget) || log_checkpoint(r))
		return -1;
	AO_store(&log->checkpoints, 0);
	AO_store(&log->ckpt_fences, 0);
	return log->relaxed ? flusher_start(r) : 0;
}

static void log_free(struct region *r)
{
	struct log *log = r->log;

	log_scan_free(&log->kept);
	pthread_mutex_destroy(&log->ckpt_mu);
	pthread_mutex_destroy(&log->flush_mu);
	pthread_mutex_destroy(&log->grow_mu);
	free(log->ckpt_buf);
	free(log->flush_buf);
	free(log->mirror);
	free(log->touched);
	free(log);
	r->log = NULL;
}

int log_close(struct region *r, bool clean)
{
	struct log *log = r->log;
	int ret = 0;

	if (!log)
		return 0;
	flusher_stop(r);
	if (clean && log->ckpt_buf && !table_in_child())
		ret = log_checkpoint_clean(r);
	log_free(r);
	return ret;
}

void log_stats(struct region *r, PmStats *out)
{
	struct log *log = r->log;
	uint64_t fences = 0;
	unsigned i;

	for (i = 0; i < log->n_lanes; i++) {
		out->commits += AO_load(&log->lane[i].commits);
		out->logged_bytes += AO_load(&log->lane[i].logged);
		fences += AO_load(&log->lane[i].fences);
	}
	out->logged_bytes += AO_load(&log->spilled);
	out->commit_fences = fences + AO_load(&log->flush_fences) +
			     AO_load(&log->direct_fences);
	out->fences = out->commit_fences + AO_load(&log->ckpt_fences);
	out->checkpoints = AO_load(&log->checkpoints);
	out->aborts = AO_load(&log->aborts);
	out->recovered = log->recovery.replayed;
	out->lanes = log->n_lanes;
	out->lane_size = log->lane_size;
	out->watermark = AO_load(&log->watermark);
	out->sequence = AO_load(&log->seq);
	out->work_bytes = work_bytes(r);
	strcpy(out->durability, log->relaxed ? "relaxed" :
	       log->deferred && !log->grouped ? "manual" : "strict");
}
