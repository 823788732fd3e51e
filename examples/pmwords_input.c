/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pmwords_input.c: the list of input files, kept with the counts, and reading
 * them in pieces of whole lines from any offset.
 */
#define _GNU_SOURCE 1

#include "pmwords.h"

#include <pmheap.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILL_LEN ((size_t)256 << 10)	/* bytes read at once              */
#define PIECE_LEN ((size_t)1 << 20)	/* a piece of longer lines is cut  */
#define WORD_LEN_MAX ((size_t)1 << 30)	/* longest word that is counted    */

static int source_matches(const struct source *s, const struct stat *st)
{
	return s->size == (uint64_t)st->st_size &&
	       s->mtime_s == st->st_mtim.tv_sec &&
	       s->mtime_ns == st->st_mtim.tv_nsec;
}

int source_is_same(const struct source *s, int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && source_matches(s, &st);
}

/* The absolute path (for free()) and the state of a regular file, or NULL
 * after complaining. */
static char *look_at(const char *path, struct stat *st)
{
	char *real = realpath(path, NULL);

	if (!real || stat(real, st) < 0) {
		complain("%s: %s", path, strerror(errno));
	} else if (!S_ISREG(st->st_mode)) {
		complain("%s: not a regular file; counting could not "
			 "continue in the middle of it", path);
	} else {
		return real;
	}
	free(real);
	return NULL;
}

int progress_init(struct progress *p, char *const *path, size_t n,
		  int *complained)
{
	struct source *s = pm_calloc(n, sizeof(*s));

	if (!s)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct stat st;
		char *real = look_at(path[i], &st);

		if (!real) {
			*complained = 1;
			return -1;
		}
		s[i].path = pm_strdup(real);
		s[i].size = (uint64_t)st.st_size;
		s[i].mtime_s = st.st_mtim.tv_sec;
		s[i].mtime_ns = st.st_mtim.tv_nsec;
		free(real);
		if (!s[i].path)
			return -1;
	}
	if (TX_ADD(p) < 0)
		return -1;
	*p = (struct progress){.source = s, .source_n = n};
	return 0;
}

int progress_verify(const struct progress *p, char *const *path, size_t n)
{
	if (n != p->source_n)
		return complain("the pool was begun with %" PRIu64 " files, "
				"not with %zu; give the same files, or use "
				"another pool", p->source_n, n);
	for (size_t i = 0; i < n; i++) {
		const struct source *s = &p->source[i];
		struct stat st;
		char *real = look_at(path[i], &st);
		int same;

		if (!real)
			return -1;
		same = strcmp(real, s->path) == 0;
		free(real);
		if (!same)
			return complain("file %zu is %s, but was %s when the "
					"counting began; give the same files, "
					"or use another pool",
					i + 1, path[i], s->path);
		if (!source_matches(s, &st))
			return complain("%s has changed since the counting "
					"began (size or time); count anew in "
					"another pool", path[i]);
	}
	return 0;
}

int reader_open(struct reader *r, const struct source *s, uint64_t offset)
{
	*r = (struct reader){.source = s, .off = offset, .fd = -1};
	r->buf_len = PIECE_LEN + FILL_LEN;
	r->buf = malloc(r->buf_len);
	if (!r->buf)
		return complain("no memory for a buffer");
	r->fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (r->fd < 0) {
		complain("%s: %s", s->path, strerror(errno));
	} else if (!source_is_same(s, r->fd)) {
		complain("%s has changed while it was counted", s->path);
	} else {
		(void)posix_fadvise(r->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
		return 0;
	}
	reader_close(r);
	return -1;
}

void reader_close(struct reader *r)
{
	if (r->fd >= 0)
		close(r->fd);
	free(r->buf);
	*r = (struct reader){.fd = -1};
}

/* Moves what is left to the front and makes room for FILL_LEN more. */
static int reader_make_room(struct reader *r)
{
	size_t left = r->fill_len - r->used_len;

	if (r->used_len) {
		memmove(r->buf, r->buf + r->used_len, left);
		r->off += r->used_len;
		r->fill_len = left;
		r->used_len = 0;
	}
	if (r->buf_len - left < FILL_LEN) {
		size_t len = r->buf_len * 2;
		char *buf = len > WORD_LEN_MAX ? NULL : realloc(r->buf, len);

		if (!buf)
			return complain("%s: a word at byte %" PRIu64
					" is too long", r->source->path,
					r->off);
		r->buf = buf;
		r->buf_len = len;
	}
	return 0;
}

/* Reads on. 1; 0 at the end of the file; -1 after complaining. */
static int reader_fill(struct reader *r)
{
	uint64_t at = r->off + r->fill_len;
	uint64_t want = r->source->size - at;
	ssize_t got;

	if (want == 0)
		return 0;
	if (reader_make_room(r) < 0)
		return -1;
	if (want > FILL_LEN)
		want = FILL_LEN;
	do {
		got = pread(r->fd, r->buf + r->fill_len, want, (off_t)at);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return complain("%s: %s", r->source->path, strerror(errno));
	if (got == 0)
		return complain("%s became shorter while it was counted",
				r->source->path);
	r->fill_len += (size_t)got;
	return 1;
}

/* The length of text up to and with its last byte that is no letter. */
static size_t uncut_len(const char *text, size_t n)
{
	while (n > 0) {
		char low = (char)(text[n - 1] | 0x20);

		if (low < 'a' || low > 'z')
			break;
		n--;
	}
	return n;
}

int64_t reader_next(struct reader *r, uint64_t lines, char **text)
{
	size_t n = 0, cut = 0;	/* looked at, and how much to hand out */

	while (lines > 0 && cut == 0) {
		const char *from = r->buf + r->used_len;
		size_t have = r->fill_len - r->used_len;
		const char *nl = memchr(from + n, '\n', have - n);
		int more;

		if (nl) {
			n = (size_t)(nl - from) + 1;
			if (--lines > 0 && n < PIECE_LEN)
				continue;
			cut = n;
			break;
		}
		n = have;
		if (have >= PIECE_LEN && (cut = uncut_len(from, have)) > 0)
			break;
		more = reader_fill(r);
		if (more < 0)
			return -1;
		if (more == 0)
			break;
	}
	if (cut == 0)
		cut = n;
	*text = r->buf + r->used_len;
	r->used_len += cut;
	return (int64_t)cut;
}
