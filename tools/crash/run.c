/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * run.c: questions about a recorded run.
 */
#include "crash/run.h"
#include "crash/states.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

bool run_has(const struct run *run, unsigned pool, size_t event)
{
	return run->pool[pool].ready <= event;
}

bool run_is_open(const struct run *run, size_t event)
{
	for (size_t i = 0; i < run->hole_n; i++)
		if (event >= run->hole[i].from && event <= run->hole[i].to)
			return false;
	for (unsigned i = 0; i < run->pool_n; i++)
		if (run_has(run, i, event))
			return true;
	return false;
}

bool run_is_point(const struct run *run, size_t event)
{
	return run_is_open(run, event) && states_is_point(&run->trace, event);
}

bool run_same_place(const struct run_call *a, const struct run_call *b)
{
	if (!a || !b)
		return a == b;
	return a->frame_n == b->frame_n && strcmp(a->name, b->name) == 0 &&
	       memcmp(a->frame, b->frame, a->frame_n * sizeof(*a->frame)) == 0;
}

unsigned run_primary(const struct run *run)
{
	for (unsigned i = 0; i < run->pool_n; i++)
		if (run->pool[i].primary)
			return i;
	return 0;
}

void run_images(const struct run *run, struct journal *j)
{
	memset(j, 0, sizeof(*j));
	for (unsigned i = 0; i < run->pool_n; i++) {
		const struct run_pool *p = &run->pool[i];
		uint8_t *bytes = mmap(NULL, p->room, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS |
				      MAP_NORESERVE, -1, 0);

		if (bytes == MAP_FAILED) {
			perror("crash states");
			abort();
		}
		for (uint64_t k = 0; k < p->start_size / 4096; k++)
			if (p->page[k / 64] >> k % 64 & 1)
				memcpy(bytes + k * 4096, p->start + k * 4096,
				       4096);
		j->image[i].bytes = bytes;
		j->image[i].size = p->start_size;
	}
}

void run_images_free(const struct run *run, struct journal *j)
{
	for (unsigned i = 0; i < run->pool_n; i++)
		munmap(j->image[i].bytes, run->pool[i].room);
	journal_free(j);
}

const struct run_call *run_returned(const struct run *run, size_t event)
{
	const struct run_call *last = NULL;

	for (size_t i = 0; i < run->call_n; i++)
		if (run->call[i].end <= event &&
		    (!last || run->call[i].end > last->end))
			last = &run->call[i];
	return last;
}

const struct run_call *run_in_progress(const struct run *run, size_t event)
{
	for (size_t i = 0; i < run->call_n; i++)
		if (run->call[i].begin <= event && run->call[i].end > event)
			return &run->call[i];
	return NULL;
}

const struct run_call *run_next(const struct run *run,
				const struct run_call *call)
{
	size_t i = call ? (size_t)(call - run->call) + 1 : 0;

	for (; i < run->call_n; i++)
		if (!call || run->call[i].thread == call->thread)
			return &run->call[i];
	return NULL;
}

void run_free(struct run *run)
{
	for (unsigned i = 0; i < run->pool_n; i++) {
		struct run_pool *p = &run->pool[i];

		free(p->path);
		if (!p->start)
			continue;
		munmap(p->start, p->room);
		munmap(p->latest, p->room);
		munmap(p->page, p->room / 4096 / 8 + 8);
	}
	for (size_t i = 0; i < run->module_n; i++)
		free(run->module[i].path);
	free(run->module);
	free(run->call);
	free(run->hole);
	trace_free(&run->trace);
}
