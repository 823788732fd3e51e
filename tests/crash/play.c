/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * play.c: what the two threads of interleave.c do, and what must be left of it.
 * Every transaction takes its side to the next version.
 */
#include "interleave.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIB ((size_t)1024)
#define SIZE (1024 * KIB)
#define LANE (8 * KIB)
#define PREFILL 36		/* of 42 that fit a lane */
#define MANY 12

struct side {
	uint64_t version, cell[4];
	uint64_t multi;			/* as in the second region        */
	struct object {
		uint8_t *at;
		uint64_t size, tag;
	} object[OBJECTS];		/* small, large, rewritten        */
};

struct root {
	struct side side[SIDES];
};

struct second {
	uint64_t multi[SIDES];
};

static const char *const names[OP_KINDS] = {
	"set", "put", "del", "big", "spill", "multi", "nested", "grow",
	"write", "many", "flush", "reopen", "retire", "reuse",
};

const char *play_name(int what)
{
	return names[what];
}

const char *play_mode_name(int mode)
{
	static const char *const mode_names[MODES] = {
		"strict", "manual", "relaxed", "grouped",
	};

	return mode_names[mode];
}

static PmWrapperConfig config(int medium, enum mode mode)
{
	PmWrapperConfig c = {
		.path = medium ? "/park/b" : "/park/a",
		.backend = mode == STRICT ? &park_backend : &park_disk,
		.lanes = 2, .lane_size = LANE,
		.flags = mode == MANUAL ? PM_FLUSH_MANUAL : 0,
		.durability = mode == RELAXED ? PM_RELAXED : PM_STRICT,
		.flush_ms = 1000000,
	};

	return c;
}

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "interleave: %s: %s\n", what, pm_errormsg());
	abort();
}

static struct side *side_of(int side)
{
	struct root *root = pm_root(0);

	need(root != NULL, "root");
	return &root->side[side];
}

static void replace(struct object *o, size_t size, uint64_t tag)
{
	if (o->at)
		pm_free(o->at);
	TX_ADD(o);
	memset(o, 0, sizeof(*o));
	if (!size)
		return;
	o->at = pm_alloc(size);
	if (!o->at)
		return;
	memset(o->at, (int)tag, size);
	o->size = size;
	o->tag = tag;
}

static void rewrite(struct object *o, uint64_t tag)
{
	TX_MEMSET(o->at, (int)tag, o->size);
	TX_SET(o->tag, tag);
}

static void nested(struct side *s, uint64_t n)
{
	TX_START {
		replace(&s->object[0], 300, n);
		TX_ABORT(ECANCELED);
	} TX_END
	TX_START {
		replace(&s->object[0], 60, n);
	} TX_END
}

static void change(struct play *p, struct side *s, int side, enum op_kind what,
		   uint64_t n)
{
	struct second *second;

	switch (what) {
	case DO_PUT:
		replace(&s->object[0], 100, n);
		break;
	case DO_DEL:
		replace(&s->object[0], 0, n);
		break;
	case DO_BIG:
		replace(&s->object[1], 70000, n);
		break;
	case DO_GROW:
		replace(&s->object[1], 700000, n);
		break;
	case DO_SPILL:
		rewrite(&s->object[2], n);
		break;
	case DO_NESTED:
		nested(s, n);
		break;
	case DO_MULTI:
		second = pm_root_in(p->second, 0);
		if (!second) {
			pm_tx_abort(EINVAL);
			break;
		}
		TX_SET(second->multi[side], n);
		TX_SET(s->multi, n);
		break;
	default:
		break;
	}
}

static int one_transaction(struct play *p, int side, enum op_kind what,
			   uint64_t n)
{
	struct side *s = side_of(side);
	int i;

	TX_START {
		change(p, s, side, what, n);
		TX_SET(s->version, n);
		for (i = 0; i < 4; i++)
			TX_SET(s->cell[i], n);
	} TX_END
	return pm_tx_errno();
}

static int one_write(int side, uint64_t n)
{
	struct side *s = side_of(side);
	uint64_t to[5] = {n, n, n, n, n};

	return pm_write((char *)s + offsetof(struct side, version), to,
			sizeof(to)) ? 0 : errno;
}

static void step(struct play *p, int side, enum op_kind what)
{
	uint64_t n = p->side[side].done + 1;
	int err;

	p->side[side].begun = n;
	err = what == DO_WRITE ? one_write(side, n)
			       : one_transaction(p, side, what, n);
	if (err) {
		/* EINVAL: the second region is closed just now. */
		need(err == EIO || err == EINVAL, names[what]);
		return;
	}
	p->side[side].done = n;
	if (p->mode == STRICT || p->mode == GROUPED || what == DO_MULTI || what == DO_SPILL ||
	    (p->mode == MANUAL && what != DO_WRITE))
		p->side[side].durable = n;
}

static void flush(struct play *p, int side)
{
	uint64_t n = p->side[side].done;

	if (pm_flush() == 0)
		p->side[side].durable = n;
}

/* Another thread may be in a transaction with it. */
static void reopen(struct play *p)
{
	int second = p->second;

	p->second = 0;
	if (pm_close_sec(second) && errno == EBUSY) {
		p->second = second;
		return;
	}
	p->second = pm_init_sec(config(1, p->mode));
	need(p->second > 0 || errno == EIO, "opening the second region");
}

static void many(struct play *p, int side)
{
	int i;

	for (i = 0; i < MANY; i++)
		step(p, side, DO_SET);
}

void play_op(struct play *p, int side, enum op_kind what)
{
	switch (what) {
	case DO_FLUSH:
		step(p, side, DO_PUT);
		flush(p, side);
		break;
	case DO_REOPEN:
		reopen(p);
		break;
	case DO_MANY:
		many(p, side);
		break;
	case DO_RETIRE:
		/* One region's log is full; the other's asks what it held. */
		step(p, side, DO_MULTI);
		many(p, side);
		break;
	case DO_REUSE:
		/* What is allocated lies where chunks of the log were. */
		step(p, side, DO_SPILL);
		step(p, side, DO_BIG);
		break;
	default:
		step(p, side, what);
	}
}

void play_prefill(struct play *p, int side)
{
	int i;

	for (i = 0; i < PREFILL; i++)
		step(p, side, DO_SET);
}

void play_bounds(struct play *p, uint64_t *lo, uint64_t *hi)
{
	int i;

	for (i = 0; i < SIDES; i++) {
		if (lo)
			lo[i] = p->side[i].durable;
		if (hi)
			hi[i] = p->side[i].begun;
	}
}

static int open_both(struct play *p)
{
	if (pm_init(config(0, p->mode)))
		return -1;
	p->second = pm_init_sec(config(1, p->mode));
	return p->second < 0 ? -1 : 0;
}

void play_start(struct play *p, enum mode mode)
{
	memset(p, 0, sizeof(*p));
	p->mode = mode;
	need(open_both(p) == 0, "opening");
}

void play_end(struct play *p)
{
	(void)p;
	need(pm_close() == 0 || errno == EIO, "closing");
}

void play_setup(struct park_image *out)
{
	PmWrapperConfig c = config(0, STRICT);
	struct root *root;
	int i, second;

	c.flags |= PM_CREATE;
	c.size = SIZE;
	c.max_size = PARK_ROOM;
	need(pm_init(c) == 0, "creating the first region");
	c = config(1, STRICT);
	c.flags |= PM_CREATE;
	c.size = SIZE;
	second = pm_init_sec(c);
	need(second > 0, "creating the second region");
	root = pm_root(sizeof(*root));
	need(root && pm_root_in(second, sizeof(struct second)), "roots");
	for (i = 0; i < SIDES; i++) {
		TX_START {
			replace(&root->side[i].object[0], 100, 0);
			replace(&root->side[i].object[2], 20000, 0);
		} TX_END
		need(pm_tx_errno() == 0, "objects");
	}
	need(pm_close() == 0, "closing");
	park_take(out, false);
}

#define BAD(...) (snprintf(text, room, __VA_ARGS__), -1)

static int bad_side(const struct side *s, const struct second *second, int side,
		    uint64_t lo, uint64_t hi, uint64_t *objects, char *text,
		    size_t room)
{
	uint64_t k;
	int i;

	if (s->version < lo || s->version > hi)
		return BAD("side %d: version %lu, not %lu..%lu", side,
			   s->version, lo, hi);
	for (i = 0; i < 4; i++)
		if (s->cell[i] != s->version)
			return BAD("side %d: cell %d is %lu in version %lu",
				   side, i, s->cell[i], s->version);
	if (s->multi != second->multi[side])
		return BAD("side %d: %lu in the first region, %lu in the second",
			   side, s->multi, second->multi[side]);
	for (i = 0; i < OBJECTS; i++) {
		const struct object *o = &s->object[i];

		if (!o->at)
			continue;
		++*objects;
		if (pm_usable_size(o->at) < o->size)
			return BAD("side %d: object %d is not there", side, i);
		for (k = 0; k < o->size; k++)
			if (o->at[k] != (uint8_t)o->tag)
				return BAD("side %d: byte %lu of object %d is "
					   "%u, not %lu", side, k, i, o->at[k],
					   o->tag & 0xff);
	}
	return 0;
}

/* Goes on from what was found, and finds that again. */
static int go_on(struct play *p, char *text, size_t room)
{
	int i;

	for (i = 0; i < SIDES; i++) {
		struct side *s = side_of(i);

		p->side[i].done = s->version;
		play_op(p, i, DO_PUT);
		play_op(p, i, DO_MULTI);
		play_op(p, i, DO_SPILL);
		if (p->side[i].done != s->version)
			return BAD("side %d does not go on: %s", i,
				   pm_errormsg());
	}
	return 0;
}

static int judge(const uint64_t *lo, const uint64_t *hi, struct play *p,
		 char *text, size_t room)
{
	const struct root *root = pm_root(0);
	const struct second *second = pm_root_in(p->second, 0);
	uint64_t objects = 1;
	PmStats stats;
	int i;

	if (!root || !second)
		return BAD("a root is missing");
	for (i = 0; i < SIDES; i++)
		if (bad_side(&root->side[i], second, i, lo[i], hi[i], &objects,
			     text, room))
			return -1;
	if (pm_stats(PM_PRIMARY, &stats))
		return BAD("no stats");
	if (stats.objects != objects)
		return BAD("%lu objects, not %lu",
			   (unsigned long)stats.objects, objects);
	return 0;
}

int play_check(const struct play *was, const uint64_t *lo, const uint64_t *hi,
	       char *text, size_t room)
{
	static const uint64_t any[SIDES] = {UINT64_MAX, UINT64_MAX};
	uint64_t now[SIDES];
	struct play p = {0};
	int ret;

	p.mode = was->mode;
	if (open_both(&p)) {
		ret = BAD("it does not open: %s", pm_errormsg());
		pm_close();
		return ret;
	}
	ret = judge(lo, hi, &p, text, room);
	if (ret == 0)
		ret = go_on(&p, text, room);
	play_bounds(&p, NULL, now);
	if (pm_close() && ret == 0)
		ret = BAD("it does not close: %s", pm_errormsg());
	if (ret == 0 && open_both(&p))
		ret = BAD("it does not open again: %s", pm_errormsg());
	if (ret == 0)
		ret = judge(now, any, &p, text, room);
	pm_close();
	return ret;
}
