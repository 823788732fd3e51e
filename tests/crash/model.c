/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * model.c: reading a pool and comparing it with a version of the model.
 */
#include "model.h"
#include "alloc/alloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static uint64_t word_of(uint64_t tag, uint64_t i)
{
	return (tag + i * 0x9e3779b97f4a7c15ull) * 0xbf58476d1ce4e5b9ull;
}

void obj_fill(struct obj *o, uint64_t size, uint64_t tag)
{
	uint64_t n = size - sizeof(*o), i;

	o->size = size;
	o->tag = tag;
	for (i = 0; i + 8 <= n; i += 8) {
		uint64_t word = word_of(tag, i);

		memcpy(o->bytes + i, &word, 8);
	}
	for (; i < n; i++)
		o->bytes[i] = (uint8_t)word_of(tag, i);
}

bool obj_is_right(const struct obj *o, uint64_t size, uint64_t tag)
{
	uint64_t n = size - sizeof(*o), i;

	if (o->size != size || o->tag != tag)
		return false;
	for (i = 0; i + 8 <= n; i += 8) {
		uint64_t word = word_of(tag, i);

		if (memcmp(o->bytes + i, &word, 8))
			return false;
	}
	for (; i < n; i++)
		if (o->bytes[i] != (uint8_t)word_of(tag, i))
			return false;
	return true;
}

static int read_slots(struct model *m, const struct root *root, char *text,
		      size_t room)
{
	int i, k;

	for (i = 0; i < SLOT_N; i++) {
		const struct obj *o = root->slot[i];
		size_t usable;

		if (!o)
			continue;
		for (k = 0; k < i; k++)
			if (root->slot[k] == o)
				break;
		usable = pm_usable_size(o);
		if (k < i || usable < sizeof(*o) || o->size < sizeof(*o) ||
		    o->size > usable) {
			snprintf(text, room, "slot %d: %s", i, k < i
				 ? "owned twice" : "not a live object");
			return -1;
		}
		if (!obj_is_right(o, o->size, o->tag)) {
			snprintf(text, room, "slot %d: object of %" PRIu64
				 " bytes, tag %" PRIu64 ": wrong bytes", i,
				 o->size, o->tag);
			return -1;
		}
		m->slot[i].size = o->size;
		m->slot[i].tag = o->tag;
	}
	return 0;
}

int model_read(struct model *out, bool second, char *text, size_t room)
{
	const struct root *root = pm_root(0);
	PmStats s = {0};

	memset(out, 0, sizeof(*out));
	/* pm_stats() also counts the working copy's pages, which takes long. */
	alloc_stats(table_get(PM_PRIMARY), &s);
	out->objects = s.objects;
	out->has_root = root != NULL;
	if (root) {
		memcpy(out->cell, root->cell, sizeof(out->cell));
		if (read_slots(out, root, text, room))
			return -1;
	}
	if (second) {
		int number = 2;
		const struct root_b *b = NULL;

		for (; number < 1024 && !pm_region_id(number); number++)
			;
		if (number < 1024)
			b = pm_root_in(number, 0);
		if (!b) {
			snprintf(text, room, "the second region has no root");
			return -1;
		}
		memcpy(out->cell_b, b->cell, sizeof(out->cell_b));
	}
	return 0;
}

bool model_is(const struct model *got, const struct model *want, bool second)
{
	return got->has_root == want->has_root &&
	       got->objects == want->objects &&
	       !memcmp(got->cell, want->cell, sizeof(got->cell)) &&
	       !memcmp(got->slot, want->slot, sizeof(got->slot)) &&
	       (!second || !memcmp(got->cell_b, want->cell_b,
				   sizeof(got->cell_b)));
}

void model_version(const struct run *r, uint64_t v, uint64_t patch,
		   struct model *out)
{
	const struct model *from, *to;
	int i;

	*out = r->version[v];
	if (!patch)
		return;
	from = &r->patch[patch - 1].from;
	to = &r->patch[patch - 1].to;
	for (i = 0; i < CELL_N; i++) {
		if (from->cell[i] != to->cell[i])
			out->cell[i] = to->cell[i];
		if (from->cell_b[i] != to->cell_b[i])
			out->cell_b[i] = to->cell_b[i];
	}
	for (i = 0; i < SLOT_N; i++)
		if (memcmp(&from->slot[i], &to->slot[i], sizeof(to->slot[i])))
			out->slot[i] = to->slot[i];
	out->objects += to->objects - from->objects;
}

void model_diff(const struct model *got, const struct model *want, bool second,
		char *text, size_t room)
{
	int i;

	if (got->has_root != want->has_root) {
		snprintf(text, room, "root is %s", got->has_root ? "there"
							 : "missing");
		return;
	}
	for (i = 0; i < CELL_N; i++) {
		if (got->cell[i] != want->cell[i]) {
			snprintf(text, room, "cell %d is %" PRIu64 ", not %"
				 PRIu64, i, got->cell[i], want->cell[i]);
			return;
		}
		if (second && got->cell_b[i] != want->cell_b[i]) {
			snprintf(text, room, "second region: cell %d is %"
				 PRIu64 ", not %" PRIu64, i, got->cell_b[i],
				 want->cell_b[i]);
			return;
		}
	}
	for (i = 0; i < SLOT_N; i++) {
		if (got->slot[i].tag != want->slot[i].tag ||
		    got->slot[i].size != want->slot[i].size) {
			snprintf(text, room, "slot %d has tag %" PRIu64
				 ", not %" PRIu64, i, got->slot[i].tag,
				 want->slot[i].tag);
			return;
		}
	}
	snprintf(text, room, "%" PRIu64 " objects are live, not %" PRIu64,
		 got->objects, want->objects);
}
