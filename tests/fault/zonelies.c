/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zonelies.c: lies in checkpoint records, descriptors and bitmaps.
 */
#include "badpool.h"

#include "alloc/alloc.h"
#include "support.h"

static void both_checkpoints_zero(struct image *im)
{
	memset(im->bytes + PM_CKPT_OFF, 0, PM_CKPT_AREA);
}

#define CKPT(name, lie)							\
	static void name(struct image *im)				\
	{								\
		int slot;						\
									\
		for (slot = 0; slot < 2; slot++) {			\
			struct pm_ckpt *c = ckpt_of(im, slot);		\
									\
			lie;						\
		}							\
		seal(im);						\
	}

CKPT(ckpt_lanes_many, c->n_lanes = PM_LANES_MAX + 1)
CKPT(ckpt_lanes_other, c->n_lanes += 1)
CKPT(ckpt_header_newer, c->header_gen += 1000)
CKPT(ckpt_magic_other, c->magic ^= 1)
CKPT(ckpt_gen_huge, c->gen = PM_COUNT_MAX + 1)
CKPT(ckpt_watermark_huge, c->watermark = PM_COUNT_MAX + 1)
CKPT(ckpt_opening_before_the_first, c->next_seq = 0)
CKPT(ckpt_opening_after_the_watermark, c->next_seq = c->watermark + 2)
CKPT(ckpt_nonce_other, c->nonce ^= 1)
CKPT(ckpt_flags_unknown, c->flags |= 1u << 31)
CKPT(ckpt_head_unaligned, c->head[0] += 8)
CKPT(ckpt_head_huge, c->head[1] = PM_COUNT_MAX + PM_LINE)
CKPT(ckpt_head_of_no_lane, c->head[PM_LANES_MAX - 1] = 8)
CKPT(ckpt_rest_set, memset(c + 1, 0xff, PM_CKPT_STRIDE - sizeof *c))

static void ckpt_sums_wrong(struct image *im)
{
	ckpt_of(im, 0)->checksum ^= 1;
	ckpt_of(im, 1)->checksum ^= 1;
}

/* Whole, and equal, but older than the checkpoint that is. */
static void headers_of_before(struct image *im)
{
	header_of(im, 0)->gen = header_of(im, 1)->gen = 1;
	seal(im);
}

/* Descriptors of the first zone: kind finds the first of its kind. */
static struct pm_desc *first_of(struct image *im, unsigned kind)
{
	struct pm_header *h = header_of(im, 0);
	struct pm_desc *d = (void *)(im->bytes + h->zone[0].off);
	uint64_t i, z;

	for (z = 0; z < h->n_zones; z++) {
		d = (void *)(im->bytes + h->zone[z].off);
		for (i = 0; i < h->zone[z].n_ext; i++)
			if (d[i].kind == kind)
				return &d[i];
	}
	ck_abort_msg("no extent of kind %u", kind);
	return NULL;
}

#define DESC(name, kind_, lie)						\
	static void name(struct image *im)				\
	{								\
		struct pm_desc *d = first_of(im, (kind_));		\
									\
		lie;							\
	}

DESC(extent_kind_unknown, PM_EXT_SLAB, d->kind = 77)
DESC(extent_reserved_set, PM_EXT_SLAB, d->reserved = 1)
DESC(slab_class_unknown, PM_EXT_SLAB, d->class_idx = 255)
DESC(slab_length_zero, PM_EXT_SLAB, d->n_ext = 0)
DESC(slab_length_huge, PM_EXT_SLAB, d->n_ext = UINT32_MAX)
DESC(slab_overlaps_the_next, PM_EXT_SLAB, d->n_ext += 1)
DESC(run_length_zero, PM_EXT_RUN, d->n_ext = 0)
DESC(run_length_huge, PM_EXT_RUN, d->n_ext = UINT32_MAX)
DESC(run_beyond_its_zone, PM_EXT_RUN, d->n_ext = 1u << 20)

DESC(slab_type_huge, PM_EXT_SLAB, d->type = 1u << 31)
DESC(run_type_huge, PM_EXT_RUN, d->type = UINT32_MAX)
DESC(run_kind_unknown, PM_EXT_RUN, d->kind = 77)
DESC(run_with_a_class, PM_EXT_RUN, d->class_idx = 1)
DESC(extent_reserved_1_set, PM_EXT_RUN, d->reserved1 = 1)
DESC(free_extent_with_a_type, PM_EXT_FREE, d->type = 1)

/* The bitmap of the extent that this descriptor, of zone 0, is about. */
static uint64_t *bitmap_of(struct image *im, const struct pm_desc *d)
{
	const struct pm_header *h = header_of(im, 0);
	struct pm_desc *first = (void *)(im->bytes + h->zone[0].off);

	return (void *)((uint8_t *)(first + h->zone[0].n_ext) +
			(d - first) * PM_BITMAP_BYTES(h->extent_size));
}

/* Number i of the descriptors of zone 0, counted from the end. */
static struct pm_desc *last_of(struct image *im, uint64_t i)
{
	const struct pm_header *h = header_of(im, 0);

	return (struct pm_desc *)(im->bytes + h->zone[0].off) +
	       h->zone[0].n_ext - 1 - i;
}

static void object_beyond_its_slab(struct image *im)
{
	const struct pm_header *h = header_of(im, 0);

	bitmap_of(im, first_of(im, PM_EXT_SLAB))
		[PM_BITMAP_BYTES(h->extent_size) / 8 - 1] |= 1ull << 63;
}

/* So long are slabs of a class that there is none of; and nothing is in it. */
static void slab_class_unknown_of_no_length(struct image *im)
{
	uint32_t ext = header_of(im, 0)->extent_size;
	struct pm_desc *d = first_of(im, PM_EXT_SLAB);

	memset(bitmap_of(im, d), 0, PM_BITMAP_BYTES(ext));
	d->class_idx = (uint8_t)class_count(ext);
	d->n_ext = 0;
}

/* One that is free to the program, but will never be given to it. */
static void object_of_nobody(struct image *im)
{
	uint64_t *bits = bitmap_of(im, first_of(im, PM_EXT_SLAB));

	*bits |= *bits + 1;
}

static void object_in_a_free_extent(struct image *im)
{
	*bitmap_of(im, first_of(im, PM_EXT_FREE)) = 1;
}

/* The last extent is in use, and so much before it may have been. */
static void use_the_last(struct image *im)
{
	struct pm_desc *d = last_of(im, 0);
	int copy;

	for (copy = 0; copy < 2; copy++) {
		struct pm_zone *z = &header_of(im, copy)->zone[0];

		z->used_hi = z->n_ext;
	}
	seal(im);
	d->kind = PM_EXT_RUN;
	d->n_ext = 1;
}

static void object_between_used_extents(struct image *im)
{
	use_the_last(im);
	*bitmap_of(im, last_of(im, 1)) = 1;
}

static void type_between_used_extents(struct image *im)
{
	use_the_last(im);
	last_of(im, 1)->type = 1;
}

static void run_over_another(struct image *im)
{
	use_the_last(im);
	last_of(im, 1)->kind = PM_EXT_RUN;
	last_of(im, 1)->n_ext = 2;
}

/* The second zone begins with a run, so that zeros follow its descriptors. */
static void slab_beyond_its_zone(struct image *im)
{
	uint32_t ext = header_of(im, 0)->extent_size;
	struct pm_desc *d = NULL;
	unsigned idx = 0;
	int copy;

	for (copy = 0; copy < 2; copy++) {
		struct pm_zone *z = &header_of(im, copy)->zone[1];

		z->used_hi = z->n_ext;
		d = (struct pm_desc *)(im->bytes + z->off) + z->n_ext - 1;
	}
	seal(im);
	while (class_get(ext, idx).n_ext != 2)
		idx++;
	d->kind = PM_EXT_SLAB;
	d->class_idx = (uint8_t)idx;
	d->n_ext = 2;
}

/* Where a header can say that objects are, but no zone is. */
static void root_before_the_first_zone(struct image *im)
{
	int copy;

	for (copy = 0; copy < 2; copy++) {
		struct pm_header *h = header_of(im, copy);
		struct pm_zone *z = &h->zone[0];

		h->root_off = z->off;
		h->root_size = 16;
		z->off += PM_PAGE;
		z->len -= PM_PAGE;
		z->n_ext -= 32;
		z->used_hi = 0;
	}
	seal(im);
}

static void root_is_free(struct image *im)
{
	memset(bitmap_of(im, first_of(im, PM_EXT_SLAB)), 0,
	       PM_BITMAP_BYTES(header_of(im, 0)->extent_size));
}

/* What lies beyond used_hi is for a check to see, not for opening. */
static void cut_used(struct image *im)
{
	int copy;

	for (copy = 0; copy < 2; copy++) {
		struct pm_zone *z = &header_of(im, copy)->zone[0];

		z->used_hi = z->n_ext - 2;
	}
	seal(im);
}

static void extent_never_used_is_a_run(struct image *im)
{
	cut_used(im);
	last_of(im, 0)->kind = PM_EXT_RUN;
}

static void extent_never_used_has_objects(struct image *im)
{
	cut_used(im);
	*bitmap_of(im, last_of(im, 1)) = 1;
}

/* Replay may put it right, or find nothing to replay. */
#define CLOSED(field, name, expect) { field, #name, name, expect, true }
#define M(field, name, expect) { field, #name, name, expect, false }

const struct mutation zone_mutations[] = {
	M("pm_ckpt.magic", both_checkpoints_zero, EUCLEAN),
	M("pm_ckpt.magic", ckpt_magic_other, EUCLEAN),
	M("pm_ckpt.gen", ckpt_gen_huge, EUCLEAN),
	M("pm_ckpt.watermark", ckpt_watermark_huge, EUCLEAN),
	M("pm_ckpt.next_seq", ckpt_opening_before_the_first, EUCLEAN),
	M("pm_ckpt.next_seq", ckpt_opening_after_the_watermark, EUCLEAN),
	CLOSED("pm_ckpt.nonce", ckpt_nonce_other, 0),
	M("pm_ckpt.header_gen", ckpt_header_newer, EUCLEAN),
	M("pm_header.gen", headers_of_before, EUCLEAN),
	M("pm_ckpt.flags", ckpt_flags_unknown, EUCLEAN),
	M("pm_ckpt.n_lanes", ckpt_lanes_many, EUCLEAN),
	M("pm_ckpt.n_lanes", ckpt_lanes_other, EUCLEAN),
	M("pm_ckpt.head", ckpt_head_unaligned, EUCLEAN),
	M("pm_ckpt.head", ckpt_head_huge, EUCLEAN),
	M("pm_ckpt.head", ckpt_head_of_no_lane, 0),
	M("pm_ckpt.checksum", ckpt_sums_wrong, EUCLEAN),
	M("pm_ckpt", ckpt_rest_set, 0),
	CLOSED("pm_desc.kind", extent_kind_unknown, EUCLEAN),
	CLOSED("pm_desc.class_idx", slab_class_unknown, EUCLEAN),
	CLOSED("pm_desc.class_idx", run_with_a_class, EUCLEAN),
	CLOSED("pm_desc.reserved", extent_reserved_set, EUCLEAN),
	CLOSED("pm_desc.n_ext", slab_length_zero, EUCLEAN),
	CLOSED("pm_desc.n_ext", slab_length_huge, EUCLEAN),
	CLOSED("pm_desc.n_ext", slab_overlaps_the_next, EUCLEAN),
	CLOSED("pm_desc.n_ext", run_length_zero, EUCLEAN),
	CLOSED("pm_desc.n_ext", run_length_huge, EUCLEAN),
	CLOSED("pm_desc.n_ext", run_beyond_its_zone, EUCLEAN),
	CLOSED("pm_desc.type", slab_type_huge, EUCLEAN),
	CLOSED("pm_desc.type", run_type_huge, EUCLEAN),
	CLOSED("pm_desc.type", free_extent_with_a_type, EUCLEAN),
	CLOSED("pm_desc.reserved1", extent_reserved_1_set, EUCLEAN),
	CLOSED("bitmap", object_beyond_its_slab, EUCLEAN),
	CLOSED("bitmap", object_of_nobody, 0),
	CLOSED("bitmap", object_in_a_free_extent, EUCLEAN),
	CLOSED("bitmap", object_between_used_extents, EUCLEAN),
	CLOSED("pm_desc.type", type_between_used_extents, EUCLEAN),
	CLOSED("pm_desc.n_ext", run_over_another, EUCLEAN),
	CLOSED("pm_desc.n_ext", slab_beyond_its_zone, EUCLEAN),
	CLOSED("pm_desc.kind", run_kind_unknown, EUCLEAN),
	CLOSED("pm_desc.class_idx", slab_class_unknown_of_no_length, EUCLEAN),
	CLOSED("bitmap", root_is_free, EUCLEAN),
	CLOSED("pm_zone.off", root_before_the_first_zone, EUCLEAN),
	CLOSED("pm_zone.used_hi", extent_never_used_is_a_run, AT_CHECK),
	CLOSED("bitmap", extent_never_used_has_objects, AT_CHECK),
};

const size_t zone_mutations_n = T_N(zone_mutations);
