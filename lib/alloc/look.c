/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * look.c: iterating objects and counting them.
 */
#include "alloc/internal.h"

static AO_t live_word(const struct slab *s, uint32_t w)
{
	AO_t live = AO_load_acquire(&s->word[w].live);

	return live & ~AO_load(&s->word[w].hidden);
}

int alloc_holds(struct region *r, uint64_t off, uint64_t n)
{
	struct alloc *a = r->alloc;
	uint64_t i;
	struct zone *z = zone_at(a, off, &i);
	uint64_t at = z ? off - z->data_off : 0, last;

	if (!z || n > z->data_len - at)
		goto bad;
	last = n ? (at + n - 1) >> a->ext_bits : 0;
	for (; n && i <= last; i++)
		if (!AO_load_acquire(&z->map[i]))
			goto bad;
	return 0;
bad:
	return err_set(EINVAL, "%s: %llu bytes at %p are not inside the "
		       "region's objects", region_name(r),
		       (unsigned long long)n, (void *)(r->work + off));
}

static bool is_in_object(struct region *r, uint64_t off, uint64_t n)
{
	struct slot s;

	return alloc_containing(r, off, &s) == 0 &&
	       alloc_find(r, s.off, &s) == 0 &&
	       range_in(off, n, s.off, s.off + s.usable);
}

struct region *alloc_owner_of(const void *ptr, uint64_t n)
{
	struct region *r = table_of(ptr);
	uint64_t off = r ? region_off(r, ptr) : 0;
	int bad;

	if (!r)
		bad = err_set(EINVAL, "%p is not a pointer into an open region",
			      ptr);
	else
		bad = alloc_holds(r, off, n);
	if (!bad && debug_objects() && n && !is_in_object(r, off, n))
		bad = err_set(EINVAL, "%s: %llu bytes at %p are not inside one "
			      "live object", region_name(r),
			      (unsigned long long)n, ptr);
	if (LIKELY(!bad))
		return r;
	err_misuse();
	return NULL;
}

/* First live slot of the slab whose index is at least idx; n_slots: none. */
static uint32_t next_live(const struct slab *s, uint32_t idx)
{
	while (idx < s->n_slots) {
		AO_t word = live_word(s, idx / 64) >> idx % 64;

		if (word) {
			idx += (uint32_t)__builtin_ctzll(word);
			break;
		}
		idx = (idx / 64 + 1) * 64;
	}
	return idx < s->n_slots ? idx : s->n_slots;
}

/* In the group of extents that starts at i: offset of a live object, or 0. */
static uint64_t in_group(AO_t v, uint32_t type, uint64_t after)
{
	struct slab *s = (struct slab *)v;
	struct run *run = (struct run *)(v - RUN_BIT);
	uint32_t idx;

	if (v & RUN_BIT)
		return run->type == type && AO_load(&run->live) &&
		       run->off > after ? run->off : 0;
	if (s->type != type)
		return 0;
	idx = after < s->off ? 0 : (uint32_t)((after - s->off) / s->size) + 1;
	idx = next_live(s, idx);
	return idx < s->n_slots ? s->off + (uint64_t)idx * s->size : 0;
}

static uint32_t group_len(AO_t v)
{
	return v & RUN_BIT ? ((struct run *)(v - RUN_BIT))->n_ext
			   : ((struct slab *)v)->n_ext;
}

uint64_t alloc_iterate(struct region *r, uint32_t type, uint64_t after)
{
	struct alloc *a = r->alloc;
	uint64_t found = 0;
	AO_t k;

	pthread_mutex_lock(&a->mu);
	for (k = 0; k < a->n_zones && !found; k++) {
		struct zone *z = &a->zone[k];
		uint64_t i = 0;

		if (after >= z->data_off + z->n_ext * a->ext_size)
			continue;
		if (after > z->data_off)
			i = (after - z->data_off) / a->ext_size;
		/* Back to the start of the group that holds `after`. */
		while (i > 0 && z->map[i] && z->map[i - 1] == z->map[i])
			i--;
		while (i < z->n_ext && !found) {
			AO_t v = AO_load_acquire(&z->map[i]);

			if (v)
				found = in_group(v, type, after);
			i += v ? group_len(v) : 1;
		}
	}
	pthread_mutex_unlock(&a->mu);
	return found;
}

static void each_in_group(struct region *r, AO_t v,
			  void (*f)(struct region *r, const struct slot *s))
{
	struct slab *s = (struct slab *)v;
	struct run *run = (struct run *)(v - RUN_BIT);
	struct slot slot;
	uint32_t idx = 0;

	if (v & RUN_BIT) {
		run_fill(r->alloc, run, &slot);
		f(r, &slot);
		return;
	}
	while ((idx = next_live(s, idx)) < s->n_slots) {
		slot_fill(s, idx++, &slot);
		f(r, &slot);
	}
}

void alloc_each_live(struct region *r,
		     void (*f)(struct region *r, const struct slot *s))
{
	struct alloc *a = r->alloc;
	AO_t k;

	for (k = 0; k < a->n_zones; k++) {
		struct zone *z = &a->zone[k];
		uint64_t i = 0;

		while (i < z->n_ext) {
			if (z->map[i])
				each_in_group(r, z->map[i], f);
			i += z->map[i] ? group_len(z->map[i]) : 1;
		}
	}
}

/* Extents that an allocation can get, if need be by collecting the slab. */
static bool is_free(AO_t v)
{
	struct slab *s = (struct slab *)v;
	uint64_t n;
	uint32_t w;

	if (!v || v & RUN_BIT)
		return !v;
	n = AO_load(&s->n_free);
	for (w = 0; w < s->n_words; w++)
		n += (unsigned)__builtin_popcountll(AO_load(&s->word[w].hidden));
	return n == s->n_slots;
}

static void count_group(const struct alloc *a, AO_t v, PmStats *out)
{
	struct slab *s = (struct slab *)v;
	uint32_t w;
	uint64_t n = 0;

	if (v & RUN_BIT) {
		struct run *run = (struct run *)(v - RUN_BIT);

		out->held_bytes += (uint64_t)run->n_ext * a->ext_size;
		if (AO_load(&run->live)) {
			out->objects++;
			out->used_bytes += (uint64_t)run->n_ext * a->ext_size;
		}
		return;
	}
	for (w = 0; w < s->n_words; w++)
		n += (unsigned)__builtin_popcountll(live_word(s, w));
	out->held_bytes += (uint64_t)s->n_ext * a->ext_size;
	out->objects += n;
	out->used_bytes += n * s->size;
}

void alloc_stats(struct region *r, PmStats *out)
{
	struct alloc *a = r->alloc;
	AO_t k;

	pthread_mutex_lock(&a->mu);
	for (k = 0; k < a->n_zones; k++) {
		struct zone *z = &a->zone[k];
		uint64_t i = 0, free_n = 0;

		out->heap_bytes += z->n_ext * a->ext_size;
		while (i < z->n_ext) {
			AO_t v = z->map[i];
			uint64_t n = v ? group_len(v) : 1;

			if (v)
				count_group(a, v, out);
			free_n = is_free(v) ? free_n + n : 0;
			out->largest_free = max_u64(out->largest_free,
						    free_n * a->ext_size);
			i += n;
		}
	}
	pthread_mutex_unlock(&a->mu);
	out->free_bytes = out->heap_bytes - out->used_bytes;
	out->extent_size = a->ext_size;
	if (out->held_bytes)
		out->fragmentation = (uint32_t)(
			(out->held_bytes - out->used_bytes) * 1000 /
			out->held_bytes);
}
