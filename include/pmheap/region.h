/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pmheap/region.h: opening and closing regions, and their root objects.
 *
 * A region is one heap in one medium. One region is the primary; it is open
 * from pm_init() to pm_close() or exit. Secondaries are opened and closed at
 * any time in between.
 */
#ifndef PMHEAP_REGION_H
#define PMHEAP_REGION_H

#include <pmheap/base.h>

typedef struct PmBackend PmBackend;	/* pmheap/backend.h */

/* Region number of the primary. */
#define PM_PRIMARY 1

/* PmWrapperConfig.flags */
#define PM_CREATE	0x0001u	/* create the file if it does not exist      */
#define PM_EXCL		0x0002u	/* with PM_CREATE: EEXIST if it exists       */
#define PM_RDONLY	0x0004u	/* never written; any number side by side    */
#define PM_SCRATCH	0x0008u	/* read-write, nothing is ever saved         */
#define PM_ASSUME_PMEM	0x0010u	/* use the dax backend's flush path although
				   MAP_SYNC is refused (testing, tmpfs)      */
#define PM_FLUSH_MANUAL	0x0020u	/* writes outside transactions become durable
				   at pm_flush() or the next commit          */
#define PM_RESIDENT	0x0040u	/* load the region into anonymous memory     */
#define PM_DONTFORK	0x0080u	/* children do not get the region's mapping:
				   fork() copies nothing                     */
#define PM_CATCH_SIGBUS	0x0100u	/* a file that somebody truncates gives EIO
				   from the next call, not SIGBUS; installs
				   a signal handler while the region is open */
#define PM_DEBUG_UNLOGGED 0x1000u /* slow: every TX_END and the closing tell the
				   logger (pmheap/log.h) of changed bytes
				   that were not logged                      */

/* PmWrapperConfig.durability */
#define PM_STRICT	0	/* durable when the call returns             */
#define PM_RELAXED	1	/* durable in groups, see flush_ms           */

/* Zero-initialise; unset fields mean the default. */
typedef struct PmWrapperConfig {
	const char	*path;		/* file; NULL: volatile region       */
	const char	*layout;	/* application's name for its data, at
					   most 63 bytes; checked on open    */
	size_t		 size;		/* bytes at creation, at least 1 MiB;
					   0: the file must exist            */
	size_t		 max_size;	/* growth limit in bytes, fixed at
					   creation; 0: fixed at size        */
	const PmBackend	*backend;	/* NULL: backend_name, the environment
					   variable PMHEAP_BACKEND, or chosen
					   from the medium                   */
	unsigned	 flags;		/* PM_CREATE ...                     */
	mode_t		 mode;		/* of a created file; 0: 0600        */
	const char	*backend_name;	/* "dax" "file" "shm" "volatile"     */
	unsigned	 durability;	/* PM_STRICT or PM_RELAXED           */
	unsigned	 flush_ms;	/* PM_RELAXED: group interval in ms;
					   0: 100                            */
	size_t		 work_budget;	/* bytes of DRAM for changed pages
					   above which a checkpoint gives back
					   pages; 0: no limit. If set, stores
					   belong inside transactions        */
	unsigned	 lanes;		/* at creation: redo-log lanes, 1..64;
					   0: from the size                  */
	size_t		 lane_size;	/* at creation: bytes of a lane;
					   0: from the size                  */
	const char *const *recover_with;/* NULL-terminated paths of regions that
					   took part in transactions with this
					   one, if they have moved           */
	uint64_t	 reserved[8];	/* must be zero                      */
} PmWrapperConfig;

PM_BEGIN_DECLS

/*
 * Opens (or with PM_CREATE creates) the primary region. Recovers it if it was
 * not closed. It is closed at exit by itself.
 *
 * Errors: EALREADY a primary is open; EINVAL bad config or other layout name;
 * ENOENT EACCES EISDIR ... as open(2); EEXIST with PM_EXCL; EBUSY another
 * process (named) has it open; EMEDIUMTYPE not a pool; EUCLEAN damaged;
 * EPROTONOSUPPORT newer format, other geometry or byte order; ENOTSUP the
 * backend asked for does not fit the medium; ENOSPC, ENOMEM; ENODEV recovery
 * needs another region that cannot be found (named); EADDRINUSE its pointers
 * were written while it was a secondary, under another number; EIO what had to
 * be written could not be made durable; EPERM in a forked child.
 * Not allowed inside a transaction (EINVAL). Durable on return.
 */
PM_API int pm_init(PmWrapperConfig config) PM_MUST_CHECK;

/*
 * Opens or creates a secondary region; same errors as pm_init(), and EINVAL
 * without a primary; EADDRINUSE if its normal pointers were written under
 * numbers that mean other regions under this primary; EEXIST if a region with
 * the same id is open already (a copy needs an id of its own: pm_reid()).
 * EMFILE if all region numbers are taken. Returns the region's number.
 */
PM_API int pm_init_sec(PmWrapperConfig config) PM_MUST_CHECK;

/*
 * Closes a secondary. EINVAL: not an open secondary; EBUSY: a transaction that
 * touches it is open; EIO: not everything could be made durable (it is closed
 * all the same). Pointers into it are invalid afterwards.
 */
PM_API int pm_close_sec(int region);

/* Closes all regions, secondaries first. EBUSY, EIO as pm_close_sec(). */
PM_API int pm_close(void);

/* Permanent id of an open region; 0 with EINVAL if it is not open. */
PM_API uint64_t pm_region_id(int region);

/* Number of the open region that ptr points into; 0 if none. Never fails. */
PM_API int pm_region_of(const void *ptr);

/* Does ptr point into an open region? Never fails. */
PM_API bool pm_is_pm(const void *ptr);

/*
 * The root object of the primary (or of a region): zeroed at first use, grown
 * (and zeroed beyond its old size; it may move) if size is larger than before.
 * size 0: the root as it is, NULL with ENOENT if there is none. Durable on
 * return, or with the commit inside a transaction. ENOMEM, EROFS, EINVAL.
 * Threads that make or grow the root inside transactions at the same time must
 * exclude each other; outside transactions the library does.
 */
PM_API void *pm_root(size_t size) PM_MUST_CHECK;
PM_API void *pm_root_in(int region, size_t size) PM_MUST_CHECK;

/*
 * Gives the closed pool at path a new random id, so that it can be opened
 * beside the pool that it was copied from. Errors as pm_init().
 */
PM_API int pm_reid(const char *path) PM_NONNULL(1) PM_MUST_CHECK;

/*
 * Copies the closed pool src to the new file dst, which gets an id of its own.
 * EEXIST: dst exists. Errors as pm_init(). dst is durable on return.
 */
PM_API int pm_clone(const char *src, const char *dst)
	PM_NONNULL(1, 2) PM_MUST_CHECK;

PM_END_DECLS

#endif
