/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * debug.h: finding what programs do wrong with their objects. Transactions call
 * in here, if debug_on says that there is something to do.
 */
#ifndef PMHEAP_LIB_DEBUG_H
#define PMHEAP_LIB_DEBUG_H

#include "alloc/alloc.h"

/*
 * unlogged.c: bytes of the working copy that differ from their home although
 * nobody logged them. A thread's state; made when it is needed.
 */
struct debug_tx;

/* Looks after this region from now on. settle: what was committed goes home. */
int debug_watch(struct region *r, int (*settle)(struct region *r));
/* Looks a last time. */
void debug_unwatch(struct region *r);
/* An outermost transaction begins; where: its source line, or NULL and the
 * address that it was called from. */
void debug_begin(struct debug_tx **tx, const char *where, const void *caller);
/* The thread may change these bytes until the end of its transaction. */
void debug_note(struct debug_tx **tx, struct region *r, uint64_t off,
		uint64_t len);
/* Around a reservation, which nobody looks at meanwhile; s: what it gave. */
void debug_reserve(void);
void debug_reserved(struct debug_tx **tx, struct region *r,
		    const struct slot *s);
/* All is at home, or undone. look: it was a transaction of the program. */
void debug_end(struct debug_tx **tx, bool look);
void debug_free(struct debug_tx **tx);
/* mine: of the thread that forked, or NULL. */
void debug_fork_child(struct debug_tx *mine);

/* pages.c: calls f for ranges of pages between these offsets that are not the
 * file's; for all of them where the kernel does not tell. */
void pages_each_private(struct region *r, uint64_t from, uint64_t to,
			void (*f)(struct region *r, uint64_t off,
				  uint64_t len, void *arg), void *arg);

#endif
