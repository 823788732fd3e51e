/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * base.h: what every layer uses: errors, atomics, locks, small arithmetic.
 */
#ifndef PMHEAP_LIB_BASE_H
#define PMHEAP_LIB_BASE_H

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define AO_PREFER_BUILTIN_ATOMICS
#include <atomic_ops.h>
#include <pmheap/log.h>

_Static_assert(sizeof(AO_t) == 8, "AO_t holds a 64-bit word");

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define CACHE_ALIGNED __attribute__((aligned(64)))
/* For what all threads write: some CPUs fetch lines in pairs. */
#define LINES_ALIGNED __attribute__((aligned(128)))
/* A variable of another file that is reached without the GOT. */
#define HIDDEN __attribute__((visibility("hidden")))
/* A function that is made anew for each constant that it is called with. */
#define SPECIALIZED static inline __attribute__((always_inline))
/* A function that may touch what programs may not. */
#define UNWATCHED __attribute__((no_sanitize("address")))
#define THREAD_LOCAL __thread __attribute__((tls_model("initial-exec")))

/* Sets errno and the thread's message; returns -1. */
int err_set(int err, const char *fmt, ...)
	__attribute__((cold, format(printf, 2, 3)));
/* Only the message: of what a program does on purpose. */
void err_note(const char *fmt, ...)
	__attribute__((cold, format(printf, 1, 2)));
const char *err_get(void);

/* A message for the program's logger; costs a load where there is none. */
#define say(level, ...)							\
	do {								\
		if (UNLIKELY(AO_load(&say_level) >= (AO_t)(level)))	\
			say_formatted(level, __VA_ARGS__);		\
	} while (0)
extern AO_t say_level;
void say_message(int level, const char *message);
void say_formatted(int level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Messages go to f until the program calls pm_set_logger(), if it has not yet. */
void say_by_default(int level,
		    void (*f)(int level, const char *message, void *arg));

/* debug.c: is this one of the words in PMHEAP_DEBUG? */
bool debug_word(const char *word);
/* Before the first region is opened: what the words ask to be printed. */
void debug_read_environment(void);

/* What lib/debug has to do; seldom written, looked at by many operations. */
#define DEBUG_UNLOGGED	1u	/* find bytes that nobody logged          */
#define DEBUG_MEMORY	2u	/* memcheck or ASan watches the program   */
#define DEBUG_OBJECTS	4u	/* ranges must lie in one live object     */
extern AO_t debug_on HIDDEN;

static inline bool debug_unlogged(void)
{
	return UNLIKELY(AO_load(&debug_on) & DEBUG_UNLOGGED);
}

static inline bool debug_objects(void)
{
	return UNLIKELY(AO_load(&debug_on) & (DEBUG_UNLOGGED | DEBUG_OBJECTS));
}

static inline bool debug_memory(void)
{
	return UNLIKELY(AO_load(&debug_on) & DEBUG_MEMORY);
}

/* PMHEAP_DEBUG=abort: misuse that is reported by EINVAL aborts instead. */
void err_misuse(void) __attribute__((cold));

/* Random 64 bits, never 0. */
uint64_t random_id(void);

static inline uint64_t round_up(uint64_t x, uint64_t to)
{
	return (x + to - 1) / to * to;
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* memcpy for lengths that are mostly a few words. */
static inline void copy_short(void *to, const void *from, size_t n)
{
	if (n == 8) {
		memcpy(to, from, 8);
	} else if (n <= 128 && n % 16 == 0) {
		const uint8_t *f = from;
		uint8_t *t = to;

		for (; n; n -= 16, f += 16, t += 16)
			memcpy(t, f, 16);
	} else {
		memcpy(to, from, n);
	}
}

/* [off, off + len) inside [lo, hi), without overflow. */
static inline bool range_in(uint64_t off, uint64_t len, uint64_t lo,
			    uint64_t hi)
{
	return off >= lo && off <= hi && len <= hi - off;
}

static inline bool bytes_are_zero(const void *p, size_t n)
{
	const unsigned char *b = p;

	/* Each byte equals the one before it. */
	return n == 0 || (b[0] == 0 && memcmp(b, b + 1, n - 1) == 0);
}

/* A lock for a few instructions; waiters yield. */
typedef struct spin {
	AO_TS_t ts;
} spin_t;

void spin_wait(spin_t *s);

static inline bool spin_try(spin_t *s)
{
	return AO_test_and_set_acquire(&s->ts) == AO_TS_CLEAR;
}

static inline void spin_lock(spin_t *s)
{
	if (UNLIKELY(!spin_try(s)))
		spin_wait(s);
}

static inline void spin_unlock(spin_t *s)
{
	AO_CLEAR(&s->ts);
}

/* Returns the old value. */
static inline AO_t fetch_or(volatile AO_t *p, AO_t bits)
{
	return __atomic_fetch_or(p, bits, __ATOMIC_ACQ_REL);
}

static inline AO_t fetch_and(volatile AO_t *p, AO_t bits)
{
	return __atomic_fetch_and(p, bits, __ATOMIC_ACQ_REL);
}

#endif
