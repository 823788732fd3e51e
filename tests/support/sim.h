/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sim.h: a backend that records everything that reaches its media, so that a
 * test can work out what a power cut at any moment would have left (tools/
 * crash/world.h), put such a state into the media, open them, and undo it all.
 *
 * Its media are images in memory, named by the last part of the path: "a" and
 * "b". Threads are told apart: a fence orders what its own thread flushed. A
 * thread can be stopped at a call of the backend, or where it is about to lock
 * something, while others go on.
 */
#ifndef TESTS_SIM_H
#define TESTS_SIM_H

#include "crash/journal.h"
#include "crash/trace.h"

#include <pmheap.h>
#include <pmheap/backend.h>

#define SIM_MEDIA 2
#define SIM_ROOM (8u << 20)	/* bytes that an image may grow to */

/* Every change of the media goes through it. */
extern struct journal sim_journal;

/* Flushes lines and fences by an instruction, as on persistent memory. */
extern const PmBackend sim_lines;
/* Syncs pages of one medium, as a file. */
extern const PmBackend sim_pages;

/* All media vanish; hashes start anew, without what lanes hold in .loud. */
void sim_reset(void);
/* Appends to this trace from here on; NULL: records nothing. */
void sim_record(struct trace *t);
/* An event of the test's own, if a trace is being recorded. */
void sim_mark(uint64_t lo, uint64_t hi, uint64_t arg);
/* The nth fence from now on fails with EIO; 0: none does. */
void sim_fail_fence(unsigned nth);

/* A thread is going to stop: before the thread is made. */
void sim_expect(void);
/* The calling thread stops before its nth call, or lock, from now on (from 1). */
void sim_park(unsigned nth);
/* It is about to lock this: a place to stop like a call. */
void sim_before_lock(const void *mutex);
/* The calling thread will not stop any more. */
void sim_unpark(void);
/* Waits until a thread stands (true) or has called sim_unpark() (false). */
bool sim_wait_parked(void);
/* It goes on. */
void sim_release(void);

#endif
