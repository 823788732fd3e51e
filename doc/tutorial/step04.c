/* SPDX-License-Identifier: BSD-3-Clause */
/* Step 4: objects, linked by ordinary pointers. */
#include <pmheap.h>
#include <stdio.h>
#include <string.h>

struct note {
	struct note *next;
	char text[];
};

struct root {
	struct note *first;
	long notes;
};

/* All texts are added, or none. 0 or an errno value. */
static int add_notes(struct root *root, char **text, int n)
{
	TX_START {
		for (int i = 0; i < n; i++) {
			size_t len = strlen(text[i]) + 1;
			struct note *note = pm_alloc(sizeof *note + len);

			if (note == NULL)
				TX_ABORT(0);
			/* A new object needs no TX_ADD. */
			memcpy(note->text, text[i], len);
			note->next = root->first;
			/* The root is old: it does. */
			TX_SET(root->first, note);
			TX_SET(root->notes, root->notes + 1);
		}
	} TX_END
	return pm_tx_errno();
}

int main(int argc, char **argv)
{
	PmWrapperConfig config = {
		.path = "step04.pool",
		.layout = "step04",
		.size = 1 << 20,
		.max_size = 1 << 30,
		.flags = PM_CREATE,
	};
	struct root *root;

	if (pm_init(config) != 0 || !(root = pm_root(sizeof *root)) ||
	    add_notes(root, argv + 1, argc - 1) != 0) {
		fprintf(stderr, "step04: %s\n", pm_errormsg());
		return 1;
	}
	for (const struct note *note = root->first; note; note = note->next)
		puts(note->text);
	printf("%ld notes\n", root->notes);
	return 0;
}
