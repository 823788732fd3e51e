/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * be_dax.c: a file on a DAX file system. MAP_SYNC proves that a flushed line
 * is durable, file-system metadata included; without it the backend refuses
 * unless PM_ASSUME_PMEM says otherwise. libpmem picks the flush instruction
 * of this CPU, and none where caches are in the persistence domain.
 */
#include "persist/persist.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif
#include <libpmem.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MAP_SHARED_VALIDATE
#define MAP_SHARED_VALIDATE 0x03
#endif
#ifndef MAP_SYNC
#define MAP_SYNC 0x80000
#endif

/* A plain write of so many bytes is streamed past the cache: to fetch lines that
 * are written whole costs more than to wait until they have left. */
#define STREAM_MIN 1024

#define SYNCED (MAP_SHARED_VALIDATE | MAP_SYNC)

static int dax_map(PmMedium *m)
{
	m->priv = NULL;
	if (filemap_map(m, SYNCED) == 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != EINVAL)
		return -1;
	m->priv = m;		/* mapped without MAP_SYNC */
	if (m->flags & PM_ASSUME_PMEM)
		return filemap_map(m, 0);
	errno = ENOTSUP;
	return -1;
}

static int dax_grow(PmMedium *m, uint64_t size)
{
	return filemap_grow(m, size, m->priv ? 0 : SYNCED);
}

#ifdef __SSE2__
/* Whole lines, both sides aligned: most log entries are one or two. */
static void stream_lines(uint8_t *to, const uint8_t *from, size_t n)
{
	size_t i;

	for (i = 0; i < n; i += 16)
		_mm_stream_si128((__m128i *)(to + i),
				 _mm_load_si128((const __m128i *)(from + i)));
}
#endif

static void stream(uint8_t *to, const void *src, size_t n)
{
	pmem_memcpy(to, src, n,
		    PMEM_F_MEM_NONTEMPORAL | PMEM_F_MEM_NODRAIN);
}

static void dax_write(PmMedium *m, uint64_t off, const void *src, size_t n,
		      unsigned how)
{
#ifdef __SSE2__
	if (how == PM_WRITE_FLUSH && n % PM_LINE == 0 && n <= 1024 &&
	    ((uintptr_t)src | off) % PM_LINE == 0) {
		stream_lines(m->base + off, src, n);
		return;
	}
#endif
	if (how == PM_WRITE_FLUSH) {
		stream(m->base + off, src, n);
	} else if (n >= STREAM_MIN) {
		stream(m->base + off, src, n);
		/* ORDER: the bytes before what tells other threads of them, as
		 * these may flush and fence on our behalf; plain stores are in
		 * that order by themselves. */
		pmem_drain();
	} else {
		copy_words(m->base + off, src, n);
	}
}

static void dax_fill(PmMedium *m, uint64_t off, int c, size_t n, unsigned how)
{
	if (how == PM_WRITE_FLUSH)
		pmem_memset(m->base + off, c, n,
			    PMEM_F_MEM_NONTEMPORAL | PMEM_F_MEM_NODRAIN);
	else
		memset(m->base + off, c, n);
}

static void dax_flush(PmMedium *m, uint64_t off, size_t n)
{
	pmem_flush(m->base + off, n);
}

static int dax_fence(PmMedium *m)
{
	(void)m;
	/* ORDER: the backend's own fence; each caller states its order. */
	pmem_drain();
	return 0;
}

const PmBackend backend_dax = {
	.abi = PM_BACKEND_ABI,
	.traits = PM_BACKEND_CPU_FENCE,
	.name = "dax",
	.survives = PM_SURVIVES_POWER,
	.map = dax_map,
	.grow = dax_grow,
	.reserve = filemap_reserve,
	.unmap = filemap_unmap,
	.write = dax_write,
	.fill = dax_fill,
	.flush = dax_flush,
	.fence = dax_fence,
};
