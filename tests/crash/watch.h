/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * watch.h: sees what is stored to a mapping, and what becomes durable of it.
 *
 * Stores fault on write protection and are looked at one by one, streaming
 * stores apart from ordinary ones. The functions of libpmem and of the kernel
 * that make things durable are replaced by ones that note what they are asked
 * for. One mapping is watched at a time.
 */
#ifndef TESTS_WATCH_H
#define TESTS_WATCH_H

#include <pmheap.h>
#include <pmheap/backend.h>

/* Can this machine do it? */
int watch_works(void);
/* Lines are durable by flush or streaming store, and a drain after it. */
void watch_lines(uint8_t *base, size_t n);
/* Pages are durable by a sync that began after the store. */
void watch_pages(uint8_t *base, size_t n, int fd);
/* Pages: these bytes are about to be stored to. */
void watch_wrote(const uint8_t *p, size_t n);
void watch_end(void);
/* Is anything in [p, p + n) not durable now? */
int watch_dirty(const uint8_t *p, size_t n);
/* Stores seen so far. */
unsigned watch_stores(void);
/* The next sync fails; every sync takes its time. */
void watch_fail_sync(void);
void watch_slow_sync(void);
/* Has fsync() followed the last change of the file's size? */
int watch_size_is_durable(int fd);

/* Names of files: forgets what was; then what happened since. */
void watch_names(void);
int watch_named(void);
int watch_synced_before_name(void);
int watch_dir_synced(void);

#endif
