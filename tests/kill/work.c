/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * work.c: the workload. What commit n of a worker does follows from n and the
 * worker alone, so that the model can repeat it; it goes through everything
 * that makes an entry: ranges, slots, large objects, spills, reallocs, nested
 * levels, aborts, single operations, other regions and their numbers.
 */
#include "kill.h"

const struct world worlds[] = {
	/* Large objects and spills checkpoint; without, the log gets long. */
	{ .name = "long log", .size = 8 * MIB, .max_size = 32 * MIB,
	  .no_large = true },
	{ .name = "growing, tiny lanes", .size = MIB, .max_size = 64 * MIB,
	  .lanes = 4, .lane_size = 8 * KIB },
	{ .name = "work budget", .size = 2 * MIB, .max_size = 64 * MIB,
	  .budget = 128 * KIB },
	{ .name = "secondaries", .size = 2 * MIB, .max_size = 64 * MIB,
	  .secondaries = true },
	{ .name = "resident, tiny lanes", .size = 2 * MIB,
	  .max_size = 64 * MIB, .lanes = 8, .lane_size = 8 * KIB,
	  .flags = PM_RESIDENT, .secondaries = true },
};
const int n_worlds = T_N(worlds);

struct root *root;
struct cells *second;
struct world world;
static int other_region;

void plan_of(struct plan *p, uint64_t me, uint64_t n)
{
	uint64_t seed = (n << 8 | me) * 0x9e3779b97f4a7c15u | 1, x, i;

	(void)t_random(&seed);
	p->kind = n % 8 == 0 && me == 0 && world.secondaries
		? SECONDARY : t_random(&seed) % SECONDARY;
	if (p->kind == LARGE && world.no_large)
		p->kind = PLAIN;
	p->both = world.two_regions && p->kind != SINGLE && n % 3 != 0;
	p->aborts = t_random(&seed) % 5 == 0;
	p->cells = 1 + (unsigned)(t_random(&seed) % T_N(p->cell));
	for (i = 0; i < p->cells; i++)
		p->cell[i] = (unsigned)(t_random(&seed) % CELLS);
	p->slot = (unsigned)(t_random(&seed) % SLOTS);
	p->nodes = (unsigned)(t_random(&seed) % 40);
	x = t_random(&seed);
	p->len = 1 + x % 600;
	if (p->kind == LARGE) {
		p->len = 64 * KIB + x % (64 * KIB);
	} else if (x % 19 == 0 && !world.no_large) {
		p->len = 3000 + x % 30000;
	}
}

static PmWrapperConfig config_of(const char *name, size_t size, size_t max)
{
	PmWrapperConfig c = t_config_of(name, size, max);

	c.flags |= world.flags;
	c.lanes = world.lanes;
	c.lane_size = world.lane_size;
	c.work_budget = world.budget;
	c.durability = world.durability;
	c.flush_ms = world.flush_ms;
	return c;
}

void open_pools(void)
{
	t_ok(pm_init(config_of("p", world.size, world.max_size)));
	root = pm_root(sizeof *root);
	t_given(root);
	if (!world.two_regions)
		return;
	other_region = pm_init_sec(config_of("a", MIB, 64 * MIB));
	ck_assert_msg(other_region > PM_PRIMARY, "%s", pm_errormsg());
	second = pm_root_in(other_region, WORKERS * sizeof *second);
	t_given(second);
}

static const char *secondary_name(unsigned k)
{
	static const char *const names[SECONDARIES] = { "s0", "s1", "s2" };

	return names[k];
}

int open_secondary(unsigned k)
{
	PmWrapperConfig c = t_config_of(secondary_name(k), MIB, 0);
	int region;

	c.durability = world.durability;
	region = pm_init_sec(c);
	ck_assert_msg(region > PM_PRIMARY, "%s", pm_errormsg());
	return region;
}

void remove_pools(void)
{
	unsigned k;

	(void)unlink(t_path("p"));
	(void)unlink(t_path("a"));
	for (k = 0; k < SECONDARIES; k++)
		(void)unlink(t_path(secondary_name(k)));
}

static int region_of_slot(unsigned i)
{
	return world.two_regions && i % 2 == 1 ? other_region : PM_PRIMARY;
}

static void new_object(struct worker *w, const struct plan *p, uint64_t n)
{
	unsigned char *obj;

	pm_free(w->slot[p->slot]);
	obj = p->len % 2 == 0
		? pm_alloc_in(region_of_slot(p->slot), p->len)
		: pm_calloc_in(region_of_slot(p->slot), p->len, 1);
	t_given(obj);
	memset(obj, (int)(n & 255), p->len);
	TX_SET(w->slot[p->slot], obj);
}

/* Keeps the first half, as far as it was there; the rest gets a new tag. */
static void resize_object(struct worker *w, const struct plan *p,
			  const struct model *lens, uint64_t n)
{
	unsigned char *obj = w->slot[p->slot];
	size_t from = p->len / 2;

	if (obj == NULL) {
		new_object(w, p, n);
		return;
	}
	if (lens->len[p->slot] < from)
		from = lens->len[p->slot];
	obj = pm_realloc(obj, p->len);
	t_given(obj);
	t_given(pm_fill(obj + from, (int)(n & 255), p->len - from));
	TX_SET(w->slot[p->slot], obj);
}

/* More than a tiny lane holds: the records spill. */
static void change_all(struct worker *w, const struct model *lens, uint64_t n)
{
	unsigned i;

	for (i = 0; i < SLOTS; i++) {
		if (w->slot[i] == NULL || lens->len[i] > 40000)
			continue;
		ck_assert_int_eq(TX_ADD_RANGE(w->slot[i], lens->len[i]), 0);
		memset(w->slot[i], (int)(n & 255), lens->len[i]);
	}
}

static void new_chain(struct worker *w, const struct plan *p, uint64_t n)
{
	struct node *node, *next;
	unsigned i;

	for (node = w->chain; node != NULL; node = next) {
		next = node->next;
		pm_free(node);
	}
	for (i = 0, next = NULL; i < p->nodes; i++, next = node) {
		node = pm_alloc_type(region_of_slot(i), sizeof *node, 7);
		t_given(node);
		node->next = next;
		node->value = n;
	}
	TX_SET(w->chain, next);
}

/* All of it is undone. */
static void nested_abort(struct worker *w, const struct plan *p)
{
	unsigned char *obj;

	TX_START {
		TX_SET(w->c.cell[p->cell[0]], ~0ul);
		obj = pm_realloc(w->slot[p->slot], p->len * 3);
		t_given(obj);
		TX_SET(w->slot[p->slot], obj);
		TX_START {
			t_given(pm_alloc(100));
			TX_SET(w->c.cell[p->cell[0]], ~1ul);
		} TX_END
		TX_ABORT(1);
	} TX_END
}

static void change(struct worker *w, const struct plan *p,
		   const struct model *lens, uint64_t n)
{
	switch (p->kind) {
	case PLAIN:
	case LARGE:
	case SECONDARY:
		new_object(w, p, n);
		break;
	case REALLOC:
		resize_object(w, p, lens, n);
		break;
	case MANY:
		change_all(w, lens, n);
		break;
	case NESTED:
		nested_abort(w, p);
		new_object(w, p, n);
		break;
	case CHAIN:
		new_chain(w, p, n);
		break;
	case SINGLE:
	case KINDS:
		break;
	}
}

static void abort_one(struct worker *w, const struct plan *p, uint64_t me,
		      const struct model *lens, uint64_t n)
{
	tell(&shared->phase[me], AT_ABORT);
	TX_START {
		TX_SET(w->c.n, n + 1000);
		TX_SET(w->seen[me], n);
		change(w, p, lens, n + 1);
		TX_ABORT(1);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 1);
}

static void change_cells(struct cells *c, const struct plan *p, uint64_t n)
{
	unsigned i;

	for (i = 0; i < p->cells; i++)
		TX_SET(c->cell[p->cell[i]], n);
	TX_SET(c->n, n);
}

/* One call, one entry: no transaction around it. */
static void commit_single(struct worker *w, const struct plan *p, uint64_t me,
			  uint64_t n)
{
	struct cells c = w->c;
	unsigned i;

	for (i = 0; i < p->cells; i++)
		c.cell[p->cell[i]] = n;
	c.n = n;
	tell(&shared->phase[me], AT_SINGLE);
	t_given(pm_write(&w->c, &c, sizeof c));
}

static void commit_tx(struct worker *w, const struct plan *p, uint64_t me,
		      const struct model *lens, uint64_t n, uint64_t *counter)
{
	unsigned i;

	tell(&shared->phase[me], AT_BODY);
	TX_START {
		for (i = 0; i < WORKERS; i++)
			TX_SET(w->seen[i], look(&shared->reported[i]));
		change(w, p, lens, n);
		change_cells(&w->c, p, n);
		if (p->both)
			change_cells(&second[me], p, n);
		if (counter != NULL) {
			TX_SET(*counter, n);
			TX_SET(w->c.secondary[n / 8 % SECONDARIES], n);
		}
		tell(&shared->phase[me], AT_COMMIT);
	} TX_END
	ck_assert_msg(pm_tx_errno() == 0, "%s", pm_errormsg());
}

/* A region that is open for this transaction only. */
static void commit_over_secondary(struct worker *w, const struct plan *p,
				  uint64_t me, const struct model *lens,
				  uint64_t n)
{
	uint64_t *counter;
	int region;

	tell(&shared->phase[me], AT_SECONDARY);
	region = open_secondary((unsigned)(n / 8 % SECONDARIES));
	counter = pm_root_in(region, sizeof *counter);
	t_given(counter);
	commit_tx(w, p, me, lens, n, counter);
	tell(&shared->phase[me], AT_SECONDARY);
	tell(&shared->reported[me], n);
	t_ok(pm_close_sec(region));
}

static void flush_now(uint64_t me)
{
	uint64_t known[WORKERS];
	int i;

	tell(&shared->phase[me], AT_FLUSH);
	for (i = 0; i < WORKERS; i++)
		known[i] = look(&shared->reported[i]);
	t_ok(pm_flush());
	for (i = 0; i < WORKERS; i++)
		tell(&shared->flushed[i], known[i]);
}

void commit(uint64_t me, uint64_t n)
{
	static struct model lens[WORKERS];	/* of the objects */
	struct worker *w = &root->worker[me];
	struct plan p;
	bool deferred;

	if (lens[me].c.n != n - 1)
		model_advance(&lens[me], me, n - 1);
	plan_of(&p, me, n);
	if (p.aborts)
		abort_one(w, &p, me, &lens[me], n);
	if (p.kind == SINGLE)
		commit_single(w, &p, me, n);
	else if (p.kind == SECONDARY)
		commit_over_secondary(w, &p, me, &lens[me], n);
	else
		commit_tx(w, &p, me, &lens[me], n, NULL);
	deferred = world.durability == PM_RELAXED ||
		   (p.kind == SINGLE && (world.flags & PM_FLUSH_MANUAL));
	tell(&shared->reported[me], n);
	if (!deferred)
		tell(&shared->flushed[me], n);
	else if (me == 0 && n % 37 == 0)
		flush_now(me);
	model_advance(&lens[me], me, n);
}
