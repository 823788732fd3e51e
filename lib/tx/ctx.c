/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ctx.c: what a thread keeps for its transaction, and the list of all threads'
 * so that closing and trimming can see who is inside one.
 */
#include "tx/internal.h"

#include <linux/membarrier.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

THREAD_LOCAL int tx_last;
THREAD_LOCAL struct ctx *tx_mine;
static pthread_key_t key;
static pthread_mutex_t ctx_mu = PTHREAD_MUTEX_INITIALIZER;
static struct ctx *all;
AO_t tx_gate;

static void part_free(struct part *p)
{
	free(p->buf);
	free(p);
}

static void ctx_free(void *arg)
{
	struct ctx *c = arg;
	uint32_t i;

	/* A thread that ends inside a transaction has left it. */
	if (AO_load(&c->depth) && !table_in_child()) {
		ctx_rollback(c, 0, 0);
		ctx_end(c, ECANCELED);
	}
	pthread_mutex_lock(&ctx_mu);
	if (c->prev)
		c->prev->next = c->next;
	else
		all = c->next;
	if (c->next)
		c->next->prev = c->prev;
	pthread_mutex_unlock(&ctx_mu);
	for (i = 0; i < c->part_cap; i++)
		if (c->part[i])
			part_free(c->part[i]);
	free(c->part);
	free(c->level);
	free(c->op);
	free(c->undo);
	free(c->commit_call);
	free(c->abort_call);
	free(c->held);
	free(c->ranges.e);
	free(c->fresh.e);
	debug_free(&c->debug);
	free(c);
	tx_mine = NULL;
}

/* The key by which threads that end are noticed; tried again if it fails. */
static bool make_key(void)
{
	static bool made;
	bool ok;

	pthread_mutex_lock(&ctx_mu);
	if (!made)
		made = pthread_key_create(&key, ctx_free) == 0;
	ok = made;
	pthread_mutex_unlock(&ctx_mu);
	if (!ok)
		err_set(ENOMEM, "all keys for data of threads are in use");
	return ok;
}

struct ctx *ctx_new(void)
{
	struct ctx *c;

	if (!make_key())
		return NULL;
	c = calloc(1, sizeof(*c));
	/* Other threads read part[], so it never moves. */
	if (c) {
		c->part_cap = 2 * PARTS_MAX;
		c->part = calloc(c->part_cap, sizeof(*c->part));
		if (!c->part) {
			free(c);
			c = NULL;
		}
	}
	if (!c || pthread_setspecific(key, c)) {
		if (c)
			free(c->part);
		free(c);
		err_set(ENOMEM, "out of memory");
		return NULL;
	}
	pthread_mutex_lock(&ctx_mu);
	c->next = all;
	if (all)
		all->prev = c;
	all = c;
	pthread_mutex_unlock(&ctx_mu);
	tx_mine = c;
	return c;
}

void ctx_wait_gate(struct ctx *c)
{
	do {
		AO_store_full(&c->depth, 0);
		while (AO_load_acquire(&tx_gate))
			sched_yield();
		AO_store_full(&c->depth, 1);
	} while (AO_load_acquire(&tx_gate));
}

/* Every thread passes a full barrier. False: the kernel has no such call, or a
 * filter forbids it; a barrier on this side alone would prove nothing. */
static bool barrier_all(void)
{
	static AO_t registered;

	if (!AO_load(&registered)) {
		syscall(SYS_membarrier,
			MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
		AO_store(&registered, 1);
	}
	return syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0,
		       0) == 0;
}

bool tx_gate_close(void)
{
	AO_fetch_and_add1_full(&tx_gate);
	return barrier_all();
}

void tx_gate_open(void)
{
	AO_fetch_and_sub1_full(&tx_gate);
}

bool tx_others_are_idle(void)
{
	bool idle = !tx_mine || !AO_load(&tx_mine->depth) || tx_mine->committing;
	struct ctx *c;

	pthread_mutex_lock(&ctx_mu);
	for (c = all; c && idle; c = c->next)
		idle = c == tx_mine || !AO_load_acquire(&c->depth);
	pthread_mutex_unlock(&ctx_mu);
	return idle;
}

bool tx_touches(const struct region *r)
{
	bool found = false;
	struct ctx *c;
	AO_t i;

	pthread_mutex_lock(&ctx_mu);
	for (c = all; c && !found; c = c->next) {
		if (!AO_load_acquire(&c->depth))
			continue;
		found = !r;
		for (i = 0; !found && i < AO_load_acquire(&c->part_n); i++)
			found = __atomic_load_n(&c->part[i]->r,
						__ATOMIC_RELAXED) == r;
	}
	pthread_mutex_unlock(&ctx_mu);
	return found;
}

void tx_forget_child(void)
{
	struct ctx *c = tx_mine;

	if (!c)
		return;
	AO_store(&c->depth, 0);
	c->part_n = 0;
	c->op_n = c->noted = c->level_n = c->held_n = c->alloc_n = c->meta_n = 0;
	c->dead_op = 0;
	c->any_dead = false;
	c->commit_n = c->abort_n = 0;
	c->undo_n = 0;
	c->lines = 0;
	c->unsaved_n = 0;
	c->single = c->committing = c->spilling = false;
	map_clear(&c->ranges);
	map_clear(&c->fresh);
}

void tx_fork_lock(void)
{
	pthread_mutex_lock(&ctx_mu);
}

void tx_fork_unlock(bool child)
{
	/* Other threads are not in the child; their contexts are left. */
	if (child) {
		all = tx_mine;
		if (tx_mine)
			tx_mine->next = tx_mine->prev = NULL;
		AO_store(&tx_gate, 0);
		spill_fork_child();
		multi_fork_child();
		locks_fork_child();
		alloc_fork_child();
		debug_fork_child(tx_mine ? tx_mine->debug : NULL);
		memory_fork_child();
	}
	pthread_mutex_unlock(&ctx_mu);
}

int vec_grow(void *vec, uint32_t n, uint32_t *cap, size_t elem)
{
	void **v = vec;
	uint32_t more = *cap ? *cap * 2 : 16;
	void *p;

	p = realloc(*v, more * elem);
	if (!p)
		return err_set(ENOMEM, "out of memory in a transaction of %u "
			       "operations", n);
	memset((uint8_t *)p + *cap * elem, 0, (more - *cap) * elem);
	*v = p;
	*cap = more;
	return 0;
}

static uint32_t map_slot(const struct addrmap *m, uint64_t k)
{
	uint32_t i = (uint32_t)(k * 0x9e3779b97f4a7c15ull >> 32) & (m->cap - 1);

	while (m->e[i].gen == m->gen && m->e[i].key != k)
		i = (i + 1) & (m->cap - 1);
	return i;
}

bool map_find(const struct addrmap *m, uint64_t k, uint32_t *val)
{
	uint32_t i;

	if (!m->n)
		return false;
	i = map_slot(m, k);
	*val = m->e[i].val;
	return m->e[i].gen == m->gen;
}

static int map_grow(struct addrmap *m)
{
	struct addrmap old = *m;
	uint32_t i;

	m->cap = old.cap ? old.cap * 2 : 64;
	m->e = calloc(m->cap, sizeof(*m->e));
	if (!m->e) {
		*m = old;
		return err_set(ENOMEM, "out of memory in a transaction");
	}
	m->gen = 1;
	for (i = 0; i < old.cap; i++) {
		uint32_t at;

		if (old.e[i].gen != old.gen)
			continue;
		at = map_slot(m, old.e[i].key);
		m->e[at] = old.e[i];
		m->e[at].gen = m->gen;
	}
	free(old.e);
	return 0;
}

int map_put(struct addrmap *m, uint64_t k, uint32_t val)
{
	uint32_t i;

	if (m->n * 2 >= m->cap && map_grow(m))
		return -1;
	i = map_slot(m, k);
	if (m->e[i].gen != m->gen)
		m->n++;
	m->e[i].key = k;
	m->e[i].val = val;
	m->e[i].gen = m->gen;
	return 0;
}

void map_clear(struct addrmap *m)
{
	/* A table that one large transaction blew up is not kept. */
	if (++m->gen == 0 || m->cap > 1 << 16) {
		free(m->e);
		memset(m, 0, sizeof(*m));
	}
	m->n = 0;
}

int part_find(struct ctx *c, struct region *r)
{
	AO_t i;

	for (i = 0; i < c->part_n; i++)
		if (c->part[i]->r == r)
			return (int)i;
	if (i == c->part_cap)
		return err_set(ENOTSUP, "a transaction touches more than %u "
			       "regions", c->part_cap);
	if (!c->part[i]) {
		c->part[i] = calloc(1, sizeof(*c->part[i]));
		if (!c->part[i])
			return err_set(ENOMEM, "out of memory");
	}
	__atomic_store_n(&c->part[i]->r, r, __ATOMIC_RELAXED);
	AO_store_release(&c->part_n, i + 1);
	return (int)i;
}

int undo_save(struct ctx *c, const void *p, uint64_t n, uint64_t *pos)
{
	if (UNLIKELY(c->undo_cap - c->undo_n < n)) {
		uint64_t cap = max_u64(c->undo_cap * 2, 4096);
		void *q;

		cap = max_u64(cap, round_up(c->undo_n + n, 4096));
		q = realloc(c->undo, cap);
		if (!q)
			return err_set(ENOMEM, "out of memory for the old "
				       "contents of %llu bytes",
				       (unsigned long long)n);
		c->undo = q;
		c->undo_cap = cap;
	}
	copy_short(c->undo + c->undo_n, p, n);
	*pos = c->undo_n;
	c->undo_n += n;
	return 0;
}
