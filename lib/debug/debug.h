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

/*
 * memory.c: memcheck or AddressSanitizer watches what the program touches.
 * Asked once, before the first region is opened. All that follows is called
 * only if debug_memory().
 */
void memory_ask(void);
/* An open region: only its live objects may be touched from now on. */
void memory_watch(struct region *r);
/* If it was watched: everything may be touched again. */
void memory_unwatch(struct region *r);
void memory_zone(struct region *r, unsigned zone);	/* a new one */
void memory_alloc(struct region *r, uint64_t off, uint64_t size);
void memory_resize(struct region *r, const struct slot *s, uint64_t size);
void memory_free(struct region *r, const struct slot *s);
/* What the library does with bytes that the program may not touch: old ones of
 * freed objects, and those between objects. from: NULL for zeros. */
void memory_copy(void *to, const void *from, uint64_t n);
/* n is a multiple of 8, as are the addresses. */
bool memory_equal(const void *a, const void *b, uint64_t n);
/* memcheck reports nothing of this thread; calls can be nested. Functions that
 * AddressSanitizer is to overlook are UNWATCHED. */
void memory_quiet(bool quiet);

void memory_fork_child(void);

/* Added to each object, so that what overflows does not reach another. */
#define MEMORY_GAP 16u

static inline void work_copy(void *to, const void *from, uint64_t n)
{
	if (debug_memory())
		memory_copy(to, from, n);
	else
		memcpy(to, from, n);
}

/* pages.c: calls f for ranges of pages between these offsets that are not the
 * file's; for all of them where the kernel does not tell. */
void pages_each_private(struct region *r, uint64_t from, uint64_t to,
			void (*f)(struct region *r, uint64_t off,
				  uint64_t len, void *arg), void *arg);

#endif
