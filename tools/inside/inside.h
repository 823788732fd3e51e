/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/inside/inside.h: looking into pools where the public interface does not
 * reach. Only the files of this folder see the inside of the library; they show
 * the verbs what is declared here.
 *
 * Functions that can fail return -1 with errno and pm_errormsg(), like those of
 * the library. Offsets are bytes from the start of the pool.
 */
#ifndef PMHEAP_INSIDE_H
#define PMHEAP_INSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- a pool's file, read while another process may write it (live.c) --- */

struct live;

/* Takes no lock, and changes nothing; errors as pm_init(). */
int live_open(const char *path, struct live **out);
void live_close(struct live *l);

struct live_info {
	uint64_t id, size, max_size, lane_size;
	uint32_t format, lanes, zones, extent_size;
	char	 layout[64];
	uint64_t created;	/* seconds since 1970                        */
	uint64_t root_off, root_size;
	bool	 closed;	/* as pm_close() leaves it                   */
	uint64_t watermark;	/* entries up to it are in place             */
	uint64_t sequence;	/* of the last entry that is whole           */
	uint64_t checkpoints;	/* ever written                              */
	uint64_t pending;	/* entries above the watermark               */
	uint64_t log_bytes;	/* that they take in the lanes               */
	uint64_t logged;	/* bytes ever appended to the lanes          */
	uint64_t heap_bytes, held_bytes, used_bytes, objects;
};

/* Reads all of it anew: what the pool holds at this moment. */
int live_look(struct live *l, struct live_info *out);

/* The process that has the pool open; 0: none that is known. */
long live_holder(const struct live *l, bool *writes);

/* --- consistent images (make.c; how is argued in image.c) --- */

#define IMAGE_ALL	0u
#define IMAGE_META	1u	/* descriptors and bitmaps, no objects       */
#define IMAGE_WHOLE	2u	/* of a pool that nobody writes: as it is    */

struct image_how {
	unsigned what;		/* IMAGE_ALL or IMAGE_META                   */
	bool	 memory;	/* the file is in memory                     */
	bool	 pause;		/* stop the writer meanwhile                 */
	uint64_t limit_ms;	/* for attempts that fail                    */
	void	(*show)(void *arg, uint64_t done, uint64_t total);
	void	*arg;
};

struct image_report {
	bool	 in_use;
	uint64_t attempts;
	uint64_t paused_ms;
	uint64_t shared;	/* bytes whose blocks are those of the pool  */
};

/*
 * Makes fd a pool with the contents of the one at path, which may be in use:
 * all of each transaction that had returned when it began, and all or nothing
 * of later ones. A pool that was closed or left by a killed process is copied
 * as it is. EAGAIN: it is written too fast; ESRCH, EPERM: the writer cannot be
 * stopped; others as pm_init() and write(2).
 */
int image_make(const char *path, int fd, const struct image_how *how,
	       struct image_report *out);
/* A finished file gets its name if nothing has it; its old one may stay. */
int image_name(const char *old, const char *path);

/* --- what is in a pool (pool.c, walk.c) --- */

enum group_kind { GROUP_FREE, GROUP_SLAB, GROUP_RUN };

/* Extents that belong together. */
struct group {
	enum group_kind kind;
	uint32_t zone;
	uint64_t ext;		/* index of the first in its zone            */
	uint64_t off;		/* of its first byte                         */
	uint64_t n_ext;
	uint64_t len;		/* bytes                                     */
	uint32_t type;
	uint64_t slot;		/* bytes of an object's place                */
	uint32_t slots, used;	/* a run has one                             */
	const uint64_t *bits;	/* slab: a bit for each slot                 */
};

/* Objects of a group and their places. */
static inline bool group_has(const struct group *g, uint32_t slot)
{
	return g->kind == GROUP_RUN ||
	       (g->kind == GROUP_SLAB && g->bits[slot / 64] >> slot % 64 & 1);
}

static inline uint64_t group_place(const struct group *g, uint32_t slot)
{
	return g->off + slot * g->slot;
}

struct pool;

struct pool_info {
	uint64_t id, size, root_off, root_size;
	uint64_t address;	/* where it is mapped as the primary         */
	uint32_t extent_size, zones;
	char	 layout[64];
	bool	 in_use;	/* what is shown is an image of a moment     */
};

/*
 * Opens a pool to look at it: recovered, but the file is not changed. Of one in
 * use an image in memory is made; of all of it if objects are to be read, else
 * of its metadata. Errors as pm_init() and image_make().
 */
int pool_open(const char *path, bool objects, struct pool **out);
void pool_close(struct pool *p);
void pool_look(const struct pool *p, struct pool_info *out);
/* Calls fn for each group of extents, in order; what it returned, or -1. */
int pool_each(const struct pool *p, int (*fn)(const struct group *g, void *arg),
	      void *arg);
/* The pool's bytes at off. */
const void *pool_bytes(const struct pool *p, uint64_t off);
/* If this word is a normal pointer into the pool: its offset; else 0. */
uint64_t pool_pointer(const struct pool *p, uint64_t word);

/* Where regions are mapped: the window, and the part of each region number. */
void window_look(uint64_t *base, uint64_t *len, uint64_t *slot);

/* --- changing pools that nobody has open (grow.c, repair.c) --- */

/* Grows the pool to size, and what it may grow to to max; 0: leave it. Errors as
 * pm_init(); ERANGE: what is asked for is not possible. */
int pool_grow(const char *path, uint64_t size, uint64_t max);

/* Changes its layout name, if that is from (NULL: any). EINVAL: it is another, or
 * the new one is too long; others as pm_init(). */
int pool_relayout(const char *path, const char *from, const char *name);

/*
 * Puts together a header from two damaged copies, each of which is whole where
 * the other is not. 1: done; 0: that was not what is wrong, or it cannot be
 * done; -1.
 */
int repair_header(const char *path);
/* Gives back its length to a file that was truncated, if no object lay in what
 * was lost. The same. */
int repair_length(const char *path);

/* --- the log, decoded (decode.c) --- */

struct log_entry {
	uint64_t sequence, position, bytes, spilled;
	unsigned lane;
	unsigned records;
};

struct log_record {
	const char *name;
	uint64_t off, len;	/* what it changes; 0: nothing in the heap   */
	char	 detail[320];
	const void *data;	/* bytes that it writes, or NULL             */
};

typedef int (*log_entry_fn)(const struct log_entry *e, void *arg);
typedef int (*log_record_fn)(const struct log_record *r, void *arg);

/* Reads the log anew and shows each entry above the watermark, and after it
 * each of its records, in order; what the functions returned, or -1. */
int live_log(struct live *l, log_entry_fn entry, log_record_fn record,
	     void *arg);

#endif
