/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/place.c: finds out about a folder and this process by trying.
 */
#include "place.h"

#include "inside/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libpmem.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#ifndef MAP_SYNC
#define MAP_SYNC 0x80000
#endif
#ifndef MAP_SHARED_VALIDATE
#define MAP_SHARED_VALIDATE 0x03
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef STATX_ATTR_DAX
#define STATX_ATTR_DAX 0x00200000
#endif

#define PAGE 4096

/* Type and source of the mount that the device belongs to. */
static void mount_find(struct place *p, dev_t dev)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[4096];

	snprintf(p->type, sizeof p->type, "unknown");
	while (f && fgets(line, sizeof line, f)) {
		unsigned major_no, minor_no;
		char *rest = strstr(line, " - ");

		if (!rest || sscanf(line, "%*d %*d %u:%u", &major_no,
				    &minor_no) != 2)
			continue;
		if (makedev(major_no, minor_no) == dev)
			sscanf(rest, " - %63s %255s", p->type, p->source);
	}
	if (f)
		fclose(f);
}

static bool is_one_of(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (strncmp(word, *list, strlen(*list)) == 0)
			return true;
	return false;
}

static void kind_judge(struct place *p)
{
	static const char *const network[] = {
		"nfs", "cifs", "smb", "9p", "ceph", "afs", "glusterfs",
		"virtiofs", NULL
	};
	static const char *const layered[] = { "overlay", "fuse", "ecryptfs",
					       "aufs", NULL };

	p->network = is_one_of(p->type, network);
	p->layered = is_one_of(p->type, layered);
}

static void file_try(struct place *p, int fd)
{
	struct statx sx;
	void *at;

	at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED_VALIDATE |
		  MAP_SYNC, fd, 0);
	p->map_sync = at != MAP_FAILED;
	p->map_sync_err = p->map_sync ? 0 : errno;
	if (p->map_sync)
		munmap(at, PAGE);
	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &sx) == 0)
		p->dax = sx.stx_attributes & STATX_ATTR_DAX;
	p->auto_flush = p->map_sync && pmem_has_auto_flush() == 1;
}

static int files_try(struct place *p, const char *temp)
{
	char from_name[4200], to_name[4200], page[PAGE] = "x";
	int from, to;

	snprintf(from_name, sizeof from_name, "%s/from", temp);
	snprintf(to_name, sizeof to_name, "%s/to", temp);
	from = open(from_name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	to = open(to_name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (from >= 0 && to >= 0 && write(from, page, PAGE) == PAGE) {
		file_try(p, from);
		p->reflink = ioctl(to, FICLONE, from) == 0;
	}
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	unlink(from_name);
	unlink(to_name);
	return from < 0 || to < 0 ? -1 : 0;
}

/* A page in each place that a region can have. */
static void window_try(struct place *p)
{
	uint64_t slot;

	window_look(&p->window_base, &p->window_len, &slot);
	for (uint64_t off = slot; off < p->window_len; off += slot) {
		void *want = (void *)(uintptr_t)(p->window_base + off), *at;

		p->slots++;
		at = mmap(want, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
			  MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
		/* Our own pool has the first. */
		if (at == want || off == slot)
			p->slots_free++;
		if (at != MAP_FAILED)
			munmap(at, PAGE);
	}
}

static uint64_t number_read(const char *path)
{
	FILE *f = fopen(path, "re");
	uint64_t n = 0;

	if (f && fscanf(f, "%" SCNu64, &n) != 1)
		n = 0;
	if (f)
		fclose(f);
	return n;
}

static uint64_t limit_of(int what)
{
	struct rlimit r;

	if (getrlimit(what, &r) || r.rlim_cur == RLIM_INFINITY)
		return UINT64_MAX;
	return r.rlim_cur;
}

int place_look(struct place *p, const char *temp)
{
	struct statvfs fs;
	struct stat st;

	memset(p, 0, sizeof *p);
	if (stat(temp, &st) || statvfs(temp, &fs) || files_try(p, temp))
		return -1;
	mount_find(p, st.st_dev);
	kind_judge(p);
	p->free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	window_try(p);
	p->limit_as = limit_of(RLIMIT_AS);
	p->limit_file = limit_of(RLIMIT_FSIZE);
	p->maps_max = number_read("/proc/sys/vm/max_map_count");
	p->overcommit = (int)number_read("/proc/sys/vm/overcommit_memory");
	return 0;
}
