/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heap.h: what the top-level .c files of the library share. They see every
 * layer and glue the public calls to them.
 */
#ifndef PMHEAP_LIB_HEAP_H
#define PMHEAP_LIB_HEAP_H

#include "debug/debug.h"
#include "tx/tx.h"

#include <pmheap.h>

/* Serializes opening, closing and forking. Taken before every other lock. */
extern pthread_mutex_t heap_mu;

/* Opens a medium and its header, recovered; the region is in no table yet. */
struct region *heap_load(const PmWrapperConfig *config, bool verify_only);
void heap_unload(struct region *r);
/* The root must be a live object: 0, or -1 EUCLEAN. */
int heap_check_root(struct region *r);
/* The lock of pm_root() is nobody's in a forked child. */
void heap_root_fork_child(void);
/* fork.c */
int heap_fork_init(void);
/* clone.c: changes the header of a pool that nobody has open; check, unless NULL,
 * may refuse before anything is written. Errors as pm_init(). */
int heap_change_header(const char *path,
		       int (*check)(const struct region *r, const void *arg),
		       void (*change)(struct region *r, const void *arg),
		       const void *arg);
/* peers.c: a judge_fn; arg is a struct peers. */
struct peers {
	const PmWrapperConfig *config;
	struct peer_file *found;	/* open until peers_forget() */
	char tried[600];		/* "; place: why it did not serve"... */
};

void peers_forget(struct peers *peers);
enum judgement peers_judge(struct region *r, uint64_t seq, uint64_t peer_id,
			   uint64_t peer_seq, void *arg);
/* The open region with this number, or NULL with EINVAL. */
struct region *heap_region(int number);

#endif
