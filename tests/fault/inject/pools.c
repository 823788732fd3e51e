/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pools.c: the pools that the scenarios start from.
 */
#include "inject.h"

#include <signal.h>
#include <string.h>

const char *backend;
int second;

PmWrapperConfig config_new(const char *name)
{
	PmWrapperConfig c = { .layout = "inject", .size = 1 * MIB,
			      .max_size = 16 * MIB, .lanes = 2,
			      .lane_size = 16 * KIB };

	c.flags = PM_CREATE | PM_EXCL;
	if (!strcmp(backend, "volatile"))
		return c;
	c.path = path_of(name);
	c.backend_name = backend;
	if (!strcmp(backend, "dax"))
		c.flags |= PM_ASSUME_PMEM;
	return c;
}

PmWrapperConfig config_old(const char *name, unsigned flags)
{
	PmWrapperConfig c = config_new(name);

	c.size = c.max_size = c.lane_size = c.lanes = 0;
	c.flags &= ~(PM_CREATE | PM_EXCL);
	c.flags |= flags;
	return c;
}

struct root *root_a(void)
{
	return pm_root(0);
}

struct root *root_b(void)
{
	return second ? pm_root_in(second, 0) : NULL;
}

uint64_t objects_in(int region)
{
	PmStats s;

	return pm_stats(region, &s) ? 0 : s.objects;
}

bool bytes_are(const void *p, int value, size_t n)
{
	const unsigned char *b = p;

	while (n && *b == (unsigned char)value) {
		b++;
		n--;
	}
	return n == 0;
}

static const size_t made_size[] = { 100, 3000, 40 * KIB };
#define MADE (sizeof(made_size) / sizeof(*made_size))

static void fill(int region)
{
	struct root *r = pm_root_in(region, sizeof(*r));
	unsigned i;

	NEED(r);
	TX_START {
		TX_ADD(r);
		for (i = 0; i < 64; i++)
			r->cell[i] = i + 1;
		for (i = 0; i < MADE; i++) {
			r->obj[i] = pm_alloc_in(region, made_size[i]);
			if (!r->obj[i])
				TX_ABORT(0);
			memset(r->obj[i], (int)i + 1, made_size[i]);
		}
	} TX_END
	NEED(pm_tx_errno() == 0);
}

/* Work that leaves all as it is, so that the log has something to replay. */
static void stir(int region)
{
	struct root *r = pm_root_in(region, 0);
	unsigned i;

	for (i = 0; i < 20; i++) {
		NEED(PM_SET(r->cell[i], 99));
		NEED(PM_SET(r->cell[i], i + 1));
	}
	pm_free(pm_alloc_in(region, 2000));
	NEED(pm_fill(r->obj[0], 1, 100));
}

static bool is_as_made(const struct root *r, int region)
{
	unsigned i;

	if (!r || objects_in(region) != MADE + 1)
		return false;
	for (i = 0; i < 64; i++)
		if (r->cell[i] != i + 1)
			return false;
	for (i = 0; i < OBJECTS; i++) {
		if (i >= MADE ? r->obj[i] != NULL
		    : !bytes_are(r->obj[i], (int)i + 1, made_size[i]))
			return false;
	}
	return true;
}

bool a_is_as_made(void)
{
	return is_as_made(root_a(), PM_PRIMARY);
}

bool b_is_as_made(void)
{
	return is_as_made(root_b(), second);
}

void make_a(void)
{
	NEED(pm_init(config_new("a")) == 0);
	fill(PM_PRIMARY);
	stir(PM_PRIMARY);
}

void make_ab(void)
{
	make_a();
	second = pm_init_sec(config_new("b"));
	NEED(second > 0);
	fill(second);
	stir(second);
}

/* The last thing that the log has is a transaction over both. */
void make_ab_crashed(void)
{
	struct root *a, *b;

	make_ab();
	a = root_a();
	b = root_b();
	TX_START {
		TX_SET(a->cell[0], 100);
		TX_SET(b->cell[0], 100);
	} TX_END
	TX_START {
		TX_SET(a->cell[0], 1);
		TX_SET(b->cell[0], 1);
	} TX_END
	NEED(pm_tx_errno() == 0);
}

void open_a(void)
{
	NEED(pm_init(config_old("a", 0)) == 0);
}

void open_ab(void)
{
	open_a();
	second = pm_init_sec(config_old("b", 0));
	NEED(second > 0);
}
