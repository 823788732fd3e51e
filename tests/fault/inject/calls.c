/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * calls.c: every call by which lib/ allocates or enters the kernel, with a
 * layer in front that can fail. style/calls.sh compares the two tables here
 * with what the library really imports.
 */
#include "inject.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum id {
	ID_malloc, ID_calloc, ID_realloc, ID_aligned_alloc, ID_strdup,
	ID_asprintf, ID_realpath, ID_mmap, ID_mprotect, ID_madvise,
	ID_memfd_create, ID_open, ID_fopen, ID_close, ID_access,
	ID_getcwd, ID_fstat, ID_statx, ID_fstatfs, ID_flock, ID_pread, ID_lseek,
	ID_sendfile, ID_ftruncate, ID_fallocate, ID_link, ID_linkat, ID_unlink,
	ID_msync, ID_fdatasync, ID_fsync, ID_getrandom, ID_syscall,
	ID_pthread_create, ID_pthread_key_create, ID_pthread_setspecific,
	ID_pthread_atfork, ID_atexit, ID_fcntl
};

#define F(call, err, flags) { #call, ID_##call, err, flags }

const struct fault faults[] = {
	F(malloc, ENOMEM, 0),
	F(calloc, ENOMEM, 0),
	F(realloc, ENOMEM, 0),
	F(aligned_alloc, ENOMEM, 0),
	F(strdup, ENOMEM, 0),
	F(asprintf, ENOMEM, 0),
	F(realpath, ENOMEM, 0),
	F(mmap, ENOMEM, FAULT_FILE),
	F(mprotect, ENOMEM, FAULT_FILE),
	F(madvise, ENOMEM, FAULT_FILE),
	F(memfd_create, EMFILE, FAULT_FILE),
	F(open, EMFILE, FAULT_FILE),
	F(fopen, EMFILE, FAULT_FILE),
	F(close, EIO, FAULT_FILE),
	F(access, EACCES, FAULT_FILE),
	F(getcwd, ENOENT, FAULT_FILE),
	F(fstat, EIO, FAULT_FILE),
	F(statx, EIO, FAULT_FILE | FAULT_SYNC),
	F(fstatfs, EIO, FAULT_FILE),
	F(flock, ENOLCK, FAULT_FILE),
	F(pread, EIO, FAULT_FILE),
	F(lseek, EIO, FAULT_FILE),
	F(lseek, EINVAL, FAULT_FILE),	/* it knows no holes              */
	F(sendfile, EIO, FAULT_FILE),
	F(sendfile, 0, FAULT_FILE | FAULT_SYNC),	/* an early end   */
	F(ftruncate, ENOSPC, FAULT_FILE),
	F(ftruncate, EIO, FAULT_FILE | FAULT_SYNC),
	F(fallocate, ENOSPC, FAULT_FILE),
	F(fallocate, EOPNOTSUPP, FAULT_FILE),
	F(fallocate, EIO, FAULT_FILE),
	F(fallocate, EINTR, FAULT_FILE | FAULT_ONCE),
	F(link, ENOSPC, FAULT_FILE),
	F(linkat, ENOSPC, FAULT_FILE),
	F(unlink, EACCES, FAULT_FILE | FAULT_LEAVES),
	F(msync, EIO, FAULT_FILE | FAULT_SYNC),
	F(fdatasync, EIO, FAULT_FILE | FAULT_SYNC),
	F(fsync, EIO, FAULT_FILE | FAULT_SYNC),
	F(fsync, ENOSPC, FAULT_FILE | FAULT_SYNC),
	F(getrandom, ENOSYS, 0),
	F(syscall, ENOSYS, 0),
	F(pthread_create, EAGAIN, 0),
	F(pthread_key_create, EAGAIN, FAULT_MEMORY),
	F(pthread_setspecific, ENOMEM, 0),
	F(pthread_atfork, ENOMEM, 0),
	F(atexit, ENOMEM, 0),
	F(fcntl, EMFILE, FAULT_FILE),
};

const unsigned faults_n = sizeof(faults) / sizeof(*faults);

/* What the library imports besides, and why it is in no table above. */
static const struct {
	const char *why, *calls;
} exempt[] = {
	{"gives back, with nothing to be done if it cannot",
	 "free munmap fclose pthread_mutex_destroy pthread_cond_destroy "
	 "pthread_rwlock_destroy pthread_mutexattr_destroy"},
	{"works on memory that is there",
	 "memchr memcmp memcpy memmove memset strcmp strcpy strcspn strlen strncmp "
	 "strncpy strstr strerror snprintf vsnprintf sscanf qsort dirname "
	 "basename getenv errno_location tls_get_addr"},
	{"has no error that glibc gives for valid arguments",
	 "abort assert_fail raise sigaction sigemptyset time clock_gettime "
	 "getpid sched_yield pthread_once "
	 "pthread_mutex_init pthread_mutexattr_init pthread_mutexattr_settype "
	 "pthread_cond_init pthread_rwlock_init pthread_mutex_lock "
	 "pthread_mutex_trylock pthread_mutex_unlock pthread_cond_wait "
	 "pthread_cond_timedwait pthread_cond_signal pthread_cond_broadcast "
	 "pthread_rwlock_rdlock pthread_rwlock_wrlock pthread_rwlock_unlock "
	 "pthread_rwlock_tryrdlock pthread_rwlock_trywrlock pthread_join"},
	{"reads a stream that fopen gave: its end is no different from an error",
	 "fgets"},
	{"helps to find stores that were not logged, or prints what was found; "
	 "without it that is slower, or says less",
	 "ioctl dladdr write"},
	{"called where link() cannot do it only; tests/unit/naming has its error",
	 "renameat2"},
	{"instructions of the processor",
	 "pmem_drain pmem_flush pmem_memcpy pmem_memset"},
};

static struct {
	const struct fault *fault;
	unsigned n;
	bool onward;
	unsigned calls, hits;
} armed;

unsigned *fault_counts;
static long blocks;
static bool pose, no_tmpfile, no_proc;

void fault_arm(const struct fault *fault, unsigned n, bool onward)
{
	armed.n = n;
	armed.onward = onward;
	armed.calls = armed.hits = 0;
	__atomic_store_n(&armed.fault, fault, __ATOMIC_SEQ_CST);
}

void fault_kill_at(const char *call, unsigned n)
{
	static struct fault kill;
	unsigned i = 0;

	while (strcmp(faults[i].call, call))
		i++;
	kill = faults[i];
	kill.err = 0;
	kill.flags = FAULT_KILLS;
	fault_arm(&kill, n, false);
}

unsigned fault_disarm(void)
{
	__atomic_store_n(&armed.fault, NULL, __ATOMIC_SEQ_CST);
	return __atomic_load_n(&armed.hits, __ATOMIC_SEQ_CST);
}

long fault_blocks(void)
{
	return __atomic_load_n(&blocks, __ATOMIC_SEQ_CST);
}

void fault_pose_as_disk(bool yes)
{
	pose = yes;
}

void fault_hide_tmpfile(void)
{
	no_tmpfile = true;
}

void fault_hide_proc(void)
{
	no_proc = true;
}

void fault_list(void)
{
	char text[2048], *name, *rest;
	unsigned i;

	for (i = 0; i < faults_n; i++)
		if (i == 0 || faults[i].id != faults[i - 1].id)
			printf("fails %s\n", faults[i].call);
	for (i = 0; i < sizeof(exempt) / sizeof(*exempt); i++) {
		snprintf(text, sizeof(text), "%s", exempt[i].calls);
		for (name = strtok_r(text, " ", &rest); name;
		     name = strtok_r(NULL, " ", &rest))
			printf("exempt %s: %s\n", name, exempt[i].why);
	}
}

static bool fails(enum id id)
{
	const struct fault *f = __atomic_load_n(&armed.fault, __ATOMIC_SEQ_CST);
	unsigned n;

	if (!f && fault_counts)
		__atomic_add_fetch(&fault_counts[id], 1, __ATOMIC_RELAXED);
	if (!f || f->id != (int)id)
		return false;
	n = __atomic_add_fetch(&armed.calls, 1, __ATOMIC_SEQ_CST);
	if (n != armed.n && !(armed.onward && n > armed.n))
		return false;
	if (f->flags & FAULT_KILLS)
		raise(SIGKILL);
	__atomic_add_fetch(&armed.hits, 1, __ATOMIC_SEQ_CST);
	errno = f->err;
	return true;
}

static void *counted(void *p)
{
	if (p)
		__atomic_add_fetch(&blocks, 1, __ATOMIC_SEQ_CST);
	return p;
}

#define DECLARE(type, name, ...)					\
	type __real_##name(__VA_ARGS__);				\
	type __wrap_##name(__VA_ARGS__)

DECLARE(void *, malloc, size_t n);
DECLARE(void *, calloc, size_t n, size_t size);
DECLARE(void *, realloc, void *p, size_t n);
DECLARE(void *, aligned_alloc, size_t align, size_t n);
DECLARE(char *, strdup, const char *s);
DECLARE(char *, realpath, const char *path, char *out);
DECLARE(void, free, void *p);
DECLARE(int, asprintf, char **out, const char *format, ...);
DECLARE(int, open, const char *path, int flags, ...);
DECLARE(long, syscall, long number, ...);
DECLARE(int, fcntl, int fd, int what, ...);
DECLARE(FILE *, fopen, const char *path, const char *mode);
DECLARE(int, close, int fd);
DECLARE(int, fstatfs, int fd, struct statfs *fs);

void *__wrap_malloc(size_t n)
{
	return fails(ID_malloc) ? NULL : counted(__real_malloc(n));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails(ID_calloc) ? NULL : counted(__real_calloc(n, size));
}

void *__wrap_realloc(void *p, size_t n)
{
	void *q;

	if (fails(ID_realloc))
		return NULL;
	q = __real_realloc(p, n);
	return p ? q : counted(q);
}

void *__wrap_aligned_alloc(size_t align, size_t n)
{
	return fails(ID_aligned_alloc)
		? NULL : counted(__real_aligned_alloc(align, n));
}

char *__wrap_strdup(const char *s)
{
	return fails(ID_strdup) ? NULL : counted(__real_strdup(s));
}

char *__wrap_realpath(const char *path, char *out)
{
	char *p = fails(ID_realpath) ? NULL : __real_realpath(path, out);

	return out ? p : counted(p);
}

void __wrap_free(void *p)
{
	if (p)
		__atomic_sub_fetch(&blocks, 1, __ATOMIC_SEQ_CST);
	__real_free(p);
}

int __wrap_asprintf(char **out, const char *format, ...)
{
	va_list ap;
	int n;

	if (fails(ID_asprintf))
		return -1;
	va_start(ap, format);
	n = vasprintf(out, format, ap);
	va_end(ap);
	if (n >= 0)
		counted(*out);
	return n;
}

int __wrap_open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	if (fails(ID_open))
		return -1;
	if (no_tmpfile && (flags & O_TMPFILE) == O_TMPFILE) {
		errno = EOPNOTSUPP;
		return -1;
	}
	if (no_proc && !strncmp(path, "/proc/", 6)) {
		errno = ENOENT;
		return -1;
	}
	return __real_open(path, flags, mode);
}

int __wrap_fcntl(int fd, int what, ...)
{
	va_list ap;
	long arg;

	va_start(ap, what);
	arg = va_arg(ap, long);
	va_end(ap);
	return fails(ID_fcntl) ? -1 : __real_fcntl(fd, what, arg);
}

long __wrap_syscall(long number, ...)
{
	va_list ap;
	long arg[6];
	int i;

	va_start(ap, number);
	for (i = 0; i < 6; i++)
		arg[i] = va_arg(ap, long);
	va_end(ap);
	return fails(ID_syscall) ? -1
		: __real_syscall(number, arg[0], arg[1], arg[2], arg[3],
				 arg[4], arg[5]);
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
	return fails(ID_fopen) ? NULL : __real_fopen(path, mode);
}

/* The descriptor is gone, as Linux has it, whatever close() says. */
int __wrap_close(int fd)
{
	int r = __real_close(fd);

	return fails(ID_close) ? -1 : r;
}

int __wrap_fstatfs(int fd, struct statfs *fs)
{
	int r = fails(ID_fstatfs) ? -1 : __real_fstatfs(fd, fs);

	if (r == 0 && pose && fs->f_type == TMPFS_MAGIC)
		fs->f_type = EXT4_SUPER_MAGIC;
	return r;
}

#define WRAP(name, params, args)					\
	DECLARE(int, name, params);					\
	int __wrap_##name(params)					\
	{								\
		return fails(ID_##name) ? -1 : __real_##name(args);	\
	}
#define _ ,

WRAP(mprotect, void *p _ size_t n _ int prot, p _ n _ prot)
WRAP(madvise, void *p _ size_t n _ int how, p _ n _ how)
WRAP(memfd_create, const char *name _ unsigned flags, name _ flags)
WRAP(access, const char *path _ int mode, path _ mode)
WRAP(fstat, int fd _ struct stat *st, fd _ st)
WRAP(statx, int dir _ const char *path _ int flags _ unsigned mask _
     struct statx *st, dir _ path _ flags _ mask _ st)
WRAP(flock, int fd _ int how, fd _ how)
WRAP(ftruncate, int fd _ off_t n, fd _ n)
WRAP(fallocate, int fd _ int mode _ off_t at _ off_t n, fd _ mode _ at _ n)
WRAP(link, const char *from _ const char *to, from _ to)
WRAP(linkat, int a _ const char *from _ int b _ const char *to _ int flags,
     a _ from _ b _ to _ flags)
WRAP(unlink, const char *path, path)
WRAP(msync, void *p _ size_t n _ int flags, p _ n _ flags)
WRAP(fdatasync, int fd, fd)
WRAP(fsync, int fd, fd)
WRAP(atexit, void (*f)(void), f)

#define WRAP_AS(type, bad, name, params, args)				\
	DECLARE(type, name, params);					\
	type __wrap_##name(params)					\
	{								\
		return fails(ID_##name) ? (bad) : __real_##name(args);	\
	}

WRAP_AS(void *, MAP_FAILED, mmap,
	void *p _ size_t n _ int prot _ int flags _ int fd _ off_t at,
	p _ n _ prot _ flags _ fd _ at)
WRAP_AS(char *, NULL, getcwd, char *buf _ size_t n, buf _ n)
WRAP_AS(ssize_t, -1, pread, int fd _ void *buf _ size_t n _ off_t at,
	fd _ buf _ n _ at)
WRAP_AS(off_t, -1, lseek, int fd _ off_t at _ int whence, fd _ at _ whence)
WRAP_AS(ssize_t, errno ? -1 : 0, sendfile,
	int to _ int from _ off_t *at _ size_t n, to _ from _ at _ n)
WRAP_AS(ssize_t, -1, getrandom, void *buf _ size_t n _ unsigned flags,
	buf _ n _ flags)
WRAP_AS(int, errno, pthread_create,
	pthread_t *t _ const pthread_attr_t *attr _ void *(*f)(void *) _
	void *arg, t _ attr _ f _ arg)
WRAP_AS(int, errno, pthread_key_create, pthread_key_t *key _ void (*f)(void *),
	key _ f)
WRAP_AS(int, errno, pthread_setspecific, pthread_key_t key _ const void *p,
	key _ p)
WRAP_AS(int, errno, pthread_atfork,
	void (*before)(void) _ void (*parent)(void) _ void (*child)(void),
	before _ parent _ child)
