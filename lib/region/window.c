/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * window.c: the address window and the working copies in it.
 *
 * 0x300000000000 + 16 TiB is free on x86-64 Linux plainly and under ASan,
 * UBSan, LSan and valgrind. ThreadSanitizer and MemorySanitizer leave only
 * 256 GiB at 0x550000000000; a process with one of them uses that window, and
 * pools record under which geometry their pointers were written.
 */
#include "region/region.h"

#include <string.h>
#include <sys/mman.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

struct window window = {0x300000000000ull, 44, 10, 34};

extern void __tsan_init(void) __attribute__((weak));
extern void __msan_init(void) __attribute__((weak));

static void choose(void)
{
	if (__tsan_init || __msan_init)
		window = (struct window){0x550000000000ull, 38, 4, 34};
}

void window_choose(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, choose);
}

unsigned window_slots(uint64_t max_size)
{
	return (unsigned)((max_size + window_slot_size() - 1) >>
			  window.slot_bits);
}

static int map_file(struct region *r, uint64_t off, uint64_t len)
{
	int prot = PROT_READ | PROT_WRITE;
	int flags = MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
	/* What a private region grew by is in no file. */
	bool anonymous = r->md.anonymous || (r->flags & PM_RESIDENT) ||
			 (r->private && off);
	int fd = anonymous ? -1 : r->md.m.fd;
	off_t at = anonymous ? 0 : (off_t)off;
	uint8_t *want = r->work + off;
	void *p;

	if (anonymous) {
		flags |= MAP_ANONYMOUS;
		prot = PROT_READ | PROT_WRITE;
	}
	p = mmap(want, len, prot, flags, fd, at);
	if (p == MAP_FAILED && errno == ENOMEM && !anonymous) {
		/* Strict overcommit: make it writable as it is used. */
		r->work_lazy = true;
		p = mmap(want, len, PROT_READ, flags, fd, at);
	}
	if (p == MAP_FAILED)
		return -1;
	if (p != want) {
		munmap(p, len);
		errno = EEXIST;
		return -1;
	}
	if (r->private && !anonymous)
		filemap_cover_holes(fd, p, len);
	if (r->flags & PM_DONTFORK)
		madvise(p, len, MADV_DONTFORK);
	if (anonymous) {
		if (r->flags & PM_RESIDENT)
			madvise(p, len, MADV_HUGEPAGE);
		memcpy(p, r->home + off, len);
	}
	return 0;
}

/* Metadata is not the program's: no access through the window. */
static void hide(struct region *r, uint64_t off, uint64_t len)
{
	mprotect(r->work + off, len, PROT_NONE);
}

static void hide_zone(struct region *r, const struct pm_zone *z)
{
	uint64_t ext = r->hdr->extent_size;
	uint64_t data = z->off + z->len - z->n_ext * ext;

	hide(r, z->off, data - z->off);
}

int window_extend(struct region *r, uint64_t old_size, uint64_t len)
{
	return map_file(r, old_size, len);
}

void window_shrink(struct region *r, uint64_t old_size, uint64_t len)
{
	munmap(r->work + old_size, len);
}

void window_hide(struct region *r, uint64_t from)
{
	uint32_t i;

	for (i = 0; i < r->hdr->n_zones; i++)
		if (r->hdr->zone[i].off >= from)
			hide_zone(r, &r->hdr->zone[i]);
}

int window_map(struct region *r)
{
	uint8_t *at;

	r->work = (uint8_t *)(window.base +
			      ((uint64_t)r->number << window.slot_bits));
	if (map_file(r, 0, r->size)) {
		at = r->work;
		r->work = NULL;		/* what is there is not ours */
		return err_set(errno, "%s: cannot map %llu bytes at window "
			       "address %p: %s", region_name(r),
			       (unsigned long long)r->size, (void *)at,
			       strerror(errno));
	}
	hide(r, 0, r->zone_off);
	window_hide(r, 0);
	return 0;
}

void window_unmap(struct region *r)
{
	if (r->work)
		munmap(r->work, r->size);
	r->work = NULL;
}

int window_seal(struct region *r)
{
	uint64_t ext = r->hdr->extent_size;
	uint32_t i;

	for (i = 0; i < r->hdr->n_zones; i++) {
		const struct pm_zone *z = &r->hdr->zone[i];
		uint64_t len = z->n_ext * ext;

		if (mprotect(r->work + z->off + z->len - len, len, PROT_READ))
			return err_set(errno, "%s: cannot make the mapping "
				       "read-only: %s", region_name(r),
				       strerror(errno));
	}
	return 0;
}

int window_make_writable(struct region *r, uint64_t off, uint64_t len)
{
	uint64_t end = round_up(off + len, PM_PAGE);

	if (!r->work_lazy)
		return 0;
	off = off / PM_PAGE * PM_PAGE;
	if (mprotect(r->work + off, end - off, PROT_READ | PROT_WRITE) == 0)
		return 0;
	return err_set(ENOMEM, "%s: no memory for the working copy",
		       region_name(r));
}
