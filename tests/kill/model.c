/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * model.c: the workload repeated in ordinary memory, and its comparison with
 * what the pools hold.
 */
#include "kill.h"

void model_reset(struct model *m)
{
	unsigned i;

	for (i = 0; i < SLOTS; i++)
		free(m->bytes[i]);
	memset(m, 0, sizeof *m);
}

static void resize(struct model *m, unsigned slot, size_t len)
{
	m->bytes[slot] = realloc(m->bytes[slot], len);
	ck_assert_ptr_nonnull(m->bytes[slot]);
	m->len[slot] = len;
}

static void change_object(struct model *m, const struct plan *p, uint64_t n)
{
	bool keeps = p->kind == REALLOC && m->bytes[p->slot] != NULL;
	size_t from = keeps ? p->len / 2 : 0;

	if (keeps && m->len[p->slot] < from)
		from = m->len[p->slot];
	resize(m, p->slot, p->len);
	memset(m->bytes[p->slot] + from, (int)(n & 255), p->len - from);
}

static void change_all(struct model *m, uint64_t n)
{
	unsigned i;

	for (i = 0; i < SLOTS; i++)
		if (m->bytes[i] != NULL && m->len[i] <= 40000)
			memset(m->bytes[i], (int)(n & 255), m->len[i]);
}

static void change_cells(struct cells *c, const struct plan *p, uint64_t n)
{
	unsigned i;

	for (i = 0; i < p->cells; i++)
		c->cell[p->cell[i]] = n;
	c->n = n;
}

static void advance_one(struct model *m, uint64_t me, uint64_t n)
{
	struct plan p;

	plan_of(&p, me, n);
	m->kinds[p.kind]++;
	change_cells(&m->c, &p, n);
	if (p.both)
		change_cells(&m->second, &p, n);
	if (p.kind == MANY) {
		change_all(m, n);
	} else if (p.kind == CHAIN) {
		m->nodes = p.nodes;
		m->chain_n = n;
	} else if (p.kind != SINGLE) {
		change_object(m, &p, n);
	}
	if (p.kind == SECONDARY)
		m->c.secondary[n / 8 % SECONDARIES] = n;
}

void model_advance(struct model *m, uint64_t me, uint64_t n)
{
	while (m->c.n < n)
		advance_one(m, me, m->c.n + 1);
}

static void compare_objects(const struct model *m, const struct worker *w,
			    uint64_t *objects)
{
	const struct node *node;
	uint64_t nodes = 0;
	unsigned i;

	for (i = 0; i < SLOTS; i++) {
		if (m->bytes[i] == NULL) {
			ck_assert_ptr_null(w->slot[i]);
			continue;
		}
		++*objects;
		ck_assert_uint_ge(pm_usable_size(w->slot[i]), m->len[i]);
		ck_assert_msg(memcmp(w->slot[i], m->bytes[i], m->len[i]) == 0,
			      "object %u of %zu bytes differs", i, m->len[i]);
	}
	for (node = w->chain; node != NULL; node = node->next) {
		ck_assert_uint_eq(pm_type_of(node), 7);
		ck_assert_uint_eq(node->value, m->chain_n);
		ck_assert_uint_le(++nodes, m->nodes);
	}
	ck_assert_uint_eq(nodes, m->nodes);
	*objects += nodes;
}

static void compare_worker(struct model *m, uint64_t me, uint64_t *objects)
{
	const struct worker *w = &root->worker[me];
	uint64_t n = w->c.n, reported = shared->reported[me];

	ck_assert_msg(n >= shared->flushed[me] && n <= reported + 1,
		      "worker %lu: %lu commits reported, %lu flushed, %lu "
		      "found", (unsigned long)me, (unsigned long)reported,
		      (unsigned long)shared->flushed[me], (unsigned long)n);
	model_advance(m, me, n);
	ck_assert_msg(memcmp(&w->c, &m->c, sizeof m->c) == 0,
		      "worker %lu: the cells are not those of commit %lu",
		      (unsigned long)me, (unsigned long)n);
	if (world.two_regions)
		ck_assert_msg(memcmp(&second[me], &m->second,
				     sizeof m->second) == 0,
			      "worker %lu: the other region's cells are not "
			      "those of commit %lu", (unsigned long)me,
			      (unsigned long)n);
	compare_objects(m, w, objects);
}

/* What a commit knew of other workers' commits is there if it is there. */
static void compare_order(int workers)
{
	int i, j;

	for (i = 0; i < workers; i++)
		for (j = 0; j < workers; j++)
			ck_assert_msg(root->worker[i].seen[j] <=
				      root->worker[j].c.n,
				      "worker %d builds on commit %lu of %d, "
				      "which has %lu", i, (unsigned long)
				      root->worker[i].seen[j], j,
				      (unsigned long)root->worker[j].c.n);
}

static void compare_secondaries(const struct cells *c)
{
	unsigned k;

	for (k = 0; world.secondaries && k < SECONDARIES; k++) {
		const uint64_t *counter;
		int region;

		if (c->secondary[k] == 0)
			continue;
		region = open_secondary(k);
		counter = pm_root_in(region, 0);
		t_given(counter);
		ck_assert_uint_eq(*counter, c->secondary[k]);
		ck_assert_uint_eq(t_stats(region).objects, 1);
		t_ok(pm_close_sec(region));
	}
}

void compare_pools(struct model *m, int workers)
{
	uint64_t objects = 1, found = t_stats(PM_PRIMARY).objects;
	int i;

	for (i = 0; i < workers; i++)
		compare_worker(&m[i], (uint64_t)i, &objects);
	if (world.two_regions) {
		objects++;
		found += t_stats(pm_region_of(second)).objects;
	}
	ck_assert_uint_eq(found, objects);
	compare_order(workers);
	compare_secondaries(&root->worker[0].c);
}

static int check_pool(const char *name)
{
	PmCheckReport c;

	if (access(t_path(name), F_OK) != 0)
		return 0;
	t_ok(pm_check(t_path(name), 0, &c));
	ck_assert_msg(c.faults == (c.status == PM_CHECK_REPAIRABLE), "%s",
		      c.message);
	return (int)c.faults;
}

int check_pools(void)
{
	int damaged = check_pool("p");

	if (world.two_regions)
		damaged += check_pool("a");
	return damaged;
}
