/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/inside/make.c: an image of a pool, in use or not: which way, how often,
 * and how long.
 */
#include "inside/image.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Nobody writes: a plain copy, the log and all. The lock is held meanwhile. */
static int copy_closed(struct live *l, struct target *t)
{
	if (live_begin(l) || target_copy(t, l, IMAGE_WHOLE))
		return -1;
	return target_done(t);
}

static int attempts(struct live *l, struct target *t, unsigned what,
		    uint64_t limit_ms, struct image_report *out)
{
	uint64_t began = now_ms();
	int ret;

	do {
		out->attempts++;
		ret = image_try(l, t, what);
		target_forget(t);
	} while (ret == LIVE_LOST && now_ms() - began < limit_ms);
	if (ret == LIVE_LOST)
		return err_set(EAGAIN, "%s: in %llu attempts its log was always "
			       "written over before it could be read",
			       region_name(&l->r),
			       (unsigned long long)out->attempts);
	return ret;
}

static int copy_paused(struct live *l, struct target *t, unsigned what,
		       struct image_report *out)
{
	struct paused *paused;
	uint64_t began;
	bool writes;
	long pid = lock_holder(l->r.md.m.fd, &writes);
	int ret, err;

	if (pid <= 0 || !writes)
		return err_set(ESRCH, "%s: it is not known which process "
			       "writes it", region_name(&l->r));
	began = now_ms();
	if (writer_pause(pid, &paused))
		return -1;
	ret = attempts(l, t, what, 0, out);
	err = errno;
	writer_resume(paused);
	errno = err;
	out->paused_ms = now_ms() - began;
	return ret;
}

int image_make(const char *path, int fd, const struct image_how *how,
	       struct image_report *out)
{
	struct target t = {.fd = fd, .memory = how->memory,
			   .reflink = how->what != IMAGE_META && !how->memory,
			   .show = how->show, .arg = how->arg};
	struct live *l;
	int lock, ret = -1, err;

	*out = (struct image_report){0};
	if (live_open(path, &l))
		return -1;
	lock = open(path, O_RDONLY | O_CLOEXEC);
	if (lock < 0)
		err_set(errno, "%s: cannot open: %s", path, strerror(errno));
	else if (lock_file(lock, true, path) == 0)
		ret = copy_closed(l, &t);
	else if (errno == EBUSY) {
		out->in_use = true;
		ret = how->pause ? copy_paused(l, &t, how->what, out) :
		      attempts(l, &t, how->what, how->limit_ms, out);
	}
	err = errno;
	out->shared = t.shared;
	target_forget(&t);
	if (lock >= 0)
		close(lock);
	live_close(l);
	errno = err;
	return ret;
}

int image_name(const char *old, const char *path)
{
	return name_file(old, path);
}
