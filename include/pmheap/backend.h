/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pmheap/backend.h: the one door to a medium, for those who write a backend.
 *
 * The library reads a medium through `base` and changes it only through
 * write() and fill(). flush() starts making bytes durable, fence() finishes:
 * when fence() returns 0, everything that the calling thread wrote with
 * PM_WRITE_FLUSH or flushed before is durable.
 */
#ifndef PMHEAP_BACKEND_H
#define PMHEAP_BACKEND_H

#include <pmheap/base.h>

#define PM_BACKEND_ABI 1u

/* What durable means on a medium. */
#define PM_SURVIVES_NOTHING	0	/* dies with the process             */
#define PM_SURVIVES_PROCESS	1	/* survives kill -9, not the machine */
#define PM_SURVIVES_POWER	2	/* survives a power cut              */

/* PmBackend.traits */
#define PM_BACKEND_NO_FILE	0x1u	/* the library opens and locks no file:
					   map() finds the medium from path  */
#define PM_BACKEND_CPU_FENCE	0x2u	/* one fence() orders all media of this
					   backend (an instruction)          */
#define PM_BACKEND_NO_FLUSH	0x4u	/* flush() and PM_WRITE_FLUSH do nothing:
					   they need not be called           */

/* write() and fill(): how */
#define PM_WRITE_PLAIN	0u	/* flush() will follow, some time            */
#define PM_WRITE_FLUSH	1u	/* as if flush() followed: log entries       */

typedef struct PmMedium PmMedium;

struct PmMedium {
	const struct PmBackend *backend;
	const char *path;	/* NULL: none                                  */
	int	 fd;		/* locked file of size bytes, or -1            */
	unsigned flags;		/* PM_RDONLY PM_ASSUME_PMEM ... of the config  */
	uint8_t	*base;		/* set by map(): size readable bytes           */
	uint64_t size;		/* bytes; with PM_BACKEND_NO_FILE set by map() */
	uint64_t max_size;	/* bytes that grow() may be asked for; with
				   NO_FILE and an existing medium only what the
				   config says: the backend keeps its limit    */
	int	 created;	/* 1: map() must provide size zero bytes;
				   NO_FILE: map() clears it and sets size if
				   the medium exists already              */
	void	*priv;		/* the backend's own                           */
};

typedef struct PmBackend {
	uint32_t abi;		/* PM_BACKEND_ABI                              */
	uint32_t traits;
	const char *name;	/* at most 15 bytes                            */
	int	 survives;	/* PM_SURVIVES_*                               */

	/*
	 * Makes size bytes readable at base, which stays where it is up to
	 * max_size. 0, or -1 with errno (ENOTSUP: this medium cannot keep
	 * the promise of `survives`). With PM_BACKEND_NO_FILE and not created:
	 * finds the medium that path names (ENOENT) and sets size.
	 */
	int	(*map)(PmMedium *m);
	/* Makes the medium size bytes long, new bytes zero, durable. 0 or -1;
	 * EIO poisons the region: older bytes may not be durable either. May
	 * be called again for less when what followed a growth failed. */
	int	(*grow)(PmMedium *m, uint64_t size);
	/* Room on the medium for these bytes, so that writing them cannot fail
	 * for lack of it. 0 or -1 ENOSPC. May be NULL. */
	int	(*reserve)(PmMedium *m, uint64_t off, uint64_t n);
	void	(*unmap)(PmMedium *m);
	/* Aligned 8-byte words are stored whole. */
	void	(*write)(PmMedium *m, uint64_t off, const void *src, size_t n,
			 unsigned how);
	void	(*fill)(PmMedium *m, uint64_t off, int c, size_t n,
			unsigned how);
	void	(*flush)(PmMedium *m, uint64_t off, size_t n);
	/* 0; or -1 EIO: what this thread flushed may not be durable. */
	int	(*fence)(PmMedium *m);
} PmBackend;

PM_BEGIN_DECLS

/* A built-in backend by name ("dax" "file" "shm" "volatile"), or NULL EINVAL. */
PM_API const PmBackend *pm_backend(const char *name) PM_NONNULL(1);

PM_END_DECLS

#endif
