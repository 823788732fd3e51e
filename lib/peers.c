/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * peers.c: asking another region whether a transaction over both committed.
 * The region may be open; else its file is looked for where the config says,
 * where it was last, and beside the region that asks. It is only read.
 */
#include "heap.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct question {
	struct region *r;
	uint64_t seq, peer_id, peer_seq;
};

/* Opens path if it is the region asked for; JUDGED_UNKNOWN if it is not. */
static enum judgement ask_file(const char *path, const struct question *q,
			       bool *found)
{
	PmWrapperConfig c = {.path = path, .flags = PM_RDONLY};
	struct pm_header *h = aligned_alloc(PM_PAGE, PM_HDR_SIZE);
	struct region *tmp = calloc(1, sizeof(*tmp));
	enum judgement answer = JUDGED_UNKNOWN;
	enum other_copy other;

	*found = false;
	/* A user's backend finds its own media; files are all alike. */
	if (q->r->md.chosen->traits & PM_BACKEND_NO_FILE)
		c.backend = q->r->md.chosen;
	if (!h || !tmp || medium_open(&tmp->md, &c, header_peek_max))
		goto out;
	if (header_read(&tmp->md, h, &tmp->hdr_copy, &other) == 0 &&
	    h->id == q->peer_id) {
		*found = true;
		tmp->hdr = h;
		tmp->id = h->id;
		tmp->home = tmp->md.m.base;
		tmp->zone_off = header_zone_off(h);
		pthread_mutex_init(&tmp->hdr_mu, NULL);
		answer = log_scan_has(tmp, q->peer_seq, q->r->id, q->seq);
		pthread_mutex_destroy(&tmp->hdr_mu);
	}
	medium_close(&tmp->md);
out:
	free(h);
	free(tmp);
	return answer;
}

static const char *hint(const struct region *r, uint64_t id)
{
	uint32_t i;

	for (i = 0; i < r->hdr->n_peers; i++)
		if (r->hdr->peer[i].id == id)
			return r->hdr->peer[i].path;
	return NULL;
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

static enum judgement cannot_judge(struct region *r, uint64_t peer_id,
				   const char *last)
{
	err_set(ENODEV, "%s: a transaction was cut off that also touched "
		"region %016llx (last seen at %s), and only that region can "
		"tell whether it committed; give its path in recover_with",
		region_name(r), (unsigned long long)peer_id,
		last ? last : "an unknown place");
	return JUDGED_UNKNOWN;
}

enum judgement peers_judge(struct region *r, uint64_t seq, uint64_t peer_id,
			   uint64_t peer_seq, void *arg)
{
	const PmWrapperConfig *c = arg;
	struct question q = {r, seq, peer_id, peer_seq};
	struct region *open = table_find_id(peer_id);
	const char *last = hint(r, peer_id);
	enum judgement answer;
	char path[PATH_MAX];
	bool found = false;
	unsigned i;

	if (open) {
		answer = log_has(open, peer_seq);
		goto judged;
	}
	for (i = 0; c->recover_with && c->recover_with[i]; i++) {
		answer = ask_file(c->recover_with[i], &q, &found);
		if (found)
			goto judged;
	}
	if (last) {
		answer = ask_file(last, &q, &found);
		if (!found && beside(r, last, path))
			answer = ask_file(path, &q, &found);
		if (found)
			goto judged;
	}
	return cannot_judge(r, peer_id, last);
judged:
	return answer == JUDGED_UNKNOWN ? cannot_judge(r, peer_id, last)
					: answer;
}
