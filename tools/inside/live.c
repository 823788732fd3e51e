/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/inside/live.c: reads a pool's file without a lock, while a process may
 * be writing it, and follows its log.
 *
 * What can be relied on: the writer appends an entry to a lane before it
 * changes anything that the entry speaks of, and a lane's bytes from the heads
 * of the checkpoint record on are written over only after a newer record
 * stands in the file. So the lanes are read first and the record after them:
 * if the record's heads are not past the place that was reached, nothing was
 * missed. A torn or half-written entry, header or record has a wrong checksum.
 */
#include "inside/live.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TRIES 200		/* to read a header that is being written */

static void pause_ms(long ms)
{
	struct timespec t = {0, ms * 1000000};

	nanosleep(&t, NULL);
}

int live_read(const struct live *l, uint64_t off, void *buf, uint64_t n)
{
	uint8_t *to = buf;

	while (n) {
		ssize_t got = pread(l->r.md.m.fd, to, n, (off_t)off);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(errno, "%s: cannot read: %s",
				       region_name(&l->r), strerror(errno));
		if (got == 0)
			return err_set(EUCLEAN, "%s: damaged: the file ends at "
				       "%llu", region_name(&l->r),
				       (unsigned long long)off);
		to += got;
		off += (uint64_t)got;
		n -= (uint64_t)got;
	}
	return 0;
}

static int open_file(struct live *l, const char *path)
{
	struct stat st;

	l->r.md.path = strdup(path);
	if (!l->r.md.path)
		return err_set(ENOMEM, "out of memory");
	l->r.md.m.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (l->r.md.m.fd < 0 || fstat(l->r.md.m.fd, &st))
		return err_set(errno, "%s: cannot open: %s", path,
			       strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(S_ISDIR(st.st_mode) ? EISDIR : EINVAL,
			       "%s: not a regular file", path);
	return 0;
}

/* From a copy: what is judged must not change before it is used. */
static int read_head(struct live *l, uint8_t *copy)
{
	enum other_copy other;
	struct stat st;
	uint64_t n;
	int which;

	if (fstat(l->r.md.m.fd, &st))
		return err_set(errno, "%s: cannot look at it: %s",
			       region_name(&l->r), strerror(errno));
	l->file_size = (uint64_t)st.st_size;
	n = min_u64(l->file_size, PM_LANES_OFF);
	memset(copy, 0, PM_LANES_OFF);
	if (live_read(l, 0, copy, n))
		return -1;
	l->r.md.m.base = copy;
	l->r.md.m.size = l->file_size;
	l->r.md.m.flags = PM_RDONLY;
	if (header_read(&l->r.md, l->r.hdr, &which, &other))
		return -1;
	if (!ckpt_read(copy, &l->c, &which))
		return err_set(EUCLEAN, "%s: damaged: no checkpoint record is "
			       "intact", region_name(&l->r));
	l->r.id = l->r.hdr->id;
	l->r.zone_off = header_zone_off(l->r.hdr);
	return ckpt_check(&l->r, &l->c);
}

static int map_lanes(struct live *l)
{
	uint64_t len = header_zone_off(l->r.hdr);
	void *p;

	if (l->lanes && l->lanes_len == len)
		return 0;
	if (l->lanes) {
		guard_remove(l->lanes);
		munmap((void *)l->lanes, l->lanes_len);
		l->lanes = NULL;
	}
	p = mmap(NULL, len, PROT_READ, MAP_SHARED, l->r.md.m.fd, 0);
	if (p == MAP_FAILED)
		return err_set(errno, "%s: cannot map its log: %s",
			       region_name(&l->r), strerror(errno));
	l->lanes = p;
	l->lanes_len = len;
	guard_add(p, len, PROT_READ, &l->cut, POISON_CUT);
	return 0;
}

static void forget(struct live *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		found_free(&l->found[i]);
	l->n = 0;
}

/* The record that stands in the file now. */
static int read_ckpt(struct live *l, struct pm_ckpt *c)
{
	unsigned tries;
	int slot;

	for (tries = 0; tries < TRIES; tries++)
		if (ckpt_read(l->lanes, c, &slot))
			return c->nonce == l->c.nonce &&
			       c->n_lanes == l->c.n_lanes ? 0 : LIVE_LOST;
	return LIVE_LOST;
}

/* To judge the header took a while; a writer's lanes are full sooner. */
static void take_newer(struct live *l)
{
	struct pm_ckpt c;

	if (read_ckpt(l, &c) == 0 && ckpt_check(&l->r, &c) == 0)
		l->c = c;
}

static int begin_lanes(struct live *l)
{
	unsigned i;

	for (i = 0; i < l->c.n_lanes; i++) {
		l->pos[i] = l->c.head[i];
		l->last[i] = l->c.watermark;
		if (l->pos[i] % PM_LINE || l->pos[i] > PM_COUNT_MAX)
			return err_set(EUCLEAN, "%s: damaged: lane %u starts "
				       "at %llu", region_name(&l->r), i,
				       (unsigned long long)l->pos[i]);
	}
	return 0;
}

int live_begin(struct live *l)
{
	static uint8_t copy[PM_LANES_OFF] __attribute__((aligned(PM_PAGE)));
	unsigned tries = 0;

	forget(l);
	/* The header may be read half before and half after it was written. */
	while (read_head(l, copy)) {
		if (errno != EUCLEAN || ++tries == TRIES)
			return -1;
		pause_ms(1);
	}
	l->r.md.m.base = NULL;
	if (map_lanes(l))
		return -1;
	take_newer(l);
	return begin_lanes(l);
}

static const uint8_t *lane_base(const struct live *l, unsigned lane)
{
	return l->lanes + PM_LANES_OFF + lane * l->r.hdr->lane_size;
}

/* The whole entry at the place that was reached, or NULL. */
static struct pm_entry *entry_copy(struct live *l, unsigned lane)
{
	uint64_t size = l->r.hdr->lane_size, pos = l->pos[lane];
	uint64_t at = pos % size, first;
	struct pm_entry h, *e;

	memcpy(&h, lane_base(l, lane) + at, sizeof(h));
	if (h.seq <= l->last[lane] || h.seq > PM_COUNT_MAX ||
	    h.len < sizeof(h) || h.len % 8 ||
	    round_up(h.len, PM_LINE) > size)
		return NULL;
	e = malloc(h.len);
	if (!e)
		return NULL;
	first = min_u64(h.len, size - at);
	memcpy(e, lane_base(l, lane) + at, first);
	memcpy((uint8_t *)e + first, lane_base(l, lane), h.len - first);
	if (e->seq == h.seq && e->len == h.len &&
	    e->checksum == entry_sum(e, l->c.nonce, lane, pos))
		return e;
	free(e);
	return NULL;
}

static struct found *found_new(struct live *l)
{
	size_t cap = l->cap ? 2 * l->cap : 256;
	struct found *p;

	if (l->n == l->cap) {
		p = realloc(l->found, cap * sizeof(*p));
		if (!p)
			return NULL;
		l->found = p;
		l->cap = cap;
	}
	memset(&l->found[l->n], 0, sizeof(*l->found));
	return &l->found[l->n];
}

static int poll_lane(struct live *l, unsigned lane)
{
	struct pm_entry *e;
	struct found *f;
	int ret;

	while ((e = entry_copy(l, lane)) != NULL) {
		f = found_new(l);
		if (!f) {
			free(e);
			return err_set(ENOMEM, "out of memory");
		}
		f->seq = e->seq;
		f->pos = l->pos[lane];
		f->lane = lane;
		f->e = e;
		l->n++;
		ret = found_capture(l, f);
		if (ret)
			return ret;
		l->last[lane] = f->seq;
		l->pos[lane] += round_up(e->len, PM_LINE);
	}
	return 0;
}

int live_poll(struct live *l)
{
	struct pm_ckpt c;
	unsigned i;
	int ret = 0;

	for (i = 0; i < l->c.n_lanes && ret == 0; i++)
		ret = poll_lane(l, i);
	/* The lanes were read before the record is. */
	AO_nop_full();
	if (ret == 0)
		ret = read_ckpt(l, &c);
	for (i = 0; i < l->c.n_lanes && ret == 0; i++) {
		if (c.head[i] <= l->pos[i])
			continue;
		/* It went on meanwhile: it is there, or was written over. */
		ret = poll_lane(l, i);
		if (ret == 0 && c.head[i] > l->pos[i])
			ret = LIVE_LOST;
	}
	if (AO_load(&l->cut))
		return err_set(EUCLEAN, "%s: damaged: it was truncated",
			       region_name(&l->r));
	return ret;
}

int live_open(const char *path, struct live **out)
{
	struct live *l = calloc(1, sizeof(*l));
	int err;

	window_choose();
	*out = NULL;
	if (!l)
		return err_set(ENOMEM, "out of memory");
	l->r.md.m.fd = -1;
	l->r.hdr = aligned_alloc(PM_PAGE, PM_HDR_SIZE);
	if (!l->r.hdr)
		err_set(ENOMEM, "out of memory");
	if (!l->r.hdr || open_file(l, path) || live_begin(l)) {
		err = errno;
		live_close(l);
		errno = err;
		return -1;
	}
	*out = l;
	return 0;
}

void live_close(struct live *l)
{
	if (!l)
		return;
	forget(l);
	free(l->found);
	if (l->lanes) {
		guard_remove(l->lanes);
		munmap((void *)l->lanes, l->lanes_len);
	}
	if (l->r.md.m.fd >= 0)
		close(l->r.md.m.fd);
	free(l->r.md.path);
	free(l->r.hdr);
	free(l);
}

long live_holder(const struct live *l, bool *writes)
{
	return lock_holder(l->r.md.m.fd, writes);
}
