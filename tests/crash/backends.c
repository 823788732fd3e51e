/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backends.c: the explorer trusts that a backend keeps its word: what was
 * written with PM_WRITE_FLUSH or flushed before fence() is durable when it
 * returns. Here the real dax and file backends are watched doing it. What they
 * ask of libpmem and of the kernel is recorded in place of these; stores of
 * their own are seen by write protection (watch.c). A line or page that no
 * flush, streaming store or sync has carried to the medium is dirty.
 */
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define KIB 1024ul
#define MIB (1024 * KIB)
#define SIZE (256 * KIB)

static char dir[128];
static unsigned failures;
static const char *test_name;

static void check(int ok, const char *what)
{
	if (ok)
		return;
	printf("FAIL %s: %s\n", test_name, what);
	failures++;
}

static const char *path_of(const char *name)
{
	static char path[4][160];
	static unsigned next;
	char *p = path[next++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

static PmMedium open_medium(const char *backend, size_t size)
{
	PmMedium m = {.backend = pm_backend(backend),
		      .path = path_of("medium"), .flags = PM_ASSUME_PMEM,
		      .size = size, .max_size = 2 * size};

	m.fd = open(m.path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (m.fd < 0 || ftruncate(m.fd, (off_t)size) || m.backend->map(&m)) {
		perror(m.path);
		exit(99);
	}
	return m;
}

static void close_medium(PmMedium *m)
{
	watch_end();
	m->backend->unmap(m);
	close(m->fd);
	unlink(m->path);
}

static void put(PmMedium *m, uint64_t off, const void *src, size_t n,
		unsigned how)
{
	watch_wrote(m->base + off, n);
	m->backend->write(m, off, src, n, how);
}

static void fill(PmMedium *m, uint64_t off, int c, size_t n, unsigned how)
{
	watch_wrote(m->base + off, n);
	m->backend->fill(m, off, c, n, how);
}

static const size_t lengths[] = {1, 7, 8, 16, 24, 63, 64, 65, 128, 192, 640,
				 1024, 1088};
#define N_LENGTHS (sizeof(lengths) / sizeof(*lengths))

/* Everything that may be told of a range after it was to become durable. */
static void expect_durable(PmMedium *m, uint64_t off, size_t n,
			   const char *what)
{
	char text[128];

	check(m->backend->fence(m) == 0, "fence() fails");
	snprintf(text, sizeof(text), "%s of %zu bytes at %llu is not durable "
		 "after fence()", what, n, (unsigned long long)off);
	check(watch_dirty(m->base + off, n) == 0, text);
}

/* Writes, fills and flushes of all lengths at all kinds of places. */
static void every_length(PmMedium *m)
{
	static uint8_t bytes[1088 + 64] __attribute__((aligned(64)));
	static const uint64_t places[] = {0, 64, 8, 4096 - 64, 4099, 8192};
	size_t i, k;

	memset(bytes, 7, sizeof(bytes));
	for (i = 0; i < N_LENGTHS; i++) {
		for (k = 0; k < sizeof(places) / sizeof(*places); k++) {
			size_t n = lengths[i];
			uint64_t off = places[k];

			put(m, off, bytes + k % 2, n, PM_WRITE_FLUSH);
			expect_durable(m, off, n, "a write with flush");
			fill(m, off, 3, n, PM_WRITE_FLUSH);
			expect_durable(m, off, n, "a fill with flush");
			put(m, off, bytes + k % 2, n, PM_WRITE_PLAIN);
			fill(m, off, 4, n / 2, PM_WRITE_PLAIN);
			m->backend->flush(m, off, n);
			expect_durable(m, off, n, "a flush");
			check(m->base[off + n - 1] == 7 &&
			      m->base[off] == (n > 1 ? 4 : 7),
			      "the bytes are wrong");
		}
	}
}

static void what_dax_flushes_is_durable_after_its_fence(void)
{
	PmMedium m = open_medium("dax", SIZE);

	watch_lines(m.base, SIZE);
	every_length(&m);
	close_medium(&m);
}

static void what_file_flushes_is_durable_after_its_fence(void)
{
	PmMedium m = open_medium("file", SIZE);

	watch_pages(m.base, SIZE, m.fd);
	every_length(&m);
	close_medium(&m);
}

/* The watch itself must see what is not flushed. */
static void what_is_not_flushed_stays_dirty(void)
{
	PmMedium m = open_medium("dax", SIZE);
	uint64_t word = 5;

	watch_lines(m.base, SIZE);
	put(&m, 4096, &word, 8, PM_WRITE_PLAIN);
	m.backend->fence(&m);
	check(watch_dirty(m.base + 4096, 8) == 1, "a plain store looks durable");
	m.backend->flush(&m, 4096, 8);
	check(watch_dirty(m.base + 4096, 8) == 1, "durable before the fence");
	close_medium(&m);
}

/* Another thread's fence covers what this one has written plainly, if it has
 * flushed it: nothing of it may be on its way past the cache any more. */
static void a_long_plain_write_is_over_when_it_returns(void)
{
	static uint8_t bytes[4096 + 8];
	PmMedium m = open_medium("dax", SIZE);

	watch_lines(m.base, SIZE);
	put(&m, 8192, bytes, sizeof(bytes), PM_WRITE_PLAIN);
	check(watch_dirty(m.base + 8192, sizeof(bytes)) == 0,
	      "lines were streamed and not waited for");
	close_medium(&m);
}

static void words_are_stored_whole(const char *backend)
{
	PmMedium m = open_medium(backend, SIZE);
	uint64_t word = 0x0102030405060708ull;
	unsigned before;

	watch_lines(m.base, SIZE);
	before = watch_stores();
	put(&m, 1024, &word, 8, PM_WRITE_PLAIN);
	check(watch_stores() - before == 1, "a word is stored in pieces");
	close_medium(&m);
}

static void dax_stores_words_whole(void)
{
	words_are_stored_whole("dax");
}

static void file_stores_words_whole(void)
{
	words_are_stored_whole("file");
}

static void shm_stores_words_whole(void)
{
	words_are_stored_whole("shm");
}

/* More than one range, near and far, before one sync. */
static void file_syncs_all_ranges_of_a_group(void)
{
	static const uint64_t at[] = {9 * 4096, 3 * 4096 + 5, 40 * MIB,
				      20 * MIB, 50 * MIB - 100};
	PmMedium m = open_medium("file", 64 * MIB);
	uint64_t word = 1;
	unsigned first, i;

	watch_pages(m.base, 64 * MIB, m.fd);
	for (first = 0; first < 4; first++) {
		for (i = first; i < sizeof(at) / sizeof(*at); i++)
			put(&m, at[i], &word, 8, PM_WRITE_FLUSH);
		check(m.backend->fence(&m) == 0, "fence() fails");
		for (i = first; i < sizeof(at) / sizeof(*at); i++)
			check(watch_dirty(m.base + at[i], 8) == 0,
			      "a range of the group is not synced");
	}
	close_medium(&m);
}

static void a_failed_sync_fails_every_later_fence(void)
{
	PmMedium m = open_medium("file", SIZE);
	uint64_t word = 1;
	int i;

	watch_pages(m.base, SIZE, m.fd);
	watch_fail_sync();
	put(&m, 0, &word, 8, PM_WRITE_FLUSH);
	for (i = 0; i < 3; i++) {
		check(m.backend->fence(&m) == -1 && errno == EIO,
		      "fence() succeeds after a failed sync");
		put(&m, 4096, &word, 8, PM_WRITE_FLUSH);
	}
	close_medium(&m);
}

static PmMedium shared;

static void *write_and_fence(void *arg)
{
	uint64_t off = (uint64_t)(uintptr_t)arg, i;

	for (i = 0; i < 200; i++) {
		uint64_t at = off + i % 8 * 4096;

		put(&shared, at, &i, 8, PM_WRITE_FLUSH);
		check(shared.backend->fence(&shared) == 0, "fence() fails");
		check(watch_dirty(shared.base + at, 8) == 0,
		      "a thread's range is not synced when its fence returns");
	}
	return NULL;
}

/* The leader of a group syncs for those who came before it, and only them. */
static void threads_that_share_a_sync_get_what_they_flushed(void)
{
	pthread_t t[4];
	uintptr_t i;

	shared = open_medium("file", SIZE);
	watch_pages(shared.base, SIZE, shared.fd);
	watch_slow_sync();
	for (i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, write_and_fence,
			       (void *)(i * 8 * 4096));
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	close_medium(&shared);
}

static void growth_is_durable_and_zero(const char *backend)
{
	PmMedium m = open_medium(backend, SIZE);
	char junk[100];
	size_t i;

	memset(junk, 9, sizeof(junk));
	check(pwrite(m.fd, junk, sizeof(junk), SIZE + 5000) == sizeof(junk),
	      "pwrite");
	watch_pages(m.base, SIZE, m.fd);
	check(m.backend->grow(&m, 2 * SIZE) == 0, "grow() fails");
	check(watch_size_is_durable(m.fd), "the new size is not durable");
	for (i = SIZE; i < 2 * SIZE; i++)
		if (m.base[i]) {
			check(0, "what was beyond the end came back");
			break;
		}
	close_medium(&m);
}

static void growth_of_a_file_is_durable_and_zero(void)
{
	growth_is_durable_and_zero("file");
}

static void growth_of_dax_is_durable_and_zero(void)
{
	growth_is_durable_and_zero("dax");
}

/* T6: what a new pool consists of is durable before its name is. */
static void a_pool_is_whole_before_it_has_its_name(void)
{
	PmWrapperConfig c = {.path = path_of("pool"), .size = MIB,
			     .flags = PM_CREATE | PM_ASSUME_PMEM};

	watch_names();
	check(pm_init(c) == 0, "pm_init fails");
	check(watch_named() == 1, "the file got no name, or two");
	check(watch_synced_before_name(), "the name came before the file's "
	      "sync");
	check(watch_dir_synced(), "the directory is not synced");
	check(pm_close() == 0, "pm_close fails");
	watch_names();
	check(pm_clone(path_of("pool"), path_of("copy")) == 0,
	      "pm_clone fails");
	check(watch_synced_before_name(), "the name of a copy came before its "
	      "sync");
	check(watch_dir_synced(), "the directory of a copy is not synced");
	unlink(path_of("pool"));
	unlink(path_of("copy"));
}

#define T(name) {#name, name}
static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	T(what_is_not_flushed_stays_dirty),
	T(a_long_plain_write_is_over_when_it_returns),
	T(what_dax_flushes_is_durable_after_its_fence),
	T(what_file_flushes_is_durable_after_its_fence),
	T(dax_stores_words_whole),
	T(file_stores_words_whole),
	T(shm_stores_words_whole),
	T(file_syncs_all_ranges_of_a_group),
	T(a_failed_sync_fails_every_later_fence),
	T(threads_that_share_a_sync_get_what_they_flushed),
	T(growth_of_a_file_is_durable_and_zero),
	T(growth_of_dax_is_durable_and_zero),
	T(a_pool_is_whole_before_it_has_its_name),
};

int main(void)
{
	size_t i;

	if (!watch_works()) {
		printf("SKIP: stores can be watched on x86-64 only\n");
		return 77;
	}
	snprintf(dir, sizeof(dir), "%s/pmheap-backends-XXXXXX",
		 getenv("PMHEAP_TEST_SHM") ? getenv("PMHEAP_TEST_SHM")
					   : "/dev/shm");
	if (!mkdtemp(dir)) {
		perror(dir);
		return 99;
	}
	for (i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
		test_name = tests[i].name;
		tests[i].run();
	}
	rmdir(dir);
	printf("%zu tests, %u failures\n", i, failures);
	return failures ? 1 : 0;
}
