/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * queue.c: a persistent first-in first-out queue of strings.
 *
 *	queue POOL new
 *	queue POOL enqueue TEXT...
 *	queue POOL dequeue
 *	queue POOL show
 */
#include <pmheap.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	struct entry *next;
	char text[];
};

struct queue {
	struct entry *first;
	struct entry *last;
	uint64_t entry_n;
};

static int failed(const char *what)
{
	fprintf(stderr, "queue: %s: %s\n", what, pm_errormsg());
	return EXIT_FAILURE;
}

/* Appends one text; the caller is in a transaction. */
static int append(struct queue *q, const char *text)
{
	size_t len = strlen(text) + 1;
	struct entry *e = pm_alloc(sizeof(*e) + len);

	if (!e)
		return -1;
	e->next = NULL;
	memcpy(e->text, text, len);
	if (q->last)
		TX_SET(q->last->next, e);
	else
		TX_SET(q->first, e);
	TX_SET(q->last, e);
	TX_SET(q->entry_n, q->entry_n + 1);
	return 0;
}

/* Appends all texts or none. */
static int enqueue(struct queue *q, char **text, int n)
{
	int rc = EXIT_SUCCESS;

	TX_START {
		for (int i = 0; i < n; i++)
			if (append(q, text[i]) < 0)
				TX_ABORT(errno);
	} TX_ONABORT {
		rc = failed("nothing was enqueued");
	} TX_END
	return rc;
}

/* Prints the first text once its removal is durable. */
static int dequeue(struct queue *q)
{
	struct entry *e = q->first;
	int rc = EXIT_SUCCESS;
	char *text;

	if (!e) {
		fputs("queue: empty\n", stderr);
		return EXIT_FAILURE;
	}
	text = malloc(strlen(e->text) + 1);
	if (!text) {
		fputs("queue: out of memory\n", stderr);
		return EXIT_FAILURE;
	}
	strcpy(text, e->text);
	TX_START {
		TX_SET(q->first, e->next);
		if (!q->first)
			TX_SET(q->last, NULL);
		TX_SET(q->entry_n, q->entry_n - 1);
		pm_free(e);
	} TX_ONCOMMIT {
		puts(text);
	} TX_ONABORT {
		rc = failed("nothing was dequeued");
	} TX_END
	free(text);
	return rc;
}

static int show(const struct queue *q)
{
	for (const struct entry *e = q->first; e; e = e->next)
		puts(e->text);
	fprintf(stderr, "queue: %llu entries\n",
		(unsigned long long)q->entry_n);
	return EXIT_SUCCESS;
}

static int open_pool(const char *path, unsigned flags)
{
	PmWrapperConfig config = {
		.path = path,
		.layout = "queue",
		.size = flags & PM_CREATE ? (size_t)1 << 20 : 0,
		.max_size = (size_t)1 << 30,
		.flags = flags,
	};

	return pm_init(config);
}

int main(int argc, char **argv)
{
	const char *command = argc > 2 ? argv[2] : "";
	int is_new = argc == 3 && strcmp(command, "new") == 0;
	int is_show = argc == 3 && strcmp(command, "show") == 0;
	int is_dequeue = argc == 3 && strcmp(command, "dequeue") == 0;
	int is_enqueue = argc > 3 && strcmp(command, "enqueue") == 0;
	unsigned flags = is_new ? PM_CREATE | PM_EXCL : is_show ? PM_RDONLY : 0;
	struct queue *q;

	if (!is_new && !is_show && !is_dequeue && !is_enqueue) {
		fputs("usage: queue POOL new\n"
		      "       queue POOL enqueue TEXT...\n"
		      "       queue POOL dequeue\n"
		      "       queue POOL show\n", stderr);
		return 2;
	}
	if (open_pool(argv[1], flags) < 0)
		return failed(command);
	q = pm_root(is_new ? sizeof(*q) : 0);
	if (!q)
		return failed(command);
	if (is_enqueue)
		return enqueue(q, argv + 3, argc - 3);
	if (is_dequeue)
		return dequeue(q);
	return is_show ? show(q) : EXIT_SUCCESS;
}
