/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * step.c: stands in front of the built-in backends and of the system calls
 * that change files, counts, and kills the process at a chosen step. A write
 * that is chosen leaves a part of its bytes behind, in whole words.
 */
#include "kill.h"

#include <sys/mman.h>
#include <sys/sendfile.h>

struct shared *shared;
static uint64_t armed;

void shared_reset(void)
{
	if (shared == NULL) {
		shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		ck_assert_ptr_ne(shared, MAP_FAILED);
	}
	memset(shared, 0, sizeof *shared);
}

void steps_arm(uint64_t kill_at)
{
	tell(&shared->steps, 0);
	tell(&shared->kill_at, kill_at);
	tell(&shared->killed_in, 0);
	tell(&shared->torn, 0);
	tell(&armed, 1);
}

void steps_disarm(void)
{
	tell(&armed, 0);
}

/* Is this the step that the process dies at? */
static bool is_last(enum step kind)
{
	uint64_t n;

	if (!look(&armed))
		return false;
	n = __atomic_add_fetch(&shared->steps, 1, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&shared->by_kind[kind], 1, __ATOMIC_SEQ_CST);
	return n == look(&shared->kill_at);
}

static void die(enum step kind, bool torn)
{
	tell(&shared->torn, torn);
	tell(&shared->killed_in, kind + 1);
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

static void step(enum step kind)
{
	if (is_last(kind))
		die(kind, false);
}

/* A part of the bytes that is another one at each step. */
static size_t part_of(size_t n)
{
	return n / 8 * (look(&shared->kill_at) % 5) / 4 * 8;
}

static void count_write(const PmBackend *real, PmMedium *m, uint64_t off,
			const void *src, size_t n, unsigned how)
{
	if (is_last(STEP_WRITE)) {
		if (part_of(n) > 0)
			real->write(m, off, src, part_of(n), how);
		die(STEP_WRITE, part_of(n) > 0);
	}
	real->write(m, off, src, n, how);
}

static void count_fill(const PmBackend *real, PmMedium *m, uint64_t off, int c,
		       size_t n, unsigned how)
{
	if (is_last(STEP_FILL)) {
		if (part_of(n) > 0)
			real->fill(m, off, c, part_of(n), how);
		die(STEP_FILL, part_of(n) > 0);
	}
	real->fill(m, off, c, n, how);
}

#define COUNTED(name)							\
extern const PmBackend __real_backend_##name;				\
extern PmBackend __wrap_backend_##name;					\
PmBackend __wrap_backend_##name;					\
static void name##_write(PmMedium *m, uint64_t off, const void *src,	\
			 size_t n, unsigned how)			\
{									\
	count_write(&__real_backend_##name, m, off, src, n, how);	\
}									\
static void name##_fill(PmMedium *m, uint64_t off, int c, size_t n,	\
			unsigned how)					\
{									\
	count_fill(&__real_backend_##name, m, off, c, n, how);		\
}									\
static void name##_flush(PmMedium *m, uint64_t off, size_t n)		\
{									\
	step(STEP_FLUSH);						\
	__real_backend_##name.flush(m, off, n);				\
}									\
static int name##_fence(PmMedium *m)					\
{									\
	step(STEP_FENCE);						\
	return __real_backend_##name.fence(m);				\
}									\
static int name##_grow(PmMedium *m, uint64_t size)			\
{									\
	step(STEP_GROW);						\
	return __real_backend_##name.grow(m, size);			\
}									\
__attribute__((constructor)) static void name##_fill_in(void)		\
{									\
	__wrap_backend_##name = __real_backend_##name;			\
	__wrap_backend_##name.write = name##_write;			\
	__wrap_backend_##name.fill = name##_fill;			\
	__wrap_backend_##name.flush = name##_flush;			\
	__wrap_backend_##name.fence = name##_fence;			\
	__wrap_backend_##name.grow = name##_grow;			\
}

COUNTED(shm)
COUNTED(file)
COUNTED(dax)

#define CALL(type, name, params, args)					\
type __real_##name params;						\
type __wrap_##name params;						\
type __wrap_##name params						\
{									\
	step(STEP_FILE);						\
	return __real_##name args;					\
}

CALL(int, ftruncate, (int fd, off_t len), (fd, len))
CALL(int, fallocate, (int fd, int mode, off_t off, off_t len),
     (fd, mode, off, len))
CALL(int, fsync, (int fd), (fd))
CALL(int, fdatasync, (int fd), (fd))
CALL(int, msync, (void *p, size_t n, int flags), (p, n, flags))
CALL(int, link, (const char *from, const char *to), (from, to))
CALL(int, linkat, (int from_dir, const char *from, int to_dir, const char *to,
		   int flags), (from_dir, from, to_dir, to, flags))
CALL(int, unlink, (const char *path), (path))
CALL(ssize_t, sendfile, (int to, int from, off_t *off, size_t n),
     (to, from, off, n))
