/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sim.c: the recording backend. Only the public interface of backends is used.
 */
#define _GNU_SOURCE
#include "sim.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LANES_OFF 36864u	/* see pmheap_format(5) */
#define N_LANES_AT 100u
#define LANE_SIZE_AT 104u

struct journal sim_journal;

static struct trace *trace;
static unsigned fail_in;
static int media_fd[SIM_MEDIA];
/* The trace and the journal; a fence takes effect with its event. */
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;

static enum { NOBODY, COMING, STANDING } parking;
static pthread_cond_t parking_cv = PTHREAD_COND_INITIALIZER;
static _Thread_local unsigned park_in;
static _Thread_local unsigned me;

static uint8_t thread_number(void)
{
	static unsigned last;

	if (!me)
		me = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
	return (uint8_t)(me % 64);
}

/* Every call comes through here, and leaves by done(). */
static void enter(void)
{
	pthread_mutex_lock(&mu);
	if (park_in && --park_in == 0) {
		parking = STANDING;
		pthread_cond_broadcast(&parking_cv);
		while (parking == STANDING)
			pthread_cond_wait(&parking_cv, &mu);
	}
}

static void done(void)
{
	pthread_mutex_unlock(&mu);
}

static unsigned medium_of(const PmMedium *m)
{
	return (unsigned)((struct crash_image *)m->priv - sim_journal.image);
}

static struct trace_event *record(const PmMedium *m, enum trace_kind kind,
				  uint64_t off, uint64_t n)
{
	struct trace_event *e = trace_add(trace, kind, m ? medium_of(m) : 0,
					  off, n);

	e->thread = thread_number();
	return e;
}

static struct crash_image *find(const char *path)
{
	const char *name = path ? strrchr(path, '/') : NULL;

	if (!name || name[1] < 'a' || name[1] >= 'a' + SIM_MEDIA || name[2])
		return NULL;
	return &sim_journal.image[name[1] - 'a'];
}

/* Memory with a file beneath it, for the working copy to map. */
static void make_medium(struct crash_image *im)
{
	int fd = memfd_create("sim", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, SIM_ROOM))
		abort();
	im->bytes = mmap(NULL, SIM_ROOM, PROT_READ | PROT_WRITE, MAP_SHARED,
			 fd, 0);
	if (im->bytes == MAP_FAILED)
		abort();
	media_fd[im - sim_journal.image] = fd;
}

static int sim_map(PmMedium *m)
{
	struct crash_image *im = find(m->path);

	if (!im || (!im->size && !m->created)) {
		errno = ENOENT;
		return -1;
	}
	if (m->max_size > SIM_ROOM || m->size > SIM_ROOM) {
		errno = ENOSPC;
		return -1;
	}
	if (!im->bytes)
		make_medium(im);
	m->fd = fcntl(media_fd[im - sim_journal.image], F_DUPFD_CLOEXEC, 0);
	if (m->fd < 0)
		return -1;
	m->base = im->bytes;
	m->priv = im;
	if (im->size) {
		m->created = 0;
		m->size = im->size;
		return 0;
	}
	enter();
	if (trace)
		record(m, TRACE_GROW, 0, m->size);
	journal_resize(&sim_journal, medium_of(m), m->size);
	done();
	return 0;
}

static int sim_grow(PmMedium *m, uint64_t size)
{
	struct crash_image *im = m->priv;

	if (size > SIM_ROOM) {
		errno = ENOSPC;
		return -1;
	}
	enter();
	/* What a growth that did not commit left there is gone. */
	if (im->size > m->size)
		journal_resize(&sim_journal, medium_of(m), m->size);
	journal_resize(&sim_journal, medium_of(m), size);
	if (trace)
		record(m, TRACE_GROW, m->size, size);
	done();
	return 0;
}

static void sim_unmap(PmMedium *m)
{
	(void)m;
}

static void sim_write(PmMedium *m, uint64_t off, const void *src, size_t n,
		      unsigned how)
{
	enter();
	if (trace) {
		struct trace_event *e = record(m, TRACE_WRITE, off, n);

		e->how = (uint8_t)how;
		e->arg = trace_bytes(trace, src, n);
	}
	journal_put(&sim_journal, medium_of(m), off, src, n);
	done();
}

static void sim_fill(PmMedium *m, uint64_t off, int c, size_t n, unsigned how)
{
	enter();
	if (trace) {
		struct trace_event *e = record(m, TRACE_FILL, off, n);

		e->arg = (uint8_t)c;
		e->how = (uint8_t)how;
	}
	journal_fill(&sim_journal, medium_of(m), off, c, n);
	done();
}

static void sim_flush(PmMedium *m, uint64_t off, size_t n)
{
	enter();
	if (trace && n)
		record(m, TRACE_FLUSH, off, n);
	done();
}

static int sim_fence(PmMedium *m)
{
	int ret = 0;

	enter();
	if (fail_in && --fail_in == 0)
		ret = -1;
	else if (trace)
		record(m, TRACE_FENCE, 0, 0);
	done();
	if (ret)
		errno = EIO;
	return ret;
}

#define SIM_OPS							\
	.abi = PM_BACKEND_ABI,					\
	.survives = PM_SURVIVES_POWER,				\
	.map = sim_map,						\
	.grow = sim_grow,					\
	.unmap = sim_unmap,					\
	.write = sim_write,					\
	.fill = sim_fill,					\
	.flush = sim_flush,					\
	.fence = sim_fence

const PmBackend sim_lines = {
	.traits = PM_BACKEND_NO_FILE | PM_BACKEND_CPU_FENCE,
	.name = "sim",
	SIM_OPS,
};

const PmBackend sim_pages = {
	.traits = PM_BACKEND_NO_FILE,
	.name = "sim-pages",
	SIM_OPS,
};

void sim_reset(void)
{
	int i;

	for (i = 0; i < SIM_MEDIA; i++) {
		struct crash_image *im = &sim_journal.image[i];
		uint64_t lane_size;
		uint32_t n;

		if (!im->bytes)
			continue;
		memcpy(&n, im->bytes + N_LANES_AT, sizeof(n));
		memcpy(&lane_size, im->bytes + LANE_SIZE_AT, 8);
		im->quiet_lo = LANES_OFF;
		im->quiet_hi = LANES_OFF + n * lane_size;
		memset(im->bytes, 0, im->size);
		im->size = 0;
	}
	sim_journal.hash = (struct crash_hash){0, 0};
}

void sim_record(struct trace *t)
{
	trace = t;
}

void sim_mark(uint64_t lo, uint64_t hi, uint64_t arg)
{
	pthread_mutex_lock(&mu);
	if (trace)
		record(NULL, TRACE_MARK, lo, hi)->arg = arg;
	pthread_mutex_unlock(&mu);
}

void sim_fail_fence(unsigned nth)
{
	fail_in = nth;
}

void sim_expect(void)
{
	pthread_mutex_lock(&mu);
	parking = COMING;
	pthread_mutex_unlock(&mu);
}

void sim_park(unsigned nth)
{
	park_in = nth;
}

void sim_before_lock(const void *mutex)
{
	if (!park_in || mutex == &mu)
		return;
	enter();
	done();
}

void sim_unpark(void)
{
	park_in = 0;
	pthread_mutex_lock(&mu);
	parking = NOBODY;
	pthread_cond_broadcast(&parking_cv);
	pthread_mutex_unlock(&mu);
}

bool sim_wait_parked(void)
{
	bool stands;

	pthread_mutex_lock(&mu);
	while (parking == COMING)
		pthread_cond_wait(&parking_cv, &mu);
	stands = parking == STANDING;
	pthread_mutex_unlock(&mu);
	return stands;
}

void sim_release(void)
{
	pthread_mutex_lock(&mu);
	parking = NOBODY;
	pthread_cond_broadcast(&parking_cv);
	pthread_mutex_unlock(&mu);
}
