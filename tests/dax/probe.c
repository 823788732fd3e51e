/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * probe.c: what the library makes of a medium and of this machine's CPU.
 *
 *	probe FILE	creates the pool FILE and says what was found
 *
 * Whether caches are flushed is not asked but counted: a child commits and
 * closes, and through all that the library calls in libpmem for it its parent
 * steps, instruction by instruction, and looks at each before it is executed.
 */
#define _GNU_SOURCE 1

#include <pmheap.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libpmem.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MAP_SHARED_VALIDATE
#define MAP_SHARED_VALIDATE 0x03
#endif
#ifndef MAP_SYNC
#define MAP_SYNC 0x80000
#endif

struct counts {
	unsigned long steps, flushes, fences;
};

static const char *path;
static bool traced;

/* The parent steps from one to the next. */
static void gate(void)
{
	if (traced)
		__asm__ volatile ("int3" ::: "memory");
}

static void *real(const char *name)
{
	void *f = dlsym(RTLD_NEXT, name);

	if (!f)
		abort();
	return f;
}

/* These stand before libpmem's own, so the library calls them. */
void pmem_flush(const void *p, size_t n)
{
	void (*f)(const void *, size_t) = real("pmem_flush");

	gate();
	f(p, n);
	gate();
}

void pmem_drain(void)
{
	void (*f)(void) = real("pmem_drain");

	gate();
	/* ORDER: none; the library's fence goes on here. */
	f();
	gate();
}

void *pmem_memcpy(void *dst, const void *src, size_t n, unsigned flags)
{
	void *(*f)(void *, const void *, size_t, unsigned) =
		real("pmem_memcpy");

	gate();
	f(dst, src, n, flags);
	gate();
	return dst;
}

void *pmem_memset(void *dst, int c, size_t n, unsigned flags)
{
	void *(*f)(void *, int, size_t, unsigned) = real("pmem_memset");

	gate();
	f(dst, c, n, flags);
	gate();
	return dst;
}

static void die(const char *what)
{
	printf("PROBE BROKEN %s: %s (%s)\n", what, pm_errormsg(),
	       strerror(errno));
	exit(1);
}

static PmWrapperConfig config(const char *backend_name)
{
	return (PmWrapperConfig){ .path = path, .size = 1 << 20,
				  .flags = PM_CREATE,
				  .backend_name = backend_name };
}

static void try_map_sync(void)
{
	int fd = open(path, O_RDWR);
	void *p;

	if (fd < 0)
		die("open");
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		 MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0);
	printf("PROBE map_sync %s\n", p != MAP_FAILED ? "works" :
	       errno == EOPNOTSUPP ? "refused" : strerror(errno));
	if (p != MAP_FAILED)
		munmap(p, 4096);
	close(fd);
}

static void try_choice(void)
{
	PmStats s;

	if (pm_init(config(NULL)) || pm_stats(PM_PRIMARY, &s))
		die("the library's choice");
	printf("PROBE chosen %s survives %s\n", s.backend, s.survives);
	if (pm_close())
		die("pm_close");
	if (pm_init(config("dax")) == 0)
		printf("PROBE by_name given\n");
	else
		printf("PROBE by_name %s\n", errno == ENOTSUP ? "refused" :
		       strerror(errno));
	(void)pm_close();
}

/* The group 0f ae: /7 in memory clflush, with 66 clflushopt; 66 /6 clwb. */
static void look_at(const unsigned char *b, struct counts *c)
{
	unsigned reg;
	bool wide = false;

	for (; *b == 0x66 || (*b & 0xf0) == 0x40; b++)
		wide |= *b == 0x66;
	if (b[0] != 0x0f || b[1] != 0xae)
		return;
	reg = b[2] >> 3 & 7;
	if (b[2] >= 0xc0)
		c->fences += reg == 7;		/* sfence */
	else if (reg == 7 || (reg == 6 && wide))
		c->flushes++;
}

static void work(void)
{
	uint64_t *cell;

	if (pm_init(config(NULL)) || !(cell = pm_root(4096)))
		die("the child's pool");
	(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	traced = true;
	TX_START {
		TX_SET(cell[0], 1);
		TX_SET(cell[100], 2);
	} TX_END
	_exit(pm_tx_errno() || pm_close());
}

/* Steps over the instruction, unless it is the gate that ends the steps. */
static bool step(pid_t pid, struct counts *c)
{
	unsigned char code[16] = { 0 };
	struct iovec to = { code, sizeof(code) }, from;
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs))
		die("PTRACE_GETREGS");
	from.iov_base = (void *)regs.rip;
	from.iov_len = sizeof(code);
	if (process_vm_readv(pid, &to, 1, &from, 1, 0) <= 0)
		die("process_vm_readv");
	if (code[0] == 0xcc) {
		regs.rip++;
		if (ptrace(PTRACE_SETREGS, pid, NULL, &regs))
			die("PTRACE_SETREGS");
		return false;
	}
	look_at(code, c);
	c->steps++;
	return true;
}

static void count(pid_t pid, struct counts *c)
{
	int status;

	if (waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_CONT, pid, NULL, NULL))
		die("the child did not stop");
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		if (WSTOPSIG(status) != SIGTRAP)
			die("the child got a signal");
		if (ptrace(step(pid, c) ? PTRACE_SINGLESTEP : PTRACE_CONT, pid,
			   NULL, NULL))
			die("ptrace");
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		die("the child failed");
}

static void count_flushes(void)
{
	struct counts c = { 0 };
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0)
		work();
	count(pid, &c);
	printf("PROBE auto_flush %d\n", pmem_has_auto_flush());
	printf("PROBE executed flushes=%lu fences=%lu instructions=%lu\n",
	       c.flushes, c.fences, c.steps);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: probe FILE\n");
		return 2;
	}
	path = argv[1];
	try_choice();
	try_map_sync();
	count_flushes();
	printf("PROBE OK\n");
	return 0;
}
