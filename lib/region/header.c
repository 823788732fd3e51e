/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * header.c: the two header copies and the two checkpoint records. Nothing read
 * from a medium is used before it is judged here (I7).
 */
#include "region/region.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#define SEED_HDR 0x5045524d48445221ull
#define SEED_CKPT 0x5045524d434b5054ull

static uint64_t header_sum(const struct pm_header *h)
{
	return checksum_skip(h, sizeof(*h),
			     offsetof(struct pm_header, checksum), SEED_HDR);
}

const char *region_name(const struct region *r)
{
	return r->md.path ? r->md.path : "(volatile region)";
}

uint64_t header_zone_off(const struct pm_header *h)
{
	return round_up(PM_LANES_OFF + h->n_lanes * h->lane_size, PM_PAGE);
}

void header_bounds(struct region *r)
{
	const struct pm_zone *z = &r->hdr->zone[0];

	r->zone_off = header_zone_off(r->hdr);
	r->data_hi = z->off + z->len;
	r->data_lo = r->data_hi - z->n_ext * r->hdr->extent_size;
}

static uint32_t default_extent(uint64_t max_size)
{
	if (max_size < (16u << 20))
		return PM_EXTENT_MIN;
	return max_size < (64u << 20) ? 16384 : PM_EXTENT_MAX;
}

static int format_lanes(struct pm_header *h, const PmWrapperConfig *c)
{
	uint64_t all = min_u64(max_u64(c->size / 96, 32 << 10), 16u << 20);
	uint64_t n = c->lanes;

	if (c->lane_size > PM_LANE_MAX)
		return err_set(EINVAL, "lane_size: %zu is more than 64 MiB",
			       c->lane_size);
	if (n > PM_LANES_MAX)
		return err_set(EINVAL, "lanes: %u is more than %u", c->lanes,
			       PM_LANES_MAX);
	if (n == 0)
		n = min_u64(max_u64(all / (64 << 10), 4), 16);
	h->n_lanes = (uint32_t)n;
	h->lane_size = c->lane_size ? round_up(c->lane_size, PM_PAGE)
				    : all / n / PM_PAGE * PM_PAGE;
	if (h->lane_size < PM_LANE_MIN)
		h->lane_size = PM_LANE_MIN;
	if (n * h->lane_size > c->size / 2)
		return err_set(EINVAL, "%u lanes of %zu bytes are too much for "
			       "a pool of %zu bytes",
			       h->n_lanes, (size_t)h->lane_size, c->size);
	return 0;
}

/* A new header, without zones. */
int header_format(struct pm_header *h, const PmWrapperConfig *c)
{
	memset(h, 0, sizeof(*h));
	memcpy(h->magic, PM_MAGIC, PM_MAGIC_LEN);
	h->byte_order = PM_BYTE_ORDER;
	h->format = PM_FORMAT;
	h->gen = 1;
	h->id = random_id();
	h->window_base = window.base;
	h->window_bits = window.bits;
	h->number_bits = window.number_bits;
	h->extent_size = default_extent(max_u64(c->max_size, c->size));
	h->size = c->size / h->extent_size * h->extent_size;
	h->max_size = max_u64(c->max_size / h->extent_size * h->extent_size,
			      h->size);
	h->created = (uint64_t)time(NULL);
	if (c->layout)
		strncpy(h->layout, c->layout, PM_LAYOUT_MAX - 1);
	return format_lanes(h, c);
}

void header_write(struct region *r, int copy)
{
	struct pm_header *h = r->hdr;

	h->checksum = header_sum(h);
	med_write(&r->md, (uint64_t)copy * PM_HDR_SIZE, h, sizeof(*h),
		  PM_WRITE_FLUSH);
}

void header_write_unmarked(struct region *r)
{
	const uint8_t *h = (const uint8_t *)r->hdr;

	header_write(r, 1);
	med_write(&r->md, PM_MAGIC_LEN, h + PM_MAGIC_LEN,
		  PM_HDR_SIZE - PM_MAGIC_LEN, PM_WRITE_FLUSH);
}

void header_mark(struct region *r, const char *mark)
{
	uint64_t word;

	memcpy(&word, mark, PM_MAGIC_LEN);
	med_write(&r->md, 0, &word, PM_MAGIC_LEN, PM_WRITE_FLUSH);
}

enum verdict { GOOD, FOREIGN, BAD_SUM, OTHER_ORDER, NEWER };

static enum verdict judge(const struct pm_header *h)
{
	if (memcmp(h->magic, PM_MAGIC, PM_MAGIC_LEN))
		return FOREIGN;
	if (h->checksum == header_sum(h))
		return h->byte_order != PM_BYTE_ORDER ? OTHER_ORDER
		       : h->format > PM_FORMAT ? NEWER : GOOD;
	/* A future format may sum up its header in another way. */
	if (h->byte_order == __builtin_bswap32(PM_BYTE_ORDER))
		return OTHER_ORDER;
	if (h->byte_order == PM_BYTE_ORDER && h->format > PM_FORMAT &&
	    h->format < 0x10000)
		return NEWER;
	return BAD_SUM;
}

static int check_version(const struct pm_header *h, const char *path,
			 bool readonly)
{
	if (h->format == 0)
		return err_set(EUCLEAN, "%s: damaged: format version 0", path);
	if ((h->incompat & ~(uint64_t)PM_INCOMPAT_KNOWN) ||
	    (!readonly && (h->ro_compat & ~(uint64_t)PM_RO_COMPAT_KNOWN)))
		return err_set(EPROTONOSUPPORT, "%s: uses features that this "
			       "version of libpmheap does not know (incompat "
			       "%#llx, ro_compat %#llx)", path,
			       (unsigned long long)h->incompat,
			       (unsigned long long)h->ro_compat);
	if (h->window_base != window.base || h->window_bits != window.bits ||
	    h->number_bits != window.number_bits)
		return err_set(EPROTONOSUPPORT, "%s: its pointers were written "
			       "under another address window (base %#llx, k "
			       "%u, n %u; this process has %#llx, %u, %u)",
			       path, (unsigned long long)h->window_base,
			       h->window_bits, h->number_bits,
			       (unsigned long long)window.base, window.bits,
			       window.number_bits);
	return 0;
}

static int check_sizes(const struct pm_header *h, const struct medium *md,
		       const char *path)
{
	uint64_t ext = h->extent_size;

	if (h->gen > PM_COUNT_MAX)
		return err_set(EUCLEAN, "%s: damaged: header generation %llu",
			       path, (unsigned long long)h->gen);
	if (h->id == 0 || h->size < PM_SIZE_MIN || h->size % PM_PAGE ||
	    h->max_size < h->size || h->max_size % PM_PAGE ||
	    window_slots(h->max_size) >= 1u << h->number_bits ||
	    h->max_size > 1ull << h->window_bits)
		return err_set(EUCLEAN, "%s: damaged: impossible size in its "
			       "header", path);
	if (md->m.size < h->size)
		return err_set(EUCLEAN, "%s: damaged: the file has %llu bytes, "
			       "but the pool %llu; it was truncated", path,
			       (unsigned long long)md->m.size,
			       (unsigned long long)h->size);
	if (ext < PM_EXTENT_MIN || ext > PM_EXTENT_MAX || (ext & (ext - 1)) ||
	    h->size % ext || h->max_size % ext)
		return err_set(EUCLEAN, "%s: damaged: extent size %u", path,
			       h->extent_size);
	if (h->n_lanes == 0 || h->n_lanes > PM_LANES_MAX ||
	    h->lane_size < PM_LANE_MIN || h->lane_size > PM_LANE_MAX ||
	    h->lane_size % PM_PAGE || header_zone_off(h) >= h->size)
		return err_set(EUCLEAN, "%s: damaged: impossible lanes in its "
			       "header", path);
	return 0;
}

static int check_zones(const struct pm_header *h, const char *path)
{
	uint64_t at = header_zone_off(h), ext = h->extent_size;
	uint32_t i;

	if (h->n_zones == 0 || h->n_zones > PM_ZONES_MAX)
		return err_set(EUCLEAN, "%s: damaged: %u zones", path,
			       h->n_zones);
	for (i = 0; i < h->n_zones; i++) {
		const struct pm_zone *z = &h->zone[i];
		uint64_t data;

		if (!range_in(z->off, z->len, at, h->size) ||
		    z->off % PM_PAGE || z->n_ext == 0 ||
		    z->n_ext > z->len / ext || z->used_hi > z->n_ext)
			goto bad;
		data = z->off + z->len - z->n_ext * ext;
		if (data % ext ||
		    data - z->off < z->n_ext * PM_META_BYTES(ext))
			goto bad;
		at = z->off + z->len;
	}
	return 0;
bad:
	return err_set(EUCLEAN, "%s: damaged: zone %u is outside the pool or "
		       "overlaps another", path, i);
}

static int check_tables(const struct pm_header *h, const char *path)
{
	uint32_t i;

	if (h->n_lost > PM_LOST_MAX || h->n_peers > PM_PEERS_MAX)
		return err_set(EUCLEAN, "%s: damaged: table length in its "
			       "header", path);
	for (i = 0; i < h->n_lost; i++)
		if (h->lost[i].first > h->lost[i].last ||
		    h->lost[i].last > PM_COUNT_MAX)
			break;
	if (i < h->n_lost || h->lost_floor > PM_COUNT_MAX)
		return err_set(EUCLEAN, "%s: damaged: table of lost sequence "
			       "numbers", path);
	for (i = 0; i < h->n_peers; i++)
		if (!memchr(h->peer[i].path, 0, sizeof(h->peer[i].path)))
			return err_set(EUCLEAN, "%s: damaged: path of a peer",
				       path);
	return 0;
}

int header_check_maps(const struct pm_header *h, const char *path)
{
	unsigned i, j;

	if (check_tables(h, path))
		return -1;
	for (i = 0; i < PM_NUMBERS_MAX; i++) {
		if (h->idmap[i] == 0)
			continue;
		if (i == 0 || i >= 1u << h->number_bits)
			goto bad;
		/* A region larger than a slot has consecutive numbers. */
		if (h->idmap[i] == h->idmap[i - 1])
			continue;
		for (j = 1; j < i; j++)
			if (h->idmap[j] == h->idmap[i])
				goto bad;
	}
	if (memchr(h->layout, 0, PM_LAYOUT_MAX) == NULL)
		return err_set(EUCLEAN, "%s: damaged: layout name", path);
	if (h->root_off && (!range_in(h->root_off, h->root_size,
				      header_zone_off(h), h->size) ||
			    h->root_off % 16))
		return err_set(EUCLEAN, "%s: damaged: the root object is "
			       "outside the pool", path);
	return 0;
bad:
	return err_set(EUCLEAN, "%s: damaged: the id-mapping table names "
		       "region %016llx twice or under a wrong number (%u)",
		       path, (unsigned long long)h->idmap[i], i);
}

/* How far a pool says it may grow; 0 if it does not say. Not to be trusted. */
uint64_t header_peek_max(int fd)
{
	struct pm_header h;
	uint64_t max = 0;
	int i;

	for (i = 0; i < 2; i++) {
		ssize_t n = pread(fd, &h, sizeof(h), (off_t)i * PM_HDR_SIZE);

		if (n == (ssize_t)sizeof(h) && judge(&h) == GOOD)
			max = max_u64(max, h.max_size);
	}
	return max > 1ull << window.bits ? 0 : max;
}

static int verdict_error(enum verdict a, enum verdict b, const char *path)
{
	if (a == NEWER || b == NEWER)
		return err_set(EPROTONOSUPPORT, "%s: its format is newer than "
			       "this version of libpmheap (%u) can read", path,
			       PM_FORMAT);
	if (a == OTHER_ORDER || b == OTHER_ORDER)
		return err_set(EPROTONOSUPPORT, "%s: was written on a machine "
			       "with another byte order", path);
	if (a == FOREIGN && b == FOREIGN)
		return err_set(EMEDIUMTYPE, "%s: not a libpmheap pool", path);
	return err_set(EUCLEAN, "%s: damaged: no header copy is intact", path);
}

/* What opening the pool reads, and the lanes, which are written soon. */
static int back_metadata(struct medium *md, const struct pm_header *h)
{
	uint64_t bitmap = PM_BITMAP_BYTES(h->extent_size);
	int ret = filemap_back(md, PM_LANES_OFF,
			       header_zone_off(h) - PM_LANES_OFF);
	uint32_t i;

	for (i = 0; i < h->n_zones && ret == 0; i++) {
		const struct pm_zone *z = &h->zone[i];

		ret = filemap_back(md, z->off, z->used_hi *
				   sizeof(struct pm_desc));
		if (ret == 0)
			ret = filemap_back(md, z->off + z->n_ext *
					   sizeof(struct pm_desc),
					   z->used_hi * bitmap);
	}
	return ret;
}

int header_read(struct medium *md, struct pm_header *h, int *copy,
		enum other_copy *other)
{
	const char *path = md->path ? md->path : "(region)";
	const struct pm_header *c[2];
	enum verdict v[2];
	int best;

	if (md->m.size < PM_HDR_SIZE)
		return err_set(EMEDIUMTYPE, "%s: not a libpmheap pool (only "
			       "%llu bytes)", path,
			       (unsigned long long)md->m.size);
	if (filemap_back(md, 0, PM_LANES_OFF))
		return -1;
	c[0] = (const void *)md->m.base;
	if (!memcmp(c[0]->magic, PM_MAKING, PM_MAGIC_LEN))
		return err_set(EMEDIUMTYPE, "%s: not a libpmheap pool: its "
			       "creation was cut off; PM_CREATE makes it anew",
			       path);
	v[0] = judge(c[0]);
	v[1] = FOREIGN;
	c[1] = c[0];
	if (md->m.size >= PM_LANES_OFF) {
		c[1] = (const void *)(md->m.base + PM_HDR_SIZE);
		v[1] = judge(c[1]);
	} else if (v[0] == GOOD) {
		return err_set(EUCLEAN, "%s: damaged: truncated to %llu bytes",
			       path, (unsigned long long)md->m.size);
	}
	if (v[0] != GOOD && v[1] != GOOD)
		return verdict_error(v[0], v[1], path);
	best = v[0] != GOOD || (v[1] == GOOD && c[1]->gen > c[0]->gen);
	memcpy(h, c[best], sizeof(*h));
	*copy = best;
	*other = v[!best] != GOOD ? COPY_DAMAGED :
		 c[!best]->gen != h->gen ? COPY_STALE : COPY_SAME;
	if (check_version(h, path, md->m.flags & (PM_RDONLY | PM_SCRATCH)) ||
	    check_sizes(h, md, path) || check_zones(h, path))
		return -1;
	return header_check_maps(h, path) ? -1 : back_metadata(md, h);
}

bool ckpt_read(const uint8_t *home, struct pm_ckpt *out, int *slot)
{
	bool found = false;
	int i;

	for (i = 0; i < 2; i++) {
		struct pm_ckpt c;

		memcpy(&c, home + PM_CKPT_OFF + (size_t)i * PM_CKPT_STRIDE,
		       sizeof(c));
		if (c.magic != PM_CKPT_MAGIC ||
		    c.checksum != checksum(&c, offsetof(struct pm_ckpt,
							checksum), SEED_CKPT))
			continue;
		if (!found || c.gen > out->gen) {
			*out = c;
			*slot = i;
			found = true;
		}
	}
	return found;
}

void ckpt_write(struct medium *md, const struct pm_ckpt *c, int slot)
{
	struct pm_ckpt out = *c;

	out.magic = PM_CKPT_MAGIC;
	out.checksum = checksum(&out, offsetof(struct pm_ckpt, checksum),
				SEED_CKPT);
	med_write(md, PM_CKPT_OFF + (uint64_t)slot * PM_CKPT_STRIDE, &out,
		  sizeof(out), PM_WRITE_FLUSH);
}
