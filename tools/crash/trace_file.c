/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trace_file.c: the trace as a shared mapping of a file, which survives
 * whatever ends the program. One lock; events stand in the order in which
 * they took effect, because the real call is made under it too.
 */
#include "crash/record.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define STEP_MIN (1u << 20)

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static char folder[3072];
static int trace_fd = -1;
static uint8_t *base;
static uint64_t room;
static unsigned images;
static volatile bool on;

static struct record_head *head(void)
{
	return (struct record_head *)base;
}

static bool grow(uint64_t size)
{
	void *p;

	if (posix_fallocate(trace_fd, 0, (off_t)size))
		return false;
	p = base ? mremap(base, room, size, MREMAP_MAYMOVE) :
		   mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			trace_fd, 0);
	if (p == MAP_FAILED)
		return false;
	base = p;
	room = size;
	return true;
}

/* No room: what follows is missing, and the tool says so. */
static void file_lose(void)
{
	if (base)
		head()->full = 1;
	on = false;
}

/* A forked child does not record. */
static void in_child(void)
{
	on = false;
}

bool file_start(const char *dir)
{
	char path[4096];

	if (on)
		return true;
	if (trace_fd >= 0)
		return false;
	snprintf(folder, sizeof(folder), "%s", dir);
	snprintf(path, sizeof(path), "%s/" FILE_TRACE, folder);
	trace_fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (trace_fd < 0) {
		if (errno == EEXIST)
			file_note(dir, FILE_OTHER, "%ld\n", (long)getpid());
		return false;
	}
	if (!grow(STEP_MIN) || pthread_atfork(NULL, NULL, in_child))
		return false;
	head()->pid = (uint32_t)getpid();
	head()->magic = RECORD_MAGIC;
	__atomic_store_n(&head()->used, RECORD_HEAD, __ATOMIC_RELEASE);
	on = true;
	return true;
}

bool file_on(void)
{
	return on;
}

void file_lock(void)
{
	pthread_mutex_lock(&mu);
}

void file_unlock(void)
{
	pthread_mutex_unlock(&mu);
}

static bool make_room(uint64_t need)
{
	uint64_t step = room / 4 > STEP_MIN ? room / 4 : STEP_MIN;
	int err = errno;

	if (need <= room)
		return true;
	if (!grow((need + step + 4095) & ~4095ull))
		file_lose();
	errno = err;
	return on;
}

void file_add(struct record r, const void *a, size_t a_len, const void *b,
	      size_t b_len)
{
	uint64_t at, len = (sizeof(r) + a_len + b_len + 7) & ~7ull;

	if (!on)
		return;
	at = head()->used;
	if (len > UINT32_MAX) {
		file_lose();
		return;
	}
	if (!make_room(at + len))
		return;
	r.len = (uint32_t)len;
	r.thread = calls_thread();
	memcpy(base + at, &r, sizeof(r));
	if (a_len)
		memcpy(base + at + sizeof(r), a, a_len);
	if (b_len)
		memcpy(base + at + sizeof(r) + a_len, b, b_len);
	__atomic_store_n(&head()->used, at + len, __ATOMIC_RELEASE);
}

static bool is_zero(const uint8_t *p, size_t n)
{
	return p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

unsigned file_image(const uint8_t *from, uint64_t size)
{
	char path[4096];
	uint64_t off, n;
	bool bad;
	int fd;

	snprintf(path, sizeof(path), "%s/" FILE_IMAGE, folder, ++images);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bad = fd < 0 || ftruncate(fd, (off_t)size);
	for (off = 0; off < size && !bad; off += n) {
		n = size - off < 4096 ? size - off : 4096;
		if (!is_zero(from + off, n))
			bad = pwrite(fd, from + off, n, (off_t)off) !=
			      (ssize_t)n;
	}
	if (fd >= 0)
		close(fd);
	if (bad)
		file_lose();
	return images;
}

void file_note(const char *dir, const char *name, const char *format, ...)
{
	char path[4096], text[4096];
	va_list ap;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		file_lose();
	close(fd);
}
