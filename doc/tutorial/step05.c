/* SPDX-License-Identifier: BSD-3-Clause */
/* Step 5: freeing, and finding what was lost. */
#include <pmheap.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { TYPE_NOTE = 1 };

struct note {
	struct note *next;
	char text[];
};

struct root {
	struct note *first;
};

static struct note *new_note(const char *text)
{
	size_t len = strlen(text) + 1;
	struct note *note = pm_alloc_type(PM_PRIMARY, sizeof *note + len,
					  TYPE_NOTE);

	if (note != NULL) {
		memcpy(note->text, text, len);
		note->next = NULL;
	}
	return note;
}

static int add_note(struct root *root, const char *text)
{
	TX_START {
		struct note *note = new_note(text);

		if (note == NULL)
			TX_ABORT(0);
		note->next = root->first;
		TX_SET(root->first, note);
	} TX_END
	return pm_tx_errno();
}

static int remove_note(struct root *root, const char *text)
{
	TX_START {
		struct note **p = &root->first, *note;

		while (*p && strcmp((*p)->text, text) != 0)
			p = &(*p)->next;
		note = *p;
		if (note != NULL) {
			TX_SET(*p, note->next);
			pm_free(note);
		}
	} TX_END
	return pm_tx_errno();
}

static bool is_linked(const struct root *root, const struct note *which)
{
	const struct note *note = root->first;

	while (note && note != which)
		note = note->next;
	return note != NULL;
}

/* Frees notes that no list holds. */
static int collect(struct root *root)
{
	struct note *note = pm_first(PM_PRIMARY, TYPE_NOTE), *next;
	int lost = 0;

	for (; note; note = next) {
		next = pm_next(note);
		if (!is_linked(root, note)) {
			pm_free(note);
			lost++;
		}
	}
	printf("%d lost notes freed\n", lost);
	return 0;
}

static int run(struct root *root, const char *verb, const char *text)
{
	if (strcmp(verb, "add") == 0)
		return add_note(root, text);
	if (strcmp(verb, "remove") == 0)
		return remove_note(root, text);
	if (strcmp(verb, "leak") == 0)		/* never linked */
		return new_note(text) ? 0 : -1;
	return collect(root);
}

int main(int argc, char **argv)
{
	PmWrapperConfig config = {
		.path = "step05.pool",
		.layout = "step05",
		.size = 1 << 20,
		.flags = PM_CREATE,
	};
	struct root *root;

	if (pm_init(config) != 0 || !(root = pm_root(sizeof *root)) ||
	    (argc > 1 && run(root, argv[1], argc > 2 ? argv[2] : "") != 0)) {
		fprintf(stderr, "step05: %s\n", pm_errormsg());
		return 1;
	}
	for (const struct note *note = root->first; note; note = note->next)
		puts(note->text);
	return 0;
}
