/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool.c: test helpers that make, open, copy and look at pools.
 */
#include "support.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

PmWrapperConfig t_config_of(const char *name, size_t size, size_t max_size)
{
	PmWrapperConfig c = { .layout = "test", .size = size,
			      .max_size = max_size, .flags = PM_CREATE };

	if (!t_keeps())
		return c;
	c.path = t_path(name);
	if (t_chosen())
		return c;
	if (t_is("file"))
		c.backend_name = "file";
	else if (t_is("dax"))
		c.flags |= PM_ASSUME_PMEM;
	if (t_is("dax"))
		c.backend_name = "dax";
	return c;
}

PmWrapperConfig t_config(const char *name)
{
	return t_config_of(name, 8 * MIB, 0);
}

PmWrapperConfig t_config_open(const char *name, unsigned flags)
{
	PmWrapperConfig c = t_config_of(name, 0, 0);

	c.flags &= ~PM_CREATE;
	c.flags |= flags;
	return c;
}

void t_init(const char *name)
{
	t_ok(pm_init(t_config(name)));
	if (t_chosen())
		ck_assert_str_eq(t_stats(PM_PRIMARY).backend, t_backend());
}

int t_init_sec(const char *name)
{
	int region = pm_init_sec(t_config(name));

	ck_assert_msg(region > PM_PRIMARY, "%s: %s", name, pm_errormsg());
	return region;
}

void t_reopen(const char *name)
{
	t_ok(pm_close());
	t_ok(pm_init(t_config_open(name, 0)));
}

PmStats t_stats(int region)
{
	PmStats s;

	t_ok(pm_stats(region, &s));
	return s;
}

unsigned char *t_slurp(const char *path, size_t *len)
{
	struct stat st;
	unsigned char *bytes;
	size_t done = 0;
	int fd = open(path, O_RDONLY);

	ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
	ck_assert_int_eq(fstat(fd, &st), 0);
	*len = (size_t)st.st_size;
	bytes = malloc(*len + 1);
	ck_assert_ptr_nonnull(bytes);
	while (done < *len) {
		ssize_t n = read(fd, bytes + done, *len - done);

		ck_assert_int_gt(n, 0);
		done += (size_t)n;
	}
	close(fd);
	return bytes;
}

void t_spill(const char *path, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
	while (len > 0) {
		ssize_t n = write(fd, p, len);

		ck_assert_int_gt(n, 0);
		p += n;
		len -= (size_t)n;
	}
	ck_assert_int_eq(close(fd), 0);
}

void t_copy(const char *from, const char *to)
{
	size_t len;
	unsigned char *bytes = t_slurp(from, &len);

	t_spill(to, bytes, len);
	free(bytes);
}

int t_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

void t_printed(void (*f)(void *), const char *debug, char *buf, size_t n)
{
	FILE *file = tmpfile();
	int saved = dup(2);
	size_t got;

	ck_assert(file != NULL);
	ck_assert_int_eq(dup2(fileno(file), 2), 2);
	(void)setenv("PMHEAP_DEBUG", debug, 1);
	t_exit(f, NULL);
	(void)unsetenv("PMHEAP_DEBUG");
	ck_assert_int_eq(dup2(saved, 2), 2);
	rewind(file);
	got = fread(buf, 1, n - 1, file);
	buf[got] = 0;
	fclose(file);
	close(saved);
}

bool t_gaps(void)
{
	void *p = pm_alloc(64);
	size_t n = pm_usable_size(p);

	t_given(p);
	pm_free(p);
	return n > 64;
}

int t_maps(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	int c, n = 0;

	ck_assert_ptr_nonnull(f);
	while ((c = getc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

uint64_t t_random(uint64_t *state)
{
	uint64_t x = *state != 0 ? *state : 0x9e3779b97f4a7c15u;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545f4914f6cdd1du >> 8;
}

void t_bytes(const void *p, size_t n, int value)
{
	const unsigned char *b = p;
	size_t i = 0;

	while (i < n && b[i] == (unsigned char)value)
		i++;
	ck_assert_msg(i == n, "byte %zu of %zu is %d, not %d", i, n,
		      i < n ? b[i] : 0, (unsigned char)value);
}

long t_env(const char *name, long value)
{
	const char *s = getenv(name);

	return s != NULL && *s != '\0' ? strtol(s, NULL, 10) : value;
}
