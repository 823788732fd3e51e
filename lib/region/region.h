/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * region.h: one open region: its header, its place in the window, its number.
 */
#ifndef PMHEAP_LIB_REGION_H
#define PMHEAP_LIB_REGION_H

#include "persist/persist.h"

#include <pmheap/pointer.h>
#include <pmheap/stats.h>

/* Where normal pointers live. One for the process, fixed before first use. */
struct window {
	uint64_t base;
	unsigned bits;		/* k: window is 1 << bits bytes           */
	unsigned number_bits;	/* n                                      */
	unsigned slot_bits;	/* k - n                                  */
};

extern struct window window HIDDEN;

struct alloc;
struct log;

/* Why nothing in a region is durable any more until it is opened again. */
enum poison {
	POISON_NONE,
	POISON_SYNC,		/* a sync failed                          */
	POISON_CUT,		/* the file was truncated                 */
	POISON_UNDO		/* no memory to undo a transaction by     */
};

/* The header copy that was not chosen. */
enum other_copy { COPY_SAME, COPY_STALE, COPY_DAMAGED };

struct region {
	int number;
	int span;		/* consecutive numbers it takes           */
	uint64_t id;
	uint8_t *work;		/* the program's addresses                */
	const uint8_t *home;	/* the medium's bytes, to be read only    */
	AO_t size;		/* bytes now                              */
	uint64_t zone_off;	/* first byte after the lanes             */
	uint64_t data_lo, data_hi;	/* extents of the first zone      */
	const AO_t *extents;	/* alloc's: one for each, 0: free         */
	unsigned ext_bits;	/* bytes of an extent: 1 << ext_bits      */
	AO_t *backed;		/* alloc's: chunks with room on the medium */
	unsigned chunk_bits;	/* bytes of a chunk: 1 << chunk_bits      */
	struct medium md;
	unsigned flags;		/* of the config                          */
	bool readonly;		/* PM_RDONLY                              */
	bool private;		/* PM_RDONLY or PM_SCRATCH                */
	bool work_lazy;		/* working copy is made writable piecewise */
	bool watched;		/* lib/debug/memory.c                     */
	bool bounded;		/* DRAM of the working copy is limited    */
	AO_t poisoned;		/* enum poison                            */
	AO_t known[PM_NUMBERS_MAX / 64]; /* hdr->pinned, to test quickly  */

	/* Header as it is to be; hdr_mu guards changes. */
	pthread_mutex_t hdr_mu;
	struct pm_header *hdr;
	bool hdr_dirty;
	bool hdr_one_copy;	/* only one copy on the medium is current */
	int hdr_copy;		/* copy that was written last             */
	enum other_copy hdr_other;	/* as it was found at open        */

	struct alloc *alloc;
	struct log *log;
};

/* window.c */
void window_choose(void);
int window_map(struct region *r);	/* work for [0, size) at r->number */
/* Maps len bytes more; they count when r->size says so. */
int window_extend(struct region *r, uint64_t old_size, uint64_t len);
void window_shrink(struct region *r, uint64_t old_size, uint64_t len);
/* Takes the metadata of zones at or above from out of the program's reach. */
void window_hide(struct region *r, uint64_t from);
void window_unmap(struct region *r);
int window_make_writable(struct region *r, uint64_t off, uint64_t len);
int window_seal(struct region *r);	/* read-only from here on */
unsigned window_slots(uint64_t max_size);
static inline uint64_t window_slot_size(void)
{
	return 1ull << window.slot_bits;
}

/* header.c */
uint64_t header_peek_max(int fd);
int header_format(struct pm_header *h, const PmWrapperConfig *c);
/* Reads and judges both copies; fills *h. Errors as pm_init(). */
int header_read(struct medium *md, struct pm_header *h, int *copy,
		enum other_copy *other);
/* Writes the header to one copy, to be flushed by the caller's fence. */
void header_write(struct region *r, int copy);
/* For a new pool: both copies but for the magic of copy 0; and that magic, or
 * PM_MAKING in its place. */
void header_write_unmarked(struct region *r);
void header_mark(struct region *r, const char *mark);
/* Extents that fit a zone of len bytes at off; 0: none. */
uint64_t zone_extents(uint64_t off, uint64_t len, uint64_t ext);
uint64_t header_zone_off(const struct pm_header *h);
/* Sets zone_off, data_lo and data_hi from a header that was read. */
void header_bounds(struct region *r);
/* Zones are added while others look: what is counted is whole. */
static inline uint32_t header_zones(const struct pm_header *h)
{
	return __atomic_load_n(&h->n_zones, __ATOMIC_ACQUIRE);
}

bool ckpt_read(const uint8_t *home, struct pm_ckpt *out, int *slot);
void ckpt_write(struct medium *md, const struct pm_ckpt *c, int slot);
int header_check_maps(const struct pm_header *h, const char *path);
const char *region_name(const struct region *r);

/* Threads look at the map while one of them adds to it. */
static inline uint64_t idmap_get(const struct pm_header *h, unsigned number)
{
	return __atomic_load_n(&h->idmap[number], __ATOMIC_ACQUIRE);
}

/* Changes to the header that log records ask for. Idempotent. */
int header_apply(struct region *r, const struct pm_rec *rec,
		 const void *payload);
void header_add_lost(struct region *r, uint64_t first, uint64_t last);
bool header_is_lost(const struct pm_header *h, uint64_t seq, bool *unknown);

/* idmap.c: the primary's table decides. */
/* Number for a region with this header under primary; -1 with errno. */
int idmap_assign(struct region *primary, struct region *r, int span);
/* May r be the primary, number 1? 0, or -1 with EADDRINUSE. */
int idmap_check_primary(struct region *r);
static inline bool idmap_knows(const struct region *r, unsigned number)
{
	return AO_load(&r->known[number / 64]) >> number % 64 & 1;
}

/* places.c: where they are, for fat pointers. */
struct pm_place_ *place_find(uint64_t id);	/* NULL: it is not open */
void place_add(struct region *r);
void place_remove(const struct region *r);
void place_resize(const struct region *r);	/* r->size is another */

/* table.c: the open regions of this process. */
extern AO_t table_numbers[PM_NUMBERS_MAX] HIDDEN;	/* struct region */
extern AO_t table_child HIDDEN;		/* a child that has its parent's */

static inline bool table_in_child(void)
{
	return UNLIKELY(AO_load(&table_child) != 0);
}

/* The open region of this number, or NULL. */
static inline struct region *table_get(int number)
{
	if (number < 1 || number >= PM_NUMBERS_MAX)
		return NULL;
	return (struct region *)AO_load_acquire(&table_numbers[number]);
}

static inline uint64_t region_off(const struct region *r, const void *ptr)
{
	return (uint64_t)((const uint8_t *)ptr - r->work);
}

/* The open region that owns this address, or NULL. */
static inline struct region *table_of(const void *ptr)
{
	uint64_t at = (uint64_t)(uintptr_t)ptr - window.base;
	struct region *r;

	if (UNLIKELY(at >> window.bits))
		return NULL;
	r = (struct region *)AO_load_acquire(
		&table_numbers[at >> window.slot_bits]);
	if (UNLIKELY(!r || region_off(r, ptr) >= AO_load(&r->size)))
		return NULL;
	return r;
}

void table_add(struct region *r);
void table_remove(struct region *r);
struct region *table_find_id(uint64_t id);
struct region *table_next(int after);		/* by number    */
/* Called around fork(2) while a region is open. Once. 0, or -1: ENOMEM. */
int table_fork_hooks(void (*prepare)(void), void (*done)(bool child));
void table_forget_parent(void);
/* Are these bytes inside the extents of one zone? Most are in the first. */
bool region_holds_elsewhere(const struct region *r, uint64_t off, uint64_t n);
static inline bool region_holds(const struct region *r, uint64_t off,
				uint64_t n)
{
	return LIKELY(range_in(off, n, r->data_lo, r->data_hi)) ||
	       region_holds_elsewhere(r, off, n);
}

/* Is this line in an extent of the first zone, where most are, that is in use? */
static inline bool region_holds_line(const struct region *r, uint64_t off)
{
	uint64_t at = off - r->data_lo;

	return LIKELY(at < r->data_hi - r->data_lo) &&
	       LIKELY(AO_load(&r->extents[at >> r->ext_bits]) != 0);
}

/* Sets errno and says why this region cannot be changed; -1. */
int region_refuse(struct region *r) __attribute__((cold));
/* May this region not be changed now? region_writable() says why: 0, or -1 with
 * EROFS EPERM EIO. */
static inline bool is_refused(const struct region *r)
{
	return UNLIKELY(table_in_child() || r->readonly ||
			AO_load(&r->poisoned));
}

static inline int region_writable(struct region *r)
{
	return is_refused(r) ? region_refuse(r) : 0;
}

/* Sets EIO and says why the region is poisoned; -1. */
int region_poisoned(const struct region *r) __attribute__((cold));

#endif
