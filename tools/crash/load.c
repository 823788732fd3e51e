/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * load.c: reading what the recorder wrote. Nothing in the file is trusted more
 * than it must be: a record that makes no sense ends it.
 */
#include "crash/format.h"
#include "crash/run.h"

#include <errno.h>
#include <fcntl.h>
#include <pmheap/backend.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096u

struct loader {
	struct run *run;
	const char *dir;
	const uint8_t *base;
	uint64_t used;
	size_t hole_from[CRASH_MEDIA_MAX];	/* + 1: being made again */
	const char *bad;
};

static char why[1024];

static const char *refuse(struct loader *l, const char *text)
{
	if (!l->bad)
		l->bad = text;
	return l->bad;
}

static void *reserve(uint64_t n)
{
	void *p = mmap(NULL, n ? n : PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED) {
		perror("crash states");
		abort();
	}
	return p;
}

static const void *payload(const struct record *r)
{
	return r + 1;
}

/* A string with its zero inside the record, at off behind its head. */
static const char *text_at(const struct record *r, uint64_t off)
{
	uint64_t room = r->len - sizeof(*r);
	const char *p = (const char *)payload(r) + off;

	return off < room && memchr(p, 0, room - off) ? p : "";
}

static bool is_sound(const struct loader *l, const struct record *r,
		     uint64_t at)
{
	if (l->used - at < sizeof(*r) || r->len < sizeof(*r) || r->len % 8 ||
	    r->len > l->used - at || r->kind >= REC_N ||
	    (r->medium >= CRASH_MEDIA_MAX && r->kind != REC_OPEN))
		return false;
	if (r->kind == REC_WRITE && r->n > r->len - sizeof(*r))
		return false;
	return r->kind != REC_BEGIN ||
	       (r->n <= RUN_FRAMES && r->n * 8 < r->len - sizeof(*r));
}

static void each(struct loader *l,
		 void (*f)(struct loader *l, const struct record *r))
{
	uint64_t at = RECORD_HEAD;

	while (at < l->used && !l->bad) {
		const struct record *r = (const void *)(l->base + at);

		if (!is_sound(l, r, at)) {
			refuse(l, "the trace is damaged");
			return;
		}
		f(l, r);
		at += r->len;
	}
}

/* First pass: which pools there are, and how large they become. */
static void measure(struct loader *l, const struct record *r)
{
	struct run_pool *p = &l->run->pool[r->medium];

	if (r->kind != REC_OPEN && r->kind != REC_GROW)
		return;
	if (r->medium >= CRASH_MEDIA_MAX) {
		snprintf(why, sizeof(why), "the program opens more than %d "
			 "pools", CRASH_MEDIA_MAX);
		refuse(l, why);
		return;
	}
	if (r->n > p->room)
		p->room = (r->n + PAGE - 1) / PAGE * PAGE;
	if (r->kind == REC_GROW || p->path)
		return;
	p->path = strdup(text_at(r, 0));
	if (!p->path)
		abort();
	p->name = strrchr(p->path, '/');
	p->name = p->name ? p->name + 1 : p->path;
	snprintf(p->backend, sizeof(p->backend), "%s",
		 text_at(r, strlen(p->path) + 1));
	p->primary = r->how == REC_PRIMARY;
	p->existed = r->number != 0;
	p->ready = p->existed ? 0 : SIZE_MAX;
	l->run->pool_n++;
}

static void pools_prepare(struct loader *l)
{
	struct run *run = l->run;

	for (unsigned i = 0; i < run->pool_n; i++) {
		struct run_pool *p = &run->pool[i];

		if (!p->path) {
			refuse(l, "the trace is damaged");
			return;
		}
		p->start = reserve(p->room);
		p->latest = reserve(p->room);
		p->page = reserve(p->room / PAGE / 8 + 8);
		for (unsigned k = 0; k < i; k++)
			if (!strcmp(run->pool[k].name, p->name)) {
				snprintf(why, sizeof(why), "two of its pools "
					 "have the same file name: %.400s and "
					 "%.400s; crashed copies lie in one "
					 "folder", run->pool[k].path, p->path);
				refuse(l, why);
			}
	}
}

static void note_pages(struct run_pool *p, uint64_t off, uint64_t n)
{
	for (uint64_t i = off / PAGE; n && i <= (off + n - 1) / PAGE; i++)
		p->page[i / 64] |= 1ull << i % 64;
}

/* A change of the medium that is no crash point by itself. */
static void change(struct loader *l, unsigned medium, uint64_t off,
		   const uint8_t *bytes, uint64_t n)
{
	struct trace *t = &l->run->trace;
	struct run_pool *p = &l->run->pool[medium];
	uint64_t at = trace_bytes(t, bytes, n);

	trace_add(t, TRACE_WRITE, medium, off, n)->arg = at;
	memcpy(p->latest + off, bytes, n);
	note_pages(p, off, n);
}

/* What is pending is made certain. */
static void settle(struct loader *l, const struct record *r)
{
	struct trace *t = &l->run->trace;
	struct run_pool *p = &l->run->pool[r->medium];

	trace_add(t, TRACE_FLUSH, r->medium, 0, p->latest_size)->thread =
		r->thread;
	trace_add(t, TRACE_FENCE, r->medium, 0, 0)->thread = r->thread;
}

static void add_hole(struct run *run, size_t from, size_t to)
{
	run->hole = crash_room(run->hole, &run->hole_cap, run->hole_n + 1,
			       sizeof(*run->hole));
	run->hole[run->hole_n++] = (struct run_hole){from, to};
}

/* The pool's file as it was when it was opened, mapped. */
static const uint8_t *image_map(struct loader *l, const struct record *r)
{
	char path[4096];
	const uint8_t *p = MAP_FAILED;
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/" FILE_IMAGE, l->dir,
		 (unsigned)r->number);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0 && (uint64_t)st.st_size == r->n)
		p = mmap(NULL, r->n, PROT_READ, MAP_PRIVATE, fd, 0);
	if (fd >= 0)
		close(fd);
	return p == MAP_FAILED ? NULL : p;
}

/* Opened again: whatever changed since then was done to it outside. */
static void opened_again(struct loader *l, const struct record *r,
			 const uint8_t *image)
{
	struct run_pool *p = &l->run->pool[r->medium];
	size_t from = l->run->trace.n;

	settle(l, r);
	if (p->latest_size != r->n)
		trace_add(&l->run->trace, TRACE_GROW, r->medium,
			  p->latest_size < r->n ? p->latest_size : 0, r->n);
	for (uint64_t off = 0; off < r->n; off += PAGE) {
		uint64_t n = r->n - off < PAGE ? r->n - off : PAGE;

		if (memcmp(p->latest + off, image + off, n))
			change(l, r->medium, off, image + off, n);
	}
	p->latest_size = r->n;
	settle(l, r);
	add_hole(l->run, from, l->run->trace.n - 1);
}

/* Made anew where there was one before. */
static void made_again(struct loader *l, const struct record *r)
{
	struct run_pool *p = &l->run->pool[r->medium];

	l->hole_from[r->medium] = l->run->trace.n + 1;
	settle(l, r);
	trace_add(&l->run->trace, TRACE_GROW, r->medium, 0, r->n);
	memset(p->latest, 0, p->latest_size);
	p->latest_size = r->n;
}

static void opened(struct loader *l, const struct record *r)
{
	struct run_pool *p = &l->run->pool[r->medium];
	bool first = p->latest_size == 0;
	const uint8_t *image;

	if (r->number == 0) {
		if (!first) {
			made_again(l, r);
			return;
		}
		trace_add(&l->run->trace, TRACE_GROW, r->medium, 0, r->n);
		p->latest_size = r->n;
		return;
	}
	image = image_map(l, r);
	if (!image) {
		refuse(l, "the image of a pool is missing");
		return;
	}
	if (!first) {
		opened_again(l, r, image);
	} else {
		for (uint64_t off = 0; off < r->n; off += PAGE) {
			uint64_t n = r->n - off < PAGE ? r->n - off : PAGE;

			if (memcmp(p->start + off, image + off, n) == 0)
				continue;
			memcpy(p->start + off, image + off, n);
			memcpy(p->latest + off, image + off, n);
			note_pages(p, off, n);
		}
		p->start_size = p->latest_size = r->n;
	}
	munmap((void *)image, r->n);
}

static void ready(struct loader *l, const struct record *r)
{
	struct run_pool *p = &l->run->pool[r->medium];
	size_t now = l->run->trace.n;

	if (p->ready == SIZE_MAX)
		p->ready = now;
	if (l->hole_from[r->medium] && now)
		add_hole(l->run, l->hole_from[r->medium] - 1, now - 1);
	l->hole_from[r->medium] = 0;
}

static void begun(struct loader *l, const struct record *r)
{
	struct run *run = l->run;
	struct run_call *c;

	run->call = crash_room(run->call, &run->call_cap, run->call_n + 1,
			       sizeof(*run->call));
	c = &run->call[run->call_n++];
	memset(c, 0, sizeof(*c));
	c->number = r->number;
	c->transaction = r->off;
	c->thread = r->thread;
	c->begin = run->trace.n;
	c->end = SIZE_MAX;
	c->frame_n = (unsigned)r->n;
	memcpy(c->frame, payload(r), r->n * sizeof(*c->frame));
	snprintf(c->name, sizeof(c->name), "%s", text_at(r, r->n * 8));
	if (r->off)
		run->transactions = r->off;
}

static void returned(struct loader *l, const struct record *r)
{
	struct run *run = l->run;

	for (size_t i = run->call_n; i-- > 0;)
		if (run->call[i].number == r->number) {
			run->call[i].end = run->trace.n;
			break;
		}
	trace_add(&run->trace, TRACE_MARK, 0, 0, 0)->thread = r->thread;
}

static void module_found(struct loader *l, const struct record *r)
{
	struct run *run = l->run;
	struct run_module m = {r->off, r->n, r->number, strdup(text_at(r, 0))};

	run->module = crash_room(run->module, &run->module_cap,
				 run->module_n + 1, sizeof(m));
	run->module[run->module_n++] = m;
}

/* What reached the medium. */
static void medium_event(struct loader *l, const struct record *r)
{
	static const uint8_t kinds[] = {
		[REC_WRITE] = TRACE_WRITE, [REC_FILL] = TRACE_FILL,
		[REC_FLUSH] = TRACE_FLUSH, [REC_FENCE] = TRACE_FENCE,
		[REC_GROW] = TRACE_GROW,
	};
	struct run *run = l->run;
	struct run_pool *p = &run->pool[r->medium];
	struct trace_event *e;
	uint64_t arg = r->number, end = r->off + r->n;

	if (r->medium >= run->pool_n ||
	    (r->kind <= REC_FLUSH && (end < r->off || end > p->latest_size))) {
		refuse(l, "the trace is damaged");
		return;
	}
	if (r->kind == REC_WRITE) {
		arg = trace_bytes(&run->trace, payload(r), r->n);
		memcpy(p->latest + r->off, payload(r), r->n);
	} else if (r->kind == REC_FILL) {
		memset(p->latest + r->off, (int)r->number, r->n);
	} else if (r->kind == REC_GROW) {
		p->latest_size = r->n;
	}
	if (r->kind <= REC_FILL) {
		note_pages(p, r->off, r->n);
		run->writes++;
		run->written += r->n;
	}
	run->fences += r->kind == REC_FENCE;
	e = trace_add(&run->trace, kinds[r->kind], r->medium, r->off, r->n);
	e->arg = arg;
	e->how = r->how;
	e->thread = r->thread;
}

static void event(struct loader *l, const struct record *r)
{
	static void (*const by_kind[REC_N])(struct loader *l,
					    const struct record *r) = {
		[REC_WRITE] = medium_event, [REC_FILL] = medium_event,
		[REC_FLUSH] = medium_event, [REC_FENCE] = medium_event,
		[REC_GROW] = medium_event, [REC_OPEN] = opened,
		[REC_READY] = ready, [REC_BEGIN] = begun,
		[REC_RETURN] = returned, [REC_MODULE] = module_found,
	};

	if (by_kind[r->kind])
		by_kind[r->kind](l, r);
}

static bool has_file(const char *dir, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return access(path, F_OK) == 0;
}

/* Which pools were left out, when there is nothing else. */
static const char *skipped(const char *dir)
{
	char path[4096], line[512] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/" FILE_SKIPPED, dir);
	f = fopen(path, "re");
	if (!f)
		return "it opened no pool through the shared library of "
		       "libpmheap (a program that is linked statically, or "
		       "runs with other rights, cannot be recorded)";
	if (fgets(line, sizeof(line), f))
		line[strcspn(line, "\n")] = 0;
	fclose(f);
	snprintf(why, sizeof(why), "it changed no pool that lies in a file; "
		 "%s", line);
	return why;
}

static const char *map_trace(struct loader *l, uint64_t *len)
{
	const struct record_head *h;
	char path[4096];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/" FILE_TRACE, l->dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? skipped(l->dir) : strerror(errno);
	l->base = MAP_FAILED;
	if (fstat(fd, &st) == 0 && st.st_size >= (off_t)RECORD_HEAD)
		l->base = mmap(NULL, (size_t)st.st_size, PROT_READ,
			       MAP_PRIVATE, fd, 0);
	close(fd);
	if (l->base == MAP_FAILED)
		return "its trace is empty";
	*len = (uint64_t)st.st_size;
	h = (const void *)l->base;
	l->used = h->used;
	l->run->full = h->full;
	if (h->magic != RECORD_MAGIC || h->used > *len)
		return "its trace is not of this version of pmheap";
	return NULL;
}

const char *run_load(struct run *run, const char *dir)
{
	struct loader l = {.run = run, .dir = dir};
	const char *error;
	uint64_t len;

	memset(run, 0, sizeof(*run));
	error = map_trace(&l, &len);
	if (error)
		return error;
	run->callback = has_file(dir, FILE_CALLBACK);
	run->other = has_file(dir, FILE_OTHER);
	each(&l, measure);
	if (!l.bad)
		pools_prepare(&l);
	if (!l.bad)
		each(&l, event);
	munmap((void *)l.base, len);
	if (!l.bad && run->pool_n == 0)
		return skipped(dir);
	return l.bad;
}
