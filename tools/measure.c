/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/measure.c: times transactions in a pool of its own, and in turn with
 * them the least that the machine can do: to append as many bytes as the
 * transaction's log entry has to a plain file, and make them as durable.
 */
#include "measure.h"

#include <errno.h>
#include <fcntl.h>
#include <libpmem.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define POOL_SIZE ((size_t)32 << 20)
#define AREA_LEN ((size_t)8 << 20)
#define FILE_LEN ((size_t)4 << 20)

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t random_below(struct measure *m, uint64_t n)
{
	m->seed = m->seed * 6364136223846793005u + 1442695040888963407u;
	return (m->seed >> 33) % n;
}

static int change(struct measure *m, size_t len, unsigned n)
{
	TX_START {
		for (unsigned i = 0; i < n; i++) {
			char *p = (char *)m->area +
				  random_below(m, AREA_LEN / len) * len;

			pm_tx_add(p, len);
			memset(p, (int)m->seed, len);
		}
	} TX_END
	return pm_tx_errno();
}

static int word_run(struct measure *m)
{
	return change(m, 8, 1);
}

static int lines_run(struct measure *m)
{
	return change(m, 64, 8);
}

static int page_run(struct measure *m)
{
	return change(m, 4096, 1);
}

/* Two durable operations, so the floor is two appends. */
static int object_run(struct measure *m)
{
	void *p = pm_alloc(64);

	(void)m;
	if (!p)
		return errno;
	pm_free(p);
	return 0;
}

static int replace_run(struct measure *m)
{
	void **slot = (void **)m->area + random_below(m, 4096);

	TX_START {
		char *p = pm_alloc(64);

		if (p)
			memset(p, 1, 64);
		pm_free(*slot);
		TX_SET(*slot, p);
	} TX_END
	return pm_tx_errno();
}

const struct measure_work measure_works[] = {
	{ "word", "transaction that changes 8 bytes", word_run, 64 },
	{ "lines", "transaction that changes 8 lines of 64 bytes", lines_run,
	  704 },
	{ "page", "transaction that changes 4 KiB", page_run, 4160 },
	{ "object", "alloc and free of 64 bytes, two operations", object_run,
	  128 },
	{ "replace", "transaction: new object for an old one", replace_run,
	  192 },
	{ NULL, NULL, NULL, 0 },
};

static bool is_file(const struct measure *m)
{
	return strcmp(m->stats.backend, "file") == 0;
}

const char *measure_floor_text(const struct measure *m)
{
	if (is_file(m))
		return "write(2) of the bytes that must be logged, and "
		       "fdatasync(2)";
	if (strcmp(m->stats.backend, "dax") == 0)
		return "streaming stores of the bytes that must be logged, and "
		       "a fence";
	return "stores of the bytes that must be logged";
}

static int append(struct measure *m, size_t len)
{
	static const char bytes[8192];

	if (m->at + len > FILE_LEN)
		m->at = 0;
	if (is_file(m)) {
		if (pwrite(m->fd, bytes, len, (off_t)m->at) != (ssize_t)len ||
		    fdatasync(m->fd))
			return errno;
	} else if (strcmp(m->stats.backend, "dax") == 0) {
		pmem_memcpy(m->base + m->at, bytes, len,
			    PMEM_F_MEM_NONTEMPORAL);
	} else {
		memcpy(m->base + m->at, bytes, len);
		__asm__ volatile("" : : : "memory");
	}
	m->at += (len + 63) / 64 * 64;
	return 0;
}

/* For as long as a round takes; ns of one operation, or less than 0. */
static double round_run(struct measure *m, const struct measure_work *work,
			bool floor, uint64_t *n)
{
	uint64_t began = now_ns(), end = began + m->round_ms * 1000000ull;
	uint64_t count = 0, step = is_file(m) ? 1 : 64, now;

	do {
		for (uint64_t i = 0; i < step; i++)
			if (floor ? append(m, work->floor_len) : work->run(m))
				return -1;
		count += step;
		now = now_ns();
	} while (now < end);
	*n += count;
	return (double)(now - began) / (double)count;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void cost_set(struct cost *cost, double *ns, unsigned n)
{
	qsort(ns, n, sizeof *ns, compare);
	cost->median = ns[n / 2];
	cost->least = ns[0];
	cost->most = ns[n - 1];
}

int measure_run(struct measure *m, const struct measure_work *work,
		struct cost *cost, struct cost *floor)
{
	double ns[MEASURE_ROUNDS_MAX], floor_ns[MEASURE_ROUNDS_MAX];
	uint64_t warm = 0;

	*cost = *floor = (struct cost){ 0 };
	round_run(m, work, false, &warm);
	for (unsigned i = 0; i < m->rounds; i++) {
		ns[i] = round_run(m, work, false, &cost->n);
		if (ns[i] < 0)
			return tool_fail(errno, pm_errormsg(), "a transaction "
					 "failed in '%s'", m->dir);
		floor_ns[i] = round_run(m, work, true, &floor->n);
		if (floor_ns[i] < 0)
			return tool_fail(errno, NULL, "cannot write in '%s'",
					 m->dir);
	}
	cost_set(cost, ns, m->rounds);
	cost_set(floor, floor_ns, m->rounds);
	return TOOL_OK;
}

static int file_open(struct measure *m)
{
	m->fd = open(m->file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (m->fd < 0 || ftruncate(m->fd, FILE_LEN))
		return -1;
	for (uint64_t off = 0; off < FILE_LEN; off += 4096)
		if (pwrite(m->fd, m->dir, 4096, (off_t)off) != 4096)
			return -1;
	m->base = mmap(NULL, FILE_LEN, PROT_READ | PROT_WRITE, MAP_SHARED,
		       m->fd, 0);
	return m->base == MAP_FAILED || fsync(m->fd) ? -1 : 0;
}

static int pool_open(struct measure *m, const char *backend)
{
	PmWrapperConfig config = { .path = m->pool, .size = POOL_SIZE,
				   .flags = PM_CREATE | PM_EXCL,
				   .backend_name = backend };

	if (pm_init(config) || pm_stats(PM_PRIMARY, &m->stats))
		return -1;
	m->area = pm_calloc(1, AREA_LEN);
	/* A page that is written first is copied: not what is measured. */
	if (m->area)
		pm_fill(m->area, 0, AREA_LEN);
	return m->area ? 0 : -1;
}

int measure_begin(struct measure *m, const char *parent, const char *backend)
{
	memset(m, 0, sizeof *m);
	m->fd = -1;
	m->seed = 1;
	if ((size_t)snprintf(m->dir, sizeof m->dir, "%s/pmheap-measure-XXXXXX",
			     parent) >= sizeof m->dir)
		return tool_fail(ENAMETOOLONG, NULL, "cannot use '%s'", parent);
	if (!mkdtemp(m->dir)) {
		*m->dir = '\0';
		return tool_fail(errno, NULL, "cannot make a folder in '%s'",
				 parent);
	}
	snprintf(m->pool, sizeof m->pool, "%s/pool", m->dir);
	snprintf(m->file, sizeof m->file, "%s/file", m->dir);
	if (pool_open(m, backend))
		return tool_fail(errno, pm_errormsg(), "cannot make a pool in "
				 "'%s'", parent);
	if (file_open(m))
		return tool_fail(errno, NULL, "cannot make a file in '%s'",
				 parent);
	return TOOL_OK;
}

void measure_end(struct measure *m)
{
	(void)pm_close();
	if (m->base && m->base != MAP_FAILED)
		munmap(m->base, FILE_LEN);
	if (m->fd >= 0)
		close(m->fd);
	if (*m->dir) {
		unlink(m->pool);
		unlink(m->file);
		rmdir(m->dir);
	}
}
