/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 11: a struct changes: notes get a field, and those of older pools are
 * converted. Both programs are in this one.
 *
 *	step11 old TEXT...	adds notes as the old program did
 *	step11 TEXT...		adds notes with their length
 */
#include <pmheap.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { VERSION = 2 };

struct root {
	long version;		/* of the structs; 0 in a new pool */
	void *first;		/* note_v1 or note */
};

struct note_v1 {
	struct note_v1 *next;
	char text[];
};

struct note {			/* since version 2 */
	struct note *next;
	size_t length;
	char text[];
};

/* Every note is replaced by a larger one, or none. 0 or an errno value. */
static int convert(struct root *root)
{
	TX_START {
		struct note_v1 *old = root->first, *next;
		struct note *first = NULL, **end = &first;

		for (; old; old = next) {
			size_t len = strlen(old->text);
			struct note *note = pm_alloc(sizeof *note + len + 1);

			if (note == NULL)
				TX_ABORT(0);
			note->next = NULL;
			note->length = len;
			memcpy(note->text, old->text, len + 1);
			*end = note;
			end = &note->next;
			next = old->next;
			pm_free(old);
		}
		TX_SET(root->first, first);
		TX_SET(root->version, VERSION);
	} TX_END
	return pm_tx_errno();
}

static int open_pool(const char *layout, struct root **root)
{
	PmWrapperConfig config = {
		.path = "step11.pool",
		.layout = layout,
		.size = 1 << 20,
		.max_size = 1 << 30,
		.flags = PM_CREATE,
	};

	if (pm_init(config) != 0)
		return -1;
	*root = pm_root(sizeof **root);
	return *root != NULL ? 0 : -1;
}

/* A pool of this version, or one that becomes it. */
static int open_notes(struct root **root)
{
	if (open_pool("step11-v2", root) != 0 &&
	    (errno != EINVAL || open_pool("step11", root) != 0))
		return -1;
	if ((*root)->version < VERSION)
		return convert(*root) == 0 ? 0 : -1;
	return 0;
}

static int add(struct root *root, const char *text)
{
	TX_START {
		size_t len = strlen(text);
		struct note *note = pm_alloc(sizeof *note + len + 1);

		if (note == NULL)
			TX_ABORT(0);
		note->next = root->first;
		note->length = len;
		memcpy(note->text, text, len + 1);
		TX_SET(root->first, note);
	} TX_END
	return pm_tx_errno();
}

/* What the old program did; it knows nothing of versions. */
static int add_v1(struct root *root, const char *text)
{
	TX_START {
		size_t len = strlen(text);
		struct note_v1 *note = pm_alloc(sizeof *note + len + 1);

		if (note == NULL)
			TX_ABORT(0);
		note->next = root->first;
		memcpy(note->text, text, len + 1);
		TX_SET(root->first, note);
		TX_SET(root->version, 1);
	} TX_END
	return pm_tx_errno();
}

static int old_program(int n, char **text)
{
	struct root *root;

	if (open_pool("step11", &root) != 0)
		return -1;
	for (int i = 0; i < n; i++)
		if (add_v1(root, text[i]) != 0)
			return -1;
	for (const struct note_v1 *note = root->first; note; note = note->next)
		puts(note->text);
	return 0;
}

static int new_program(int n, char **text)
{
	struct root *root;

	if (open_notes(&root) != 0)
		return -1;
	for (int i = 0; i < n; i++)
		if (add(root, text[i]) != 0)
			return -1;
	for (const struct note *note = root->first; note; note = note->next)
		printf("%s (%zu)\n", note->text, note->length);
	return 0;
}

int main(int argc, char **argv)
{
	int old = argc > 1 && strcmp(argv[1], "old") == 0;

	if (old ? old_program(argc - 2, argv + 2) :
		  new_program(argc - 1, argv + 1)) {
		fprintf(stderr, "step11: %s\n", pm_errormsg());
		return 1;
	}
	return 0;
}
