/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * internal.h: what the .c files of lib/tx share.
 *
 * Lock order: multi_mu, lanes (by region number), ckpt_mu, flush_mu, alloc.mu,
 * hdr_mu. A thread that waits for ckpt_mu has no sequence number in flight.
 */
#ifndef PMHEAP_LIB_TX_INTERNAL_H
#define PMHEAP_LIB_TX_INTERNAL_H

#include "debug/debug.h"
#include "tx/ctx.h"

#define NOT_IN_FLIGHT (~(AO_t)0)
#define SWEEPS 4		/* of a lane, from one end to the other */
#define CHUNKS_MAX 64		/* spills of one entry */

struct lane {
	AO_t busy;		/* a thread commits here                   */
	AO_t inflight;		/* no entry below this is being written    */
	AO_t tail;		/* position after the last whole entry     */
	AO_t flushed;		/* entries before it are durable, applied  */
	AO_t head;		/* first entry above the watermark         */
	uint64_t off;		/* of the lane                             */
	uint64_t lap;		/* of the holder: position where the ring
				   began the last time                 */
	uint64_t last;		/* of the holder: last number taken        */
	AO_t clean;		/* position: what entries before it changed
				   is durable in its place             */
	AO_t clean_seq;		/* number of the last of them, or a later  */
	uint64_t swept, swept_seq;	/* of the holder: the same, but for
					   the next fence of sweeper       */
	unsigned sweeper;	/* thread                                  */
	AO_t commits, logged, fences;	/* of the holder; others look      */
} CACHE_ALIGNED;

struct entry_ref {
	uint64_t seq;
	const struct pm_entry *e;	/* contiguous bytes             */
	void *copy;			/* if it wrapped                */
	bool parts;			/* it names who takes part      */
	bool dropped;
};

/* What log_scan() finds: entries by number, and by place what they spilled. */
struct log_found {
	struct entry_ref *refs;
	size_t n, cap;
	struct span {
		uint64_t off, len;
	} *spill;
	size_t spill_n, spill_cap;
};

struct log {
	AO_t seq LINES_ALIGNED;		/* last sequence number taken      */
	AO_t durable LINES_ALIGNED;	/* deferred: all up to it durable  */
	AO_t watermark;
	AO_t shared;			/* last number of several regions  */
	uint64_t nonce;
	uint64_t first_seq;		/* first of this opening           */
	uint64_t lane_size;
	unsigned n_lanes;
	bool deferred;			/* commits become durable in groups */
	bool relaxed;			/* transactions too                */
	bool grouped;			/* but return when their group is  */
	pthread_mutex_t ckpt_mu;
	uint64_t ckpt_gen;
	int ckpt_slot;
	AO_t checkpoints, ckpt_fences;
	pthread_mutex_t flush_mu;
	AO_t flush_fences, direct_fences;
	AO_t led;			/* a thread flushes a group        */
	AO_t waiting;			/* threads that wait for it        */
	uint32_t turn;			/* how many have done so; a futex  */
	uint64_t group_most;		/* commits that the next may have  */
	uint64_t fence_ns;		/* that the last one took          */
	AO_t group_lane;		/* where entries go now            */
	uint8_t *mirror;		/* of all lanes, in ordinary memory:
					   reading what was streamed past the
					   cache would miss it every time   */
	void *ckpt_buf, *flush_buf;	/* lane_size each, for lane_view() */
	pthread_mutex_t grow_mu;
	AO_t spilled;			/* bytes                           */
	AO_t aborts;
	AO_t *touched;			/* trim.c: a bit for each page     */
	uint64_t touched_max;		/* pages                           */
	uint64_t work_pages;		/* marked ones that are too many   */
	uint64_t unmarked;		/* others that take DRAM           */
	AO_t touched_n, trim_at;	/* marked now, when to drop some   */
	uint64_t trims;
	struct recovery recovery;
	struct log_found kept;		/* between recover and replay_work */
	pthread_t flusher;		/* flusher.c                       */
	pthread_mutex_t flusher_mu;
	pthread_cond_t flusher_cv;
	unsigned flush_ms;
	bool flusher_runs, flusher_stop;
	struct lane lane[PM_LANES_MAX];
};

/* record.c */
typedef int (*rec_fn)(struct region *r, const struct pm_rec *rec,
		      const void *payload, void *arg);
/* Calls f for each record in len bytes, also in spilled ones. -1: malformed,
 * or what f returned. */
int rec_each(struct region *r, const void *bytes, uint64_t len, rec_fn f,
	     void *arg);
/* The same without entering spills: f sees their records. */
int rec_each_here(struct region *r, const void *bytes, uint64_t len, rec_fn f,
		  void *arg);
int rec_apply(struct region *r, const struct pm_rec *rec, const void *payload,
	      void *arg);
int rec_apply_work(struct region *r, const struct pm_rec *rec,
		   const void *payload, void *arg);
/* arg: struct flush_set */
int rec_flush(struct region *r, const struct pm_rec *rec, const void *payload,
	      void *arg);
/* For each record of an entry: makes its change; flushes what that changed,
 * lines in the set once; what follows for the volatile state. */
void entry_apply(struct region *r, const struct pm_entry *e);
void entry_flush(struct region *r, const struct pm_entry *e,
		 struct flush_set *set);
void entry_after(struct region *r, const struct pm_entry *e);
int rec_validate(struct region *r, const struct pm_rec *rec,
		 const void *payload, void *arg);

static inline const void *entry_records(const struct pm_entry *e)
{
	return e + 1;
}

static inline uint64_t entry_records_len(const struct pm_entry *e)
{
	return e->len - sizeof(*e);
}

/* log.c */
uint64_t entry_sum(const struct pm_entry *e, uint64_t nonce, unsigned lane,
		   uint64_t pos);
static inline uint64_t line_up(uint64_t n)
{
	return (n + PM_LINE - 1) & ~(uint64_t)(PM_LINE - 1);
}

static inline uint8_t *lane_mirror(const struct log *log, const struct lane *l)
{
	return log->mirror + (l->off - PM_LANES_OFF);
}

/* pos modulo the lane's size; the holder's positions grow little by little. */
static inline uint64_t lane_place(const struct log *log, struct lane *l,
				  uint64_t pos)
{
	if (UNLIKELY(pos - l->lap >= log->lane_size))
		l->lap = pos - pos % log->lane_size;
	return pos - l->lap;
}

/* Contiguous bytes at a place in the ring: there, or in buf if they wrap. */
static inline const void *lane_ring(const struct log *log, const struct lane *l,
				    uint64_t at, uint64_t len, void *buf)
{
	const uint8_t *base = lane_mirror(log, l);
	uint64_t first = log->lane_size - at;

	if (LIKELY(len <= first))
		return base + at;
	memcpy(buf, base + at, first);
	memcpy((uint8_t *)buf + first, base, len - first);
	return buf;
}

struct lane *lane_acquire(struct log *log);
/* A number that no other thread has; its lanes are chosen by it. */
unsigned lane_thread(void);
/* The lane of that index if nobody holds it, or NULL. */
struct lane *lane_try(struct log *log, unsigned idx);
void lane_release(struct lane *l);
/* Room for need bytes in a lane that the caller holds. 0 or -1 EIO. */
int lane_need(struct region *r, struct lane *l, uint64_t need);
bool lane_has_room(const struct log *log, const struct lane *l, uint64_t need);
/* Takes the next sequence number and marks it in flight. */
uint64_t lane_take_seq(struct log *log, struct lane *l);
/* Completes the entry and writes it at the lane's tail. how: PM_WRITE_*. */
void lane_append(struct region *r, struct lane *l, struct pm_entry *e,
		 uint64_t seq, unsigned how);
/* The entry at tail is whole: publishes it. applied: durable and applied. */
void lane_publish(struct lane *l, uint64_t len, bool applied);
/* Contiguous bytes at a position: in place, or in buf if they wrap. */
const void *lane_view(struct region *r, const struct lane *l, uint64_t pos,
		      uint64_t len, void *buf);
/* Everything up to the result has been written (and in strict mode applied). */
uint64_t log_settled(struct log *log);
/* Adds to a counter that one thread at a time adds to. */
static inline void count(AO_t *counter, uint64_t n)
{
	AO_store(counter, AO_load(counter) + n);
}

int log_fence(struct region *r, AO_t *counter);
/* The region's file is whole; or poisons the region: -1 EIO. */
int log_check_medium(struct region *r);
/* why: enum poison */
void log_poison(struct region *r, int why);

/* checkpoint.c */
int log_checkpoint(struct region *r);
/* The same if the lane's head is below this position yet. */
int log_checkpoint_to(struct region *r, struct lane *l, uint64_t head);
/* The same until every number taken so far is retired (T3). The caller holds
 * no lane and has no number in flight. */
int log_checkpoint_all(struct region *r);
/* For closing: an empty log and two equal header copies. */
int log_checkpoint_clean(struct region *r);
/* The holder of a lane flushes what its entries changed; then a fence has made
 * that durable. */
void lane_sweep(struct region *r, struct lane *l);
void lane_swept(struct lane *l);

/* flush.c */
/* Makes durable, and applies, what is settled. One thread at a time. */
int log_flush_group(struct region *r);
int flusher_start(struct region *r);
void flusher_stop(struct region *r);
/* group.c */
/* Returns when all up to seq is durable. 0 or -1 EIO. */
int log_flush_upto(struct region *r, uint64_t seq);
/* For the entry of a commit that waits for its group. */
struct lane *group_lane(struct log *log, uint64_t need);
/* trim.c */
/* Bounds the DRAM of the working copy, 0: does not. 0 or -1 ENOMEM. */
int work_bound(struct region *r, uint64_t budget);
/* A transaction touches these bytes; stores: it will change them now. Only if
 * r->bounded, as the others. */
void work_touch(struct region *r, uint64_t off, uint64_t n, bool stores);
/* Gives back pages if it is time to; with ckpt_mu held. */
void work_trim(struct region *r);
/* The same for a thread that has committed and holds no lock of the log's. */
void work_limit(struct region *r);
uint64_t work_bytes(struct region *r);
/* grow.c */
/* One more zone of at least need bytes. 0; ALLOC_FULL: at max_size; -1. */
int log_grow(struct region *r, uint64_t need);
/* One more zone of len bytes, for the command. The same; ALLOC_FULL also if the
 * new end is no place for a zone's. */
int log_grow_by(struct region *r, uint64_t len);
/* Frees extents of empty slabs; false: there was none. */
bool log_collect(struct region *r);

/* recover.c */
/* Can this checkpoint record be one of this region? 0, -1 EUCLEAN. */
int ckpt_check(const struct region *r, const struct pm_ckpt *c);
/* scan.c */
/* -1 EUCLEAN, ENOMEM; out is to be freed in any case. */
int log_scan(struct region *r, const struct pm_ckpt *c, struct log_found *out);
void log_scan_free(struct log_found *f);
/* Do these bytes hold records of the log? */
bool log_spilled(const struct log_found *f, uint64_t off, uint64_t len);
/* The participants of an entry; 0: one region only. */
unsigned entry_parts(struct region *r, const struct pm_entry *e,
		     const struct pm_part **parts);

/* build.c */
/* Where records go: the entry, or a spill. n bytes of payload. 0 or -1. */
typedef int (*put_fn)(struct part *p, struct pm_rec rec, const void *payload,
		      uint64_t n);
/* So many bytes of fresh objects are written to their home directly. */
#define DIRECT_MIN 65536u

/* Builds the entry of part idx. 0; 1: larger than an entry may be; -1. */
int part_build(struct ctx *c, unsigned idx);
/* The records of one operation; FREE is left out if !frees. */
int op_records(struct part *p, const struct op *op, put_fn put, bool frees);
int part_put(struct part *p, struct pm_rec rec, const void *payload,
	     uint64_t n);
int part_begin(struct part *p);
uint64_t part_limit(const struct part *p);
int part_put_pins(struct part *p);
/* Writes many bytes of fresh objects to their home, durably (T4). */
int part_write_direct(struct ctx *c, unsigned idx);

/* spill.c */
/* Builds the entry of part idx with its records outside the lane. 0 or -1. */
int spill_build(struct ctx *c, unsigned idx);
/* Gives the space back, after the commit or its failure. */
void spill_end(struct part *p, bool committed);
void spill_unlock(struct ctx *c);

/* pins.c */
/* Notes the region numbers that pointers in these bytes use. */
void pins_scan(struct part *p, uint64_t off, uint64_t len);
uint64_t pins_id(unsigned number);

/* commit.c, multi.c */
int ctx_commit(struct ctx *c);
#define ENTRY_NOW	1u	/* durable on return, also if deferred     */
#define ENTRY_SLOTS	2u	/* rec_after() has something to do         */
#define ENTRY_SPILLED	4u	/* this thread wrote records elsewhere     */
/* Makes the entry durable and applies it, or leaves that to the next group. */
int entry_commit(struct region *r, struct pm_entry *e, unsigned what);
int commit_multi(struct part **parts, unsigned n);
/* Bytes that it adds to each entry, at most. */
uint64_t multi_reserve(unsigned n);
/* Completes the header of the entry in p->buf. */
void part_finish_entry(struct part *p);

/* rollback.c */
void ctx_rollback(struct ctx *c, uint32_t to_op, uint64_t undo);
void ctx_end(struct ctx *c, int result);

/* lock.c */
void locks_release(struct ctx *c);

/* What other threads of the parent held is free in a forked child. */
void spill_fork_child(void);
void multi_fork_child(void);
void locks_fork_child(void);

#endif
