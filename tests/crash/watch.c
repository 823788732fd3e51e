/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * watch.c: see watch.h. A store to the watched lines faults; the handler looks
 * at the instruction, opens the page, lets it run alone under the trap flag,
 * and closes the page again.
 */
#include "watch.h"

#include <errno.h>
#include <libpmem.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define LINE 64u
#define PAGE 4096u
#define LINES_MAX (1u << 20)	/* bytes */
#define PAGES_MAX (1u << 15)
#define TRAP_FLAG 0x100

enum state { CLEAN, DIRTY, PENDING };

static struct {
	uint8_t *base;
	size_t n;
	int fd;
	int lines, pages;		/* which of the two it is       */
	unsigned stores;
	uint8_t state[LINES_MAX];	/* of each byte                 */
	uint64_t stored[PAGES_MAX];	/* when, by clock               */
	uint64_t synced[PAGES_MAX];	/* when the sync began          */
	uint64_t clock;
	int fail, slow;
	int size_changed;
} w;
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;

static struct {
	int named, synced, pending, synced_before, dir_synced;
} names;

#ifdef __x86_64__
int watch_works(void)
{
	return 1;
}

/* MOVNTI, MOVNTPS, MOVNTDQ, with whatever prefixes. */
static int is_streaming(const uint8_t *ip)
{
	while (*ip == 0x66 || *ip == 0xf2 || *ip == 0xf3 ||
	       (*ip & 0xf0) == 0x40)
		ip++;
	if (*ip == 0x0f)
		return ip[1] == 0xe7 || ip[1] == 0x2b || ip[1] == 0xc3;
	ip += *ip == 0xc5 ? 2 : *ip == 0xc4 ? 3 : *ip == 0x62 ? 4 : 0;
	return (*ip == 0xe7 || *ip == 0x2b) &&
	       (ip[-2] == 0xc5 || ip[-3] == 0xc4 || ip[-4] == 0x62);
}

/* The width of a store is not known: as far as a streaming store may reach,
 * what it did not write has been clean or is seen by its own store. */
static void on_fault(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	uint8_t *at = info->si_addr, *line;

	if (!w.lines || at < w.base || at >= w.base + w.n) {
		signal(sig, SIG_DFL);
		return;
	}
	w.stores++;
	line = w.base + (size_t)(at - w.base) / LINE * LINE;
	if (is_streaming((uint8_t *)uc->uc_mcontext.gregs[REG_RIP])) {
		size_t i = (size_t)(at - w.base);

		for (; i < (size_t)(line - w.base) + LINE && i < w.n; i++)
			if (w.state[i] == CLEAN)
				w.state[i] = PENDING;
	} else {
		memset(w.state + (line - w.base), DIRTY, LINE);
	}
	mprotect(w.base, w.n, PROT_READ | PROT_WRITE);
	uc->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

static void on_trap(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	uc->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
	if (w.lines)
		mprotect(w.base, w.n, PROT_READ);
}

static void handle(int sig, void (*f)(int, siginfo_t *, void *))
{
	struct sigaction a = {.sa_sigaction = f, .sa_flags = SA_SIGINFO};

	sigaction(sig, &a, NULL);
}
#else
int watch_works(void)
{
	return 0;
}
#endif

static void begin(uint8_t *base, size_t n, int fd)
{
	memset(&w, 0, sizeof(w));
	w.base = base;
	w.n = n;
	w.fd = fd;
	if (n > (size_t)PAGES_MAX * PAGE)
		abort();
}

void watch_lines(uint8_t *base, size_t n)
{
	begin(base, n, -1);
	if (n > LINES_MAX)
		abort();
	w.lines = 1;
#ifdef __x86_64__
	handle(SIGSEGV, on_fault);
	handle(SIGTRAP, on_trap);
#endif
	mprotect(base, n, PROT_READ);
}

void watch_pages(uint8_t *base, size_t n, int fd)
{
	begin(base, n, fd);
	w.pages = 1;
}

void watch_end(void)
{
	if (w.lines)
		mprotect(w.base, w.n, PROT_READ | PROT_WRITE);
	w.lines = w.pages = 0;
}

void watch_wrote(const uint8_t *p, size_t n)
{
	size_t i = (size_t)(p - w.base) / PAGE;

	if (!w.pages)
		return;
	pthread_mutex_lock(&mu);
	for (w.clock++; i * PAGE < (size_t)(p - w.base) + n; i++)
		w.stored[i] = w.clock;
	pthread_mutex_unlock(&mu);
}

int watch_dirty(const uint8_t *p, size_t n)
{
	size_t lo = (size_t)(p - w.base), i;
	int dirty = 0;

	if (w.lines)
		for (i = lo; i < lo + n; i++)
			dirty |= w.state[i] != CLEAN;
	pthread_mutex_lock(&mu);
	if (w.pages)
		for (i = lo / PAGE; i * PAGE < lo + n; i++)
			dirty |= w.stored[i] > w.synced[i];
	pthread_mutex_unlock(&mu);
	return dirty;
}

unsigned watch_stores(void)
{
	return w.stores;
}

void watch_fail_sync(void)
{
	w.fail = 1;
}

void watch_slow_sync(void)
{
	w.slow = 1;
}

int watch_size_is_durable(int fd)
{
	return fd == w.fd && !w.size_changed;
}

void watch_names(void)
{
	memset(&names, 0, sizeof(names));
}

int watch_named(void)
{
	return names.named;
}

int watch_synced_before_name(void)
{
	return names.synced_before;
}

int watch_dir_synced(void)
{
	return names.dir_synced;
}

/* --- in place of libpmem --- */

static void carry(const void *p, size_t n)
{
	size_t lo = (size_t)((const uint8_t *)p - w.base), i;

	names.pending = 1;
	if (!w.lines || (const uint8_t *)p < w.base || lo >= w.n)
		return;
	for (i = lo / LINE * LINE; i < lo + n || i % LINE; i++)
		if (w.state[i] == DIRTY)
			w.state[i] = PENDING;
}

void pmem_flush(const void *addr, size_t len)
{
	carry(addr, len);
}

void pmem_drain(void)
{
	size_t i;

	names.pending = 0;
	for (i = 0; w.lines && i < w.n; i++)
		if (w.state[i] == PENDING)
			w.state[i] = CLEAN;
}

/* It stores as memcpy() does, which is seen, and flushes if it is to. */
void *pmem_memcpy(void *dst, const void *src, size_t len, unsigned flags)
{
	memcpy(dst, src, len);
	if (!(flags & PMEM_F_MEM_NOFLUSH))
		carry(dst, len);
	if (!(flags & (PMEM_F_MEM_NODRAIN | PMEM_F_MEM_NOFLUSH)))
		pmem_drain();
	return dst;
}

void *pmem_memset(void *dst, int c, size_t len, unsigned flags)
{
	memset(dst, c, len);
	if (!(flags & PMEM_F_MEM_NOFLUSH))
		carry(dst, len);
	if (!(flags & (PMEM_F_MEM_NODRAIN | PMEM_F_MEM_NOFLUSH)))
		pmem_drain();
	return dst;
}

/* --- in place of the kernel --- */

static int synced(long result, const uint8_t *p, size_t n, uint64_t began)
{
	size_t i;

	if (w.slow)
		usleep(300);
	if (w.fail) {
		w.fail = 0;
		errno = EIO;
		return -1;
	}
	pthread_mutex_lock(&mu);
	for (i = (size_t)(p - w.base) / PAGE;
	     result == 0 && i * PAGE < (size_t)(p - w.base) + n; i++)
		w.synced[i] = began;
	pthread_mutex_unlock(&mu);
	return (int)result;
}

static uint64_t now(void)
{
	uint64_t t;

	pthread_mutex_lock(&mu);
	t = ++w.clock;
	pthread_mutex_unlock(&mu);
	return t;
}

int msync(void *p, size_t n, int flags)
{
	uint64_t began = now();
	long r = syscall(SYS_msync, p, n, flags);

	if (!w.pages || (flags & MS_ASYNC) || (uint8_t *)p < w.base ||
	    (uint8_t *)p + n > w.base + w.n)
		return (int)r;
	return synced(r, p, n, began);
}

int fdatasync(int fd)
{
	uint64_t began = now();
	long r = syscall(SYS_fdatasync, fd);

	return w.pages && fd == w.fd ? synced(r, w.base, w.n, began) : (int)r;
}

int fsync(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		names.dir_synced = names.named;
	else
		names.synced = 1;
	if (fd == w.fd)
		w.size_changed = 0;
	return (int)syscall(SYS_fsync, fd);
}

int ftruncate(int fd, off_t n)
{
	if (fd == w.fd)
		w.size_changed = 1;
	return (int)syscall(SYS_ftruncate, fd, n);
}

static void named(void)
{
	names.named++;
	names.synced_before = names.synced && !names.pending;
}

int linkat(int from_dir, const char *from, int to_dir, const char *to,
	   int flags)
{
	named();
	return (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
}

int link(const char *from, const char *to)
{
	named();
	return (int)syscall(SYS_link, from, to);
}
