/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * layout.h: every byte that libpmheap keeps on a medium.
 *
 *	0		header copy 0			PM_HDR_SIZE
 *	PM_HDR_SIZE	header copy 1			PM_HDR_SIZE
 *	PM_CKPT_OFF	checkpoint records 0 and 1	PM_CKPT_AREA
 *	PM_LANES_OFF	lanes				n_lanes * lane_size
 *	zone 0 ...	descriptors, bitmaps, spill area, extents
 *	zone 1 ...	appended by growth
 *
 * Integers are little-endian; offsets are bytes from the start of the region;
 * reserved fields are zero. pmheap_format(5) is the normative description.
 */
#ifndef PMHEAP_LAYOUT_H
#define PMHEAP_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#define PM_MAGIC	"PMHEAP\r\n"
#define PM_MAGIC_LEN	8
/* Stands in header copy 0 for the magic until a new pool is whole. */
#define PM_MAKING	"PMMAKING"
#define PM_BYTE_ORDER	0x01020304u
#define PM_FORMAT	1u

/* Bits of the feature masks that this version knows. */
#define PM_COMPAT_KNOWN		0u
#define PM_RO_COMPAT_KNOWN	0u
#define PM_INCOMPAT_KNOWN	0u

/* Generations, sequence numbers and log positions: numbers that only grow. */
#define PM_COUNT_MAX	(1ull << 62)

#define PM_LINE		64u		/* cache line, unit of log positions */
#define PM_PAGE		4096u

#define PM_HDR_SIZE	16384u
#define PM_CKPT_OFF	(2 * PM_HDR_SIZE)
#define PM_CKPT_AREA	4096u
#define PM_CKPT_STRIDE	2048u
#define PM_LANES_OFF	(PM_CKPT_OFF + PM_CKPT_AREA)

#define PM_NUMBERS_MAX	1024		/* region numbers, 0 is never used */
#define PM_ZONES_MAX	64
#define PM_LOST_MAX	128
#define PM_PEERS_MAX	8
#define PM_LANES_MAX	64
#define PM_LAYOUT_MAX	64

#define PM_SIZE_MIN	(1u << 20)
#define PM_LANE_MIN	(8u << 10)
#define PM_LANE_MAX	(64u << 20)

#define PM_EXTENT_MIN	4096u
#define PM_EXTENT_MAX	65536u

/* A zone: n_ext extents and, before them, their metadata. */
struct pm_zone {
	uint64_t off;		/* of the zone: the descriptors              */
	uint64_t len;		/* whole zone in bytes                       */
	uint64_t n_ext;		/* number of extents                         */
	uint64_t used_hi;	/* extents at or above were never used       */
};

/* Sequence numbers first..last never committed (lib/tx/multi.c). */
struct pm_lost {
	uint64_t first;
	uint64_t last;
};

/* A region that took part in transactions with this one. */
struct pm_peer {
	uint64_t id;
	char	 path[248];	/* absolute, where it was last; NUL-filled   */
};

struct pm_header {
	uint8_t	 magic[8];
	uint32_t byte_order;	/* PM_BYTE_ORDER                             */
	uint32_t format;	/* PM_FORMAT                                 */
	uint64_t checksum;	/* of all PM_HDR_SIZE bytes but this field   */
	uint64_t gen;		/* the valid copy with the higher one rules  */
	uint64_t compat;
	uint64_t ro_compat;
	uint64_t incompat;
	uint64_t id;		/* region id, never 0                        */
	uint64_t window_base;	/* geometry of normal pointers               */
	uint32_t window_bits;	/* k                                         */
	uint32_t number_bits;	/* n                                         */
	uint64_t size;
	uint64_t max_size;
	uint32_t extent_size;
	uint32_t n_lanes;
	uint64_t lane_size;
	uint64_t root_off;	/* 0: no root                                */
	uint64_t root_size;	/* bytes asked for                           */
	uint64_t created;	/* seconds since 1970                        */
	uint32_t n_zones;
	uint32_t n_lost;
	uint64_t lost_floor;	/* below it lost[] is incomplete             */
	uint32_t n_peers;
	uint32_t reserved0;
	char	 layout[PM_LAYOUT_MAX];
	uint8_t	 reserved1[32];
	struct pm_zone zone[PM_ZONES_MAX];
	struct pm_lost lost[PM_LOST_MAX];
	struct pm_peer peer[PM_PEERS_MAX];
	uint64_t idmap[PM_NUMBERS_MAX];	/* region number -> region id        */
	uint64_t pinned[PM_NUMBERS_MAX / 64];	/* bit: pointers in this region
						   use that number           */
	uint8_t	 reserved2[PM_HDR_SIZE - 256 - 3 * 2048 - 8192 - 128];
};

#define PM_CKPT_MAGIC	0x54504b434d50ull	/* "PMCKPT" */
#define PM_CKPT_CLEAN	1u	/* closed: the log is empty                  */
#define PM_CKPT_PREFIX	2u	/* replay only up to the first gap           */
#define PM_CKPT_KNOWN	3u

/* Everything up to watermark is in place; the log starts at head[]. */
struct pm_ckpt {
	uint64_t magic;
	uint64_t gen;		/* the valid record with the higher rules    */
	uint64_t watermark;
	uint64_t next_seq;	/* first sequence number of this opening     */
	uint64_t nonce;		/* of this opening; seeds entry checksums    */
	uint64_t header_gen;	/* a header older than this is stale         */
	uint32_t flags;		/* PM_CKPT_*                                 */
	uint32_t n_lanes;
	uint64_t head[PM_LANES_MAX];	/* log position of each lane         */
	uint64_t checksum;	/* of all above                              */
};

/*
 * A redo-log entry: this header, then records. It starts at a multiple of
 * PM_LINE and may wrap around the end of its lane. The checksum covers the
 * records, seeded by the nonce, lane, position, seq, len and n_rec.
 */
struct pm_entry {
	uint64_t seq;
	uint64_t checksum;
	uint32_t len;		/* bytes with this header, multiple of 8     */
	uint32_t n_rec;
};

/* Records: tag = type << 56 | region offset (or what the type says). */
struct pm_rec {
	uint64_t tag;
	uint64_t arg;
};

enum {
	PM_REC_WRITE = 1,	/* arg: bytes; payload follows, padded to 8  */
	PM_REC_FILL,		/* arg: byte value << 56 | bytes             */
	PM_REC_ALLOC,		/* arg: slot << 40 | class << 32 | type      */
	PM_REC_FREE,		/* the same                                  */
	PM_REC_FREEMASK,	/* off: slab; arg as FREE with slot = first
				   word << 12 | words; payload: words to clear */
	PM_REC_RUN,		/* arg: extents << 32 | type                 */
	PM_REC_RUNFREE,		/* the same                                  */
	PM_REC_RELEASE,		/* off: an empty slab; arg as FREE, slot 0   */
	PM_REC_ROOT,		/* off: root, arg: bytes                     */
	PM_REC_ZONE,		/* off: zone, arg: its length                */
	PM_REC_IDMAP,		/* off: pinned << 16 | number, arg: region id */
	PM_REC_PEER,		/* arg: 256; payload: struct pm_peer         */
	PM_REC_PART,		/* off: 0, arg: bytes; payload: struct pm_part[] */
	PM_REC_SPILL,		/* off: records there; arg: bytes;
				   payload: checksum                         */
	PM_REC_ALLOCMASK,	/* as FREEMASK; payload: words to set        */
	PM_REC_LAST
};

/* A participant of a transaction over several regions. */
struct pm_part {
	uint64_t id;
	uint64_t seq;
};

/* Extent descriptor; kind 0 and all zero: free, or not the first of a group. */
#define PM_EXT_FREE	0u
#define PM_EXT_SLAB	1u
#define PM_EXT_RUN	2u

struct pm_desc {
	uint8_t	 kind;
	uint8_t	 class_idx;	/* slab: size class                          */
	uint16_t reserved;
	uint32_t n_ext;		/* extents of this slab or run               */
	uint32_t type;
	uint32_t reserved1;
};

/* Bytes of bitmap per extent: one bit for each 16 bytes. */
#define PM_BITMAP_BYTES(ext_size) ((ext_size) / 128)
/* Bytes of spill area per extent: holds its bitmap and two records. */
#define PM_SPILL_BYTES(ext_size) ((ext_size) / 128 + 32)
/* All metadata per extent. */
#define PM_META_BYTES(ext_size)						\
	(sizeof(struct pm_desc) + PM_BITMAP_BYTES(ext_size) +		\
	 PM_SPILL_BYTES(ext_size))

#define PM_TAG(type, off) ((uint64_t)(type) << 56 | (uint64_t)(off))
#define PM_TAG_TYPE(tag) ((unsigned)((tag) >> 56))
#define PM_TAG_OFF(tag) ((tag) & 0x00ffffffffffffffull)

_Static_assert(sizeof(struct pm_zone) == 32, "zone");
_Static_assert(sizeof(struct pm_lost) == 16, "lost");
_Static_assert(sizeof(struct pm_peer) == 256, "peer");
_Static_assert(sizeof(struct pm_header) == PM_HDR_SIZE, "header");
_Static_assert(offsetof(struct pm_header, checksum) == 16, "header.checksum");
_Static_assert(offsetof(struct pm_header, gen) == 24, "header.gen");
_Static_assert(offsetof(struct pm_header, id) == 56, "header.id");
_Static_assert(offsetof(struct pm_header, window_base) == 64, "header.window");
_Static_assert(offsetof(struct pm_header, size) == 80, "header.size");
_Static_assert(offsetof(struct pm_header, extent_size) == 96, "header.extent");
_Static_assert(offsetof(struct pm_header, lane_size) == 104, "header.lane");
_Static_assert(offsetof(struct pm_header, root_off) == 112, "header.root");
_Static_assert(offsetof(struct pm_header, n_zones) == 136, "header.n_zones");
_Static_assert(offsetof(struct pm_header, lost_floor) == 144, "header.floor");
_Static_assert(offsetof(struct pm_header, layout) == 160, "header.layout");
_Static_assert(offsetof(struct pm_header, zone) == 256, "header.zone");
_Static_assert(offsetof(struct pm_header, lost) == 256 + 2048, "header.lost");
_Static_assert(offsetof(struct pm_header, peer) == 256 + 4096, "header.peer");
_Static_assert(offsetof(struct pm_header, idmap) == 256 + 6144, "header.idmap");
_Static_assert(offsetof(struct pm_header, pinned) == 256 + 6144 + 8192,
	       "header.pinned");
_Static_assert(sizeof(struct pm_ckpt) == 576, "checkpoint");
_Static_assert(offsetof(struct pm_ckpt, head) == 56, "checkpoint.head");
_Static_assert(offsetof(struct pm_ckpt, checksum) == 568, "checkpoint.sum");
_Static_assert(sizeof(struct pm_ckpt) <= PM_CKPT_STRIDE, "checkpoint stride");
_Static_assert(sizeof(struct pm_entry) == 24, "entry");
_Static_assert(offsetof(struct pm_entry, checksum) == 8, "entry.checksum");
_Static_assert(offsetof(struct pm_entry, len) == 16, "entry.len");
_Static_assert(sizeof(struct pm_rec) == 16, "record");
_Static_assert(sizeof(struct pm_part) == 16, "participant");
_Static_assert(sizeof(struct pm_desc) == 16, "descriptor");
_Static_assert(offsetof(struct pm_desc, n_ext) == 4, "descriptor.n_ext");
_Static_assert(PM_CKPT_OFF % PM_PAGE == 0 && PM_LANES_OFF % PM_PAGE == 0,
	       "areas are page-aligned");
_Static_assert(PM_REC_LAST <= 256, "record types fit a byte");

#endif
