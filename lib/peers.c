/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * peers.c: asking another region whether a transaction over both committed.
 * The region may be open; else its file is looked for where the config says,
 * beside the region that asks, and where it was last: copies that were made
 * together lie together, and their originals tell nothing about them. It is
 * only read, and stays open until the region that asks is recovered.
 */
#include "heap.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct peer_file {
	struct peer_file *next;
	struct region r;		/* header and medium only         */
	struct witness *w;		/* NULL: the log cannot be read   */
};

static void close_file(struct peer_file *f)
{
	witness_close(f->w);
	medium_close(&f->r.md);
	pthread_mutex_destroy(&f->r.hdr_mu);
	free(f->r.hdr);
	free(f);
}

void peers_forget(struct peers *peers)
{
	struct peer_file *f;

	while ((f = peers->found)) {
		peers->found = f->next;
		close_file(f);
	}
}

/* A place that did not serve, for the message if none does. */
static void note_tried(struct peers *p, const char *path, uint64_t id, int err)
{
	size_t n = strlen(p->tried), room = sizeof(p->tried) - n;

	if (id)
		snprintf(p->tried + n, room, "; %s: is region %016llx", path,
			 (unsigned long long)id);
	else
		snprintf(p->tried + n, room, "; %s: %s", path, strerror(err));
}

/* Opens path if it is the region asked for; backend NULL: a file. */
static struct peer_file *open_on(struct peers *p, const PmBackend *backend,
				 const char *path, uint64_t id)
{
	PmWrapperConfig c = {.path = path, .flags = PM_RDONLY,
			     .backend = backend};
	struct peer_file *f = calloc(1, sizeof(*f));
	struct region *r = f ? &f->r : NULL;
	enum other_copy other;
	bool read = false;

	if (!f)
		return NULL;
	r->md.m.fd = r->md.lock_fd = -1;
	pthread_mutex_init(&r->hdr_mu, NULL);
	r->hdr = aligned_alloc(PM_PAGE, PM_HDR_SIZE);
	if (r->hdr && medium_open(&r->md, &c, header_peek_max) == 0)
		read = header_read(&r->md, r->hdr, &r->hdr_copy, &other) == 0;
	if (!read || r->hdr->id != id) {
		note_tried(p, path, read ? r->hdr->id : 0, errno);
		close_file(f);
		return NULL;
	}
	r->id = id;
	r->home = r->md.m.base;
	header_bounds(r);
	f->w = witness_open(r);
	return f;
}

/* A user's backend finds its own media; files are all alike. */
static struct peer_file *open_file(struct peers *p, const char *path,
				   const struct region *asker, uint64_t id)
{
	const PmBackend *own = asker->md.chosen;
	struct peer_file *f = NULL;

	if (own->traits & PM_BACKEND_NO_FILE)
		f = open_on(p, own, path, id);
	return f ? f : open_on(p, NULL, path, id);
}

/* Where the region was: as the transaction says, the header, or another. */
static bool hint(struct region *r, uint64_t seq, struct pm_peer *peer)
{
	uint32_t i;

	if (log_find_peer(r, seq, peer))
		return true;
	for (i = 0; i < r->hdr->n_peers; i++)
		if (r->hdr->peer[i].id == peer->id)
			memcpy(peer->path, r->hdr->peer[i].path,
			       sizeof(peer->path) - 1);
	return peer->path[0] || log_find_peer(r, 0, peer);
}

/* The file's name, in the folder of the region that asks. */
static bool beside(const struct region *r, const char *path, char *out)
{
	char dir[PATH_MAX], name[PATH_MAX];

	if (!r->md.path)
		return false;
	snprintf(dir, sizeof(dir), "%s", r->md.path);
	snprintf(name, sizeof(name), "%s", path);
	return snprintf(out, PATH_MAX, "%s/%s", dirname(dir),
			basename(name)) < PATH_MAX;
}

/* "id:" and an id in recover_with: the region is lost. */
static bool is_given_up(const char *const *with, uint64_t id)
{
	char text[24];

	snprintf(text, sizeof(text), "id:%016llx", (unsigned long long)id);
	while (with && *with)
		if (!strcmp(*with++, text))
			return true;
	return false;
}

static enum judgement cannot_judge(struct region *r, uint64_t seq, uint64_t id,
				   const struct peers *peers)
{
	unsigned long long n = id;

	err_set(ENODEV, "%s: only region %016llx can tell whether transaction "
		"%llu, in which both took part, committed; give its path in "
		"recover_with, or \"id:%016llx\" if it is lost%s",
		region_name(r), n, (unsigned long long)seq, n, peers->tried);
	return JUDGED_UNKNOWN;
}

static struct peer_file *find_file(struct region *r, uint64_t seq, uint64_t id,
				   struct peers *p)
{
	const char *const *with = p->config->recover_with;
	struct pm_peer peer = {.id = id};
	struct peer_file *f = NULL;
	char path[PATH_MAX] = "";

	for (; with && *with && !f; with++)
		if (strncmp(*with, "id:", 3))
			f = open_file(p, *with, r, id);
	if (f || !hint(r, seq, &peer))
		return f;
	if (beside(r, peer.path, path))
		f = open_file(p, path, r, id);
	if (!f && strcmp(path, peer.path))
		f = open_file(p, peer.path, r, id);
	return f;
}

enum judgement peers_judge(struct region *r, uint64_t seq, uint64_t peer_id,
			   uint64_t peer_seq, void *arg)
{
	struct peers *peers = arg;
	struct region *open = table_find_id(peer_id);
	enum judgement answer = JUDGED_UNKNOWN;
	struct peer_file *f = peers->found;

	peers->tried[0] = 0;
	if (open) {
		answer = log_has(open, peer_seq);
	} else {
		while (f && f->r.id != peer_id)
			f = f->next;
		if (!f) {
			f = find_file(r, seq, peer_id, peers);
			if (f) {
				f->next = peers->found;
				peers->found = f;
			}
		}
		if (f && f->w)
			answer = witness_has(f->w, peer_seq, r->id, seq);
	}
	if (answer != JUDGED_UNKNOWN)
		return answer;
	return is_given_up(peers->config->recover_with, peer_id)
		? JUDGED_COMMITTED : cannot_judge(r, seq, peer_id, peers);
}
