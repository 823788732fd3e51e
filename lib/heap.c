/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heap.c: opening and closing regions; the order in which the layers start.
 *
 *	medium -> header -> number -> recover the log into home -> working copy
 *	-> allocator -> checkpoint -> table of open regions -> id map
 *
 * Nothing is written to an existing medium before its log has been judged.
 */
#include "heap.h"
#include "debug/debug.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define KNOWN_FLAGS (PM_CREATE | PM_EXCL | PM_RDONLY | PM_SCRATCH |	\
		     PM_ASSUME_PMEM | PM_FLUSH_MANUAL | PM_RESIDENT |	\
		     PM_DONTFORK | PM_CATCH_SIGBUS |			\
		     PM_DEBUG_UNLOGGED)

pthread_mutex_t heap_mu = PTHREAD_MUTEX_INITIALIZER;

struct region *heap_region(int number)
{
	struct region *r = table_get(number);

	if (!r)
		err_set(EINVAL, "region %d is not open", number);
	return r;
}

static int check_config(PmWrapperConfig *c)
{
	const char *assume = getenv("PMHEAP_ASSUME_PMEM");
	const char *name = c->path ? c->path : "(volatile region)";

	if (c->flags & ~KNOWN_FLAGS)
		return err_set(EINVAL, "%s: unknown flags %#x", name,
			       c->flags & ~KNOWN_FLAGS);
	if (!bytes_are_zero(c->reserved, sizeof(c->reserved)) ||
	    c->durability > PM_RELAXED)
		return err_set(EINVAL, "%s: the config was not initialised to "
			       "zero, or durability is not PM_STRICT or "
			       "PM_RELAXED", name);
	if ((c->flags & PM_RDONLY) && (c->flags & (PM_CREATE | PM_SCRATCH)))
		return err_set(EINVAL, "%s: PM_RDONLY goes with neither "
			       "PM_CREATE nor PM_SCRATCH", name);
	if (c->layout && strlen(c->layout) >= PM_LAYOUT_MAX)
		return err_set(EINVAL, "%s: the layout name is longer than %d "
			       "bytes", name, PM_LAYOUT_MAX - 1);
	if (c->size && c->size < PM_SIZE_MIN &&
	    (!c->path || (c->flags & PM_CREATE)))
		return err_set(EINVAL, "%s: size %zu is less than 1 MiB", name,
			       c->size);
	if (!c->path && !c->size)
		return err_set(EINVAL, "a volatile region needs a size");
	if (c->max_size && c->size && c->max_size < c->size)
		return err_set(EINVAL, "%s: max_size %zu is less than size "
			       "%zu", name, c->max_size, c->size);
	if (max_u64(c->max_size, c->size) >
	    (1ull << window.bits) - 2 * window_slot_size())
		return err_set(EINVAL, "%s: larger than the address window",
			       name);
	if (assume && !strcmp(assume, "1") && c->path && !c->backend)
		c->flags |= PM_ASSUME_PMEM;
	if (c->path && !c->size && (c->flags & PM_CREATE) &&
	    access(c->path, F_OK))
		return err_set(ENOENT, "%s: does not exist, and no size is "
			       "given to create it", name);
	return 0;
}

/* A fresh medium becomes an empty region. */
static int format(struct region *r, const PmWrapperConfig *c)
{
	struct pm_header *h = r->hdr;
	struct pm_zone *z = &h->zone[0];

	if (c->size < PM_SIZE_MIN)
		return err_set(EINVAL, "%s: the file is empty, and no size is "
			       "given to create a pool in it",
			       region_name(r));
	if (header_format(h, c))
		return -1;
	z->off = header_zone_off(h);
	z->len = h->size - z->off;
	z->n_ext = zone_extents(z->off, z->len, h->extent_size);
	/* The lanes take no more than half of the least size. */
	assert(z->n_ext > 0);
	h->n_zones = 1;
	r->zone_off = z->off;
	if (log_format(r))
		return -1;
	return medium_publish(&r->md);
}

static int check_layout(struct region *r, const PmWrapperConfig *c)
{
	if (!c->layout || !strcmp(c->layout, r->hdr->layout))
		return 0;
	return err_set(EINVAL, "%s: its layout is \"%s\", not \"%s\"",
		       region_name(r), r->hdr->layout, c->layout);
}

static int check_id(struct region *r)
{
	struct region *other = table_find_id(r->id);

	if (!other)
		return 0;
	return err_set(EEXIST, "%s: has the same region id, %016" PRIx64
		       ", as %s, which is open; if it is a copy, give it an "
		       "id of its own: pmheap reid %s", region_name(r), r->id,
		       region_name(other), region_name(r));
}

static int load_header(struct region *r, const PmWrapperConfig *c)
{
	unsigned i;

	r->home = r->md.m.base;
	if (r->md.fresh && format(r, c))
		return -1;
	if (header_read(&r->md, r->hdr, &r->hdr_copy, &r->hdr_other))
		return -1;
	/* The place to grow into was set aside by a look at it before; a
	 * user's backend sees to that itself. */
	if (r->md.m.fd >= 0 && !r->private &&
	    !(r->md.m.backend->traits & PM_BACKEND_NO_FILE) &&
	    r->md.m.max_size < r->hdr->max_size)
		return err_set(EIO, "%s: its header could be read only once",
			       region_name(r));
	r->hdr_one_copy = r->hdr_other != COPY_SAME;
	r->id = r->hdr->id;
	AO_store(&r->size, r->hdr->size);
	header_bounds(r);
	for (i = 0; i < PM_NUMBERS_MAX / 64; i++)
		r->known[i] = r->hdr->pinned[i];
	return 0;
}

/* Somebody may truncate the file under the mappings. */
static void guard_home(struct region *r)
{
	if ((r->flags & PM_CATCH_SIGBUS) && r->md.m.fd >= 0)
		guard_add(r->md.m.base, r->md.m.max_size,
			  PROT_READ | PROT_WRITE, &r->poisoned, POISON_CUT);
}

static void guard_work(struct region *r)
{
	uint64_t len = (uint64_t)r->span << window.slot_bits;
	int prot = r->readonly ? PROT_READ : PROT_READ | PROT_WRITE;

	if ((r->flags & PM_CATCH_SIGBUS) && r->md.m.fd >= 0)
		guard_add(r->work, len, prot, &r->poisoned, POISON_CUT);
}

struct region *heap_load(const PmWrapperConfig *config, bool verify_only)
{
	struct region *r = calloc(1, sizeof(*r));
	struct peers peers = {.config = config};
	struct recovery recovery;
	int err;

	if (r)
		r->hdr = aligned_alloc(PM_PAGE, PM_HDR_SIZE);
	if (!r || !r->hdr) {
		free(r);
		err_set(ENOMEM, "out of memory");
		return NULL;
	}
	pthread_mutex_init(&r->hdr_mu, NULL);
	r->md.m.fd = r->md.lock_fd = -1;
	r->flags = config->flags;
	r->readonly = config->flags & PM_RDONLY;
	r->private = config->flags & (PM_RDONLY | PM_SCRATCH);
	if (medium_open(&r->md, config, header_peek_max))
		goto fail;
	guard_home(r);
	if (load_header(r, config) || check_layout(r, config) ||
	    (!verify_only && check_id(r)) ||
	    log_recover(r, peers_judge, &peers, &recovery))
		goto fail;
	peers_forget(&peers);
	AO_store(&r->size, r->hdr->size);
	/* What lies beyond is of a growth that did not commit. */
	r->md.m.size = r->hdr->size;
	return r;
fail:
	err = errno;
	peers_forget(&peers);
	medium_discard(&r->md);
	heap_unload(r);
	errno = err;
	return NULL;
}

void heap_unload(struct region *r)
{
	/* The thread that flushes groups uses all the rest. */
	log_close(r, false);
	memory_unwatch(r);
	alloc_close(r);
	guard_remove(r->work);
	guard_remove(r->md.m.base);
	window_unmap(r);
	medium_close(&r->md);
	pthread_mutex_destroy(&r->hdr_mu);
	free(r->hdr);
	free(r);
}

static int make_writable(struct region *r, uint64_t off, uint64_t len)
{
	return window_make_writable(r, off, len);
}

int heap_check_root(struct region *r)
{
	struct slot s;

	if (r->hdr->root_off == 0 ||
	    (alloc_find(r, r->hdr->root_off, &s) == 0 &&
	     s.usable >= r->hdr->root_size))
		return 0;
	return err_set(EUCLEAN, "%s: damaged: the root is not a live object",
		       region_name(r));
}

/* The region gets its place in the window and starts to work. */
static int start(struct region *r, const PmWrapperConfig *c)
{
	if (window_map(r))
		return -1;
	guard_work(r);
	if (log_replay_work(r))
		return -1;
	if (r->readonly && window_seal(r))
		return -1;
	if (alloc_open(r) || heap_check_root(r))
		return -1;
	if (r->work_lazy && !r->readonly && alloc_each_used(r, make_writable))
		return -1;
	/* A copy with holes, on a disk that is full by now, opens all the
	 * same; the area is asked for again when it is needed. */
	if (!r->private)
		(void)alloc_spill_reserve(r);
	if (debug_memory())
		memory_watch(r);
	if (log_open(r, c->durability, c->flush_ms, c->work_budget))
		return -1;
	if (!r->readonly && ((c->flags & PM_DEBUG_UNLOGGED) ||
			     debug_word("unlogged")))
		return debug_watch(r, log_flush_all);
	return 0;
}

/* Number -> id in the primary's table; in memory if it cannot be written. */
static int record_number(struct region *primary, int number, uint64_t id)
{
	struct pm_rec rec = {PM_TAG(PM_REC_IDMAP, (unsigned)number), id};

	if (idmap_get(primary->hdr, (unsigned)number) == id)
		return 0;
	if (primary->readonly)
		return header_apply(primary, &rec, NULL);
	return log_commit_now(primary, &rec, 1);
}

static int record_numbers(struct region *primary, struct region *r)
{
	int i;

	/* A volatile region means nothing to the next run. */
	if (!r->md.path && r != primary)
		return 0;
	for (i = r->number; i < r->number + r->span; i++)
		if (record_number(primary, i, r->id))
			return -1;
	/* What r's pointers mean must not be given to another region. */
	for (i = 1; r != primary && i < PM_NUMBERS_MAX; i++) {
		bool pinned = r->hdr->pinned[i / 64] >> i % 64 & 1;

		if (pinned && !idmap_get(primary->hdr, (unsigned)i) &&
		    record_number(primary, i, r->hdr->idmap[i]))
			return -1;
	}
	return 0;
}

static struct region *open_region(PmWrapperConfig *config, bool primary)
{
	struct region *first = table_get(PM_PRIMARY), *r;
	int err;

	if (check_config(config))
		return NULL;
	r = heap_load(config, false);
	if (!r)
		return NULL;
	r->span = (int)window_slots(r->hdr->max_size);
	if (primary)
		r->number = idmap_check_primary(r) ? -1 : PM_PRIMARY;
	else
		r->number = idmap_assign(first, r, r->span);
	if (r->number < 0 || start(r, config))
		goto fail;
	table_add(r);
	if (record_numbers(primary ? r : first, r)) {
		table_remove(r);
		goto fail;
	}
	return r;
fail:
	err = errno;
	if (debug_unlogged())
		debug_unwatch(r);
	medium_discard(&r->md);
	heap_unload(r);
	errno = err;
	return NULL;
}

static void close_at_exit(void)
{
	if (!table_in_child())
		pm_close();
}

/* What the process needs before its first region; heap_mu is held. */
static int prepare_process(void)
{
	static bool hooks, at_exit;

	window_choose();
	debug_read_environment();
	memory_ask();
	/* Without the hooks a child could write its parent's pool (I9). */
	if (!hooks && heap_fork_init())
		return err_set(ENOMEM, "out of memory for the hooks of fork");
	hooks = true;
	/* Without this a region is recovered instead, when opened again. */
	if (!at_exit)
		at_exit = atexit(close_at_exit) == 0;
	return 0;
}

static void say_opened(const struct region *r)
{
	PmStats s;

	if (LIKELY(AO_load(&say_level) < PM_LOG_INFO) ||
	    pm_stats(r->number, &s))
		return;
	say(PM_LOG_INFO, "%s: %s as region %d, id %016" PRIx64 ": %" PRIu64
	    " bytes, backend %s, survives %s, %s; %" PRIu64
	    " log entries replayed", region_name(r),
	    r->md.fresh ? "made and opened" : "opened", r->number, r->id,
	    s.size, s.backend, s.survives, s.durability, s.recovered);
}

static int init(PmWrapperConfig *config, bool primary)
{
	struct region *r = NULL;

	if (table_in_child())
		return err_set(EPERM, "a forked child has its parent's regions "
			       "open; pm_close() lets go of them");
	if (tx_active())
		return err_set(EINVAL, "a region cannot be opened inside a "
			       "transaction");
	pthread_mutex_lock(&heap_mu);
	if (primary && table_get(PM_PRIMARY))
		err_set(EALREADY, "a primary region is open already: %s",
			region_name(table_get(PM_PRIMARY)));
	else if (!primary && !table_get(PM_PRIMARY))
		err_set(EINVAL, "there is no primary region yet: call pm_init()"
			" first");
	else if (prepare_process() == 0)
		r = open_region(config, primary);
	if (r)
		say_opened(r);
	pthread_mutex_unlock(&heap_mu);
	return r ? r->number : -1;
}

PM_API int pm_init(PmWrapperConfig config)
{
	return init(&config, true) < 0 ? -1 : 0;
}

PM_API int pm_init_sec(PmWrapperConfig config)
{
	return init(&config, false);
}

/* Before a region goes, perhaps for good: the others do without it. What is
 * committed is durable already, so one that fails has its own error. */
static void settle_others(const struct region *r)
{
	struct region *o;

	for (o = table_next(0); o; o = table_next(o->number))
		if (o != r && !AO_load(&o->poisoned))
			(void)log_settle(o);
}

/* A forked child lets go without touching the medium. */
static int close_region(struct region *r)
{
	bool child = table_in_child();
	int ret = 0, err;

	if (!child && tx_touches(r))
		return err_set(EBUSY, "%s: a transaction that touches it is "
			       "open", region_name(r));
	if (!child)
		settle_others(r);
	if (AO_load(&r->poisoned))
		ret = region_poisoned(r);
	if (debug_unlogged() && !child)
		debug_unwatch(r);
	table_remove(r);
	locks_forget(r);
	err = errno;
	if (log_close(r, !child && !r->readonly && ret == 0)) {
		ret = -1;
		err = errno;
	}
	say(PM_LOG_INFO, "%s: closed%s", region_name(r),
	    ret ? "; not everything could be made durable" : "");
	heap_unload(r);
	errno = err;
	return ret;
}

PM_API int pm_close_sec(int number)
{
	struct region *r;
	int ret = -1;

	pthread_mutex_lock(&heap_mu);
	r = table_get(number);
	if (!r || r->number == PM_PRIMARY)
		err_set(EINVAL, "%d is not the number of an open secondary "
			"region", number);
	else
		ret = close_region(r);
	pthread_mutex_unlock(&heap_mu);
	return ret;
}

static int close_all(void)
{
	struct region *r, *next;
	int ret = 0, err = errno;

	for (r = table_next(PM_PRIMARY); r; r = next) {
		next = table_next(r->number);
		if (r->number != PM_PRIMARY && close_region(r)) {
			ret = -1;
			err = errno;
		}
	}
	r = table_get(PM_PRIMARY);
	if (r && close_region(r)) {
		ret = -1;
		err = errno;
	}
	errno = err;
	return ret;
}

PM_API int pm_close(void)
{
	bool child = table_in_child();
	int ret;

	if (child)
		tx_forget_child();
	pthread_mutex_lock(&heap_mu);
	/* An operation that begins now finds no region when the gate opens:
	 * a program may exit while its threads work. */
	(void)tx_gate_close();
	if (!child && tx_touches(NULL))
		ret = err_set(EBUSY, "a transaction is open");
	else
		ret = close_all();
	tx_gate_open();
	if (child)
		table_forget_parent();
	pthread_mutex_unlock(&heap_mu);
	return ret;
}
