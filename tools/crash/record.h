/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * record.h: writing the trace of a program from inside it.
 *
 * Lock order: the lock of the trace is taken inside whatever the library
 * holds; nothing of the library is called under it but the functions of the
 * real backend.
 */
#ifndef CRASH_RECORD_H
#define CRASH_RECORD_H

#include "crash/format.h"

#include <pmheap.h>
#include <pmheap/backend.h>
#include <stdbool.h>
#include <stddef.h>

/* It is loaded into programs without the library, shells among them. */
#pragma weak pm_backend

/* trace_file.c: the file. Records are added with the lock held. */
bool file_start(const char *dir);
bool file_on(void);
void file_lock(void);
void file_unlock(void);
void file_add(struct record r, const void *a, size_t a_len, const void *b,
	      size_t b_len);
/* Saves the size bytes at base, a pool as it is opened; its number. */
unsigned file_image(const uint8_t *base, uint64_t size);
/* Makes a file in the folder dir, or adds a line to it. */
void file_note(const char *dir, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* record.c: the backend in front of the one that would be used. */
const PmBackend *record_backend(const char *real_name);
/* The call of this thread that opens a region begins; it has returned. */
void record_opening(bool primary);
void record_opened(bool ok);

/*
 * calls.c: which operation of the program an event belongs to. An operation
 * begins with the first write, so one that changes nothing leaves no trace.
 */
uint8_t calls_thread(void);
/* An address in the library. */
void calls_init(const void *in_library);
/* Around a call of the program; name NULL: a transaction's end. */
void calls_enter(const char *name);
void calls_leave(void);
/* The operation in hand writes; without the lock. */
void calls_begin(void);
/* A fence outside of calls that are known is an operation of its own. */
bool calls_fence_begin(void);
void calls_fence_end(void);

/* choose.c: the name of the backend that this config would get, or NULL with
 * a reason to leave it alone. */
const char *choose_backend(PmWrapperConfig *c, const char **why);

/* serve.c */
void serve(int (*verify)(const char *pool, void *arg), void *arg);

#endif
