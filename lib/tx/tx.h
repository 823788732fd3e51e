/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tx.h: transactions and the redo log.
 */
#ifndef PMHEAP_LIB_TX_H
#define PMHEAP_LIB_TX_H

#include "alloc/alloc.h"

#include <pmheap/lock.h>
#include <pmheap/tx.h>

/* Was a transaction with these participants committed in another region? */
enum judgement { JUDGED_COMMITTED, JUDGED_LOST, JUDGED_UNKNOWN };

/*
 * Asks the region peer_id (not r itself) whether it has the entry peer_seq,
 * whose twin in r is seq. Given by heap.c, which knows how to find regions.
 */
typedef enum judgement (*judge_fn)(struct region *r, uint64_t seq,
				   uint64_t peer_id, uint64_t peer_seq,
				   void *arg);

struct recovery {
	uint64_t replayed;	/* entries                                */
	uint64_t dropped;	/* entries that were not committed        */
	bool clean;		/* the region had been closed             */
};

/* --- the log of a region (log.c, recover.c, checkpoint.c, flush.c) --- */

/* Writes the first checkpoint record of a new region. 0 or -1. */
int log_format(struct region *r);
/*
 * Reads the log and replays it into the medium (and, if to_work, into the
 * mapped working copy of a private region). -1: EUCLEAN, ENODEV, ENOMEM, EIO.
 */
int log_recover(struct region *r, judge_fn judge, void *arg,
		struct recovery *out);
/* While log_recover() judges: where the entry seq (0: any) says that the region
 * peer->id was. The header keeps a few such places only. False: nowhere. */
bool log_find_peer(struct region *r, uint64_t seq, struct pm_peer *peer);
/* Replays again into the working copy, for private regions; and frees what
 * log_recover() kept. */
int log_replay_work(struct region *r);
/* Starts logging; persists the recovered state as a checkpoint unless the
 * region is private. durability as in PmWrapperConfig. */
int log_open(struct region *r, unsigned durability, unsigned flush_ms,
	     uint64_t work_budget);
/* Makes all durable; clean: writes the closing checkpoint. Frees the log. */
int log_close(struct region *r, bool clean);
/* Everything committed so far becomes durable. 0, -1 EIO. */
int log_flush_all(struct region *r);
/* No transaction so far needs another region any more to be recovered. */
int log_settle(struct region *r);
/* Does this recovered, open region hold the entry as committed? */
enum judgement log_has(struct region *r, uint64_t seq);
/* The same for a region that is not open, but for medium, header and home.
 * NULL: its log cannot be read. */
struct witness *witness_open(struct region *r);
enum judgement witness_has(const struct witness *w, uint64_t seq,
			   uint64_t peer_id, uint64_t peer_seq);
void witness_close(struct witness *w);
void log_stats(struct region *r, PmStats *out);
/* Had the region been closed when it was recovered? */
bool log_was_closed(const struct region *r);

/* --- transactions (tx.c and others) --- */

/* Entering a single operation: 0, or -1. Opens a transaction of one operation
 * if none is open. */
int op_begin(void);
/* Ends it: commits if op_begin() opened it and ret is 0; ret or -1. */
int op_end(int ret);

int tx_add_range(struct region *r, const void *ptr, uint64_t n);
/* The bytes are set to c by a FILL record; for single operations. */
int tx_add_fill(struct region *r, void *ptr, int c, uint64_t n);
void *tx_alloc(struct region *r, uint64_t size, uint64_t align, uint32_t type,
	       bool zero);
int tx_free(struct region *r, const struct slot *s);
/* If the object is fresh in this transaction, all of its slot is logged. */
void tx_use_whole(struct region *r, const struct slot *s);
int tx_set_root(struct region *r, uint64_t off, uint64_t size);
/* The root as this transaction sees it. */
void tx_get_root(struct region *r, uint64_t *off, uint64_t *size);
/* Remembers the failure; the innermost level can only abort. Returns -1. */
int tx_doom(int err);
/* Is a transaction of any thread open that touches r (NULL: any)? */
bool tx_touches(const struct region *r);
/* No thread begins a transaction or single operation between these two; what
 * has begun goes on, and tx_touches() sees it. False: without membarrier(2) a
 * thread that is just beginning may not be seen. */
bool tx_gate_close(void);
void tx_gate_open(void);
/* Is this thread inside a transaction (single operations do not count)? */
bool tx_active(void);

/* The region closes: nobody holds a lock in it any more. */
void locks_forget(const struct region *r);
/* fork(2): a child has only the forking thread and no transaction. */
void tx_fork_lock(void);
void tx_fork_unlock(bool child);
void tx_forget_child(void);
/* For heap.c: records that are committed at once. */
int log_commit_now(struct region *r, const struct pm_rec *recs, unsigned n);

#endif
