/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * calls.c: which call of the program a write or fence belongs to: its number,
 * the public function, and the addresses that lead to it. The tool turns the
 * addresses into source lines.
 */
#include "crash/record.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEPTH 40
#define FRAMES 8		/* of the program, kept */
#define MODULES 256

struct module {
	uint64_t lo, hi, bias;
};

static struct module library, self, known[MODULES];
static unsigned known_n;
static uint64_t operations, transactions;
static unsigned threads;

static __thread struct {
	unsigned thread;	/* + 1 */
	unsigned depth;		/* of known calls       */
	const char *name;	/* NULL: a transaction  */
	uint64_t number;	/* 0: has not begun     */
} call;

uint8_t calls_thread(void)
{
	if (!call.thread)
		call.thread = ++threads;	/* under the lock */
	return (uint8_t)((call.thread - 1) % 64);
}

struct search {
	uint64_t at;
	struct module found;
	char path[4096];
};

static int look(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct search *s = arg;
	uint64_t lo = UINT64_MAX, hi = 0;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type != PT_LOAD)
			continue;
		if (info->dlpi_addr + p->p_vaddr < lo)
			lo = info->dlpi_addr + p->p_vaddr;
		if (info->dlpi_addr + p->p_vaddr + p->p_memsz > hi)
			hi = info->dlpi_addr + p->p_vaddr + p->p_memsz;
	}
	if (s->at < lo || s->at >= hi)
		return 0;
	s->found = (struct module){lo, hi, info->dlpi_addr};
	snprintf(s->path, sizeof(s->path), "%s", info->dlpi_name);
	return 1;
}

static bool holds(const struct module *m, uint64_t at)
{
	return at >= m->lo && at < m->hi;
}

void calls_init(const void *in_library)
{
	struct search s = {.at = (uint64_t)(uintptr_t)in_library};
	void *warm[1];

	if (library.hi)
		return;
	if (dl_iterate_phdr(look, &s))
		library = s.found;
	s.at = (uint64_t)(uintptr_t)calls_init;
	if (dl_iterate_phdr(look, &s))
		self = s.found;
	/* The first use loads the unwinder, which allocates. */
	(void)backtrace(warm, 1);
}

/* Adds the module of an address, if it is new. */
static void note_module(uint64_t at)
{
	struct search s = {.at = at};
	char exe[4096];
	ssize_t n;

	for (unsigned i = 0; i < known_n; i++)
		if (holds(&known[i], at))
			return;
	if (known_n == MODULES || !dl_iterate_phdr(look, &s))
		return;
	known[known_n++] = s.found;
	if (!*s.path) {
		n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
		exe[n < 0 ? 0 : n] = 0;
		snprintf(s.path, sizeof(s.path), "%s", exe);
	}
	file_add((struct record){.kind = REC_MODULE, .off = s.found.lo,
				 .n = s.found.hi, .number = s.found.bias},
		 s.path, strlen(s.path) + 1, NULL, 0);
}

/* The public function whose frame this is, if its name is exported. */
static const char *exported(uint64_t at)
{
	Dl_info info;

	if (!at || !dladdr((void *)(uintptr_t)(at - 1), &info) ||
	    !info.dli_sname)
		return "";
	return info.dli_sname;
}

static void begin(const char *name)
{
	struct record r = {.kind = REC_BEGIN};
	void *stack[DEPTH];
	uint64_t frames[FRAMES], last = 0;
	int n = backtrace(stack, DEPTH);

	for (int i = 0; i < n && r.n < FRAMES; i++) {
		uint64_t at = (uint64_t)(uintptr_t)stack[i];

		if (holds(&library, at) && r.n == 0)
			last = at;
		else if (!holds(&self, at) && !holds(&library, at))
			frames[r.n++] = at;
	}
	if (!name)
		name = "transaction";
	else if (!*name)
		name = exported(last);
	file_lock();
	for (unsigned i = 0; i < r.n; i++)
		note_module(frames[i] - 1);
	r.number = call.number = ++operations;
	if (call.depth && !call.name)
		r.off = ++transactions;
	file_add(r, frames, r.n * sizeof(*frames), name, strlen(name) + 1);
	file_unlock();
}

static void end(void)
{
	file_lock();
	file_add((struct record){.kind = REC_RETURN, .number = call.number},
		 NULL, 0, NULL, 0);
	file_unlock();
	call.number = 0;
}

void calls_enter(const char *name)
{
	if (call.depth++ == 0) {
		call.name = name;
		call.number = 0;
	}
}

void calls_leave(void)
{
	if (--call.depth == 0 && call.number)
		end();
}

void calls_begin(void)
{
	if (call.depth && !call.number)
		begin(call.name);
}

bool calls_fence_begin(void)
{
	if (call.depth) {
		calls_begin();
		return false;
	}
	begin("");
	return true;
}

void calls_fence_end(void)
{
	end();
}
