/* SPDX-License-Identifier: BSD-3-Clause */
/* Step 9: the texts move to a secondary pool. */
#include <pmheap.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { TYPE_TEXT = 1 };

struct entry {
	struct entry *next;
	PmFat text;		/* in the secondary */
	char key[];
};

struct root {
	struct entry *first;
};

static int texts;		/* number of the secondary, 0: not open */

static PmFat new_text(const char *text)
{
	size_t len = strlen(text) + 1;
	char *copy = pm_alloc_type(texts, len, TYPE_TEXT);

	if (copy == NULL)
		return PM_FAT_NULL;
	memcpy(copy, text, len);
	return pm_fat(copy);
}

/* Changes both pools, or neither. 0 or an errno value. */
static int add(struct root *root, const char *key, const char *text)
{
	TX_START {
		size_t len = strlen(key) + 1;
		struct entry *e = pm_alloc(sizeof *e + len);

		if (e == NULL)
			TX_ABORT(0);
		memcpy(e->key, key, len);
		e->text = new_text(text);
		e->next = root->first;
		TX_SET(root->first, e);
	} TX_END
	return pm_tx_errno();
}

static void show(const struct root *root)
{
	for (const struct entry *e = root->first; e; e = e->next) {
		const char *text = PM_R(e->text);

		printf("%s: %s\n", e->key, text ? text : strerror(errno));
	}
}

static int open_texts(void)
{
	PmWrapperConfig config = {
		.path = "step09-texts.pool",
		.layout = "step09-texts",
		.size = 1 << 20,
		.max_size = 1 << 30,
		.flags = PM_CREATE,
	};

	texts = pm_init_sec(config);
	return texts > 0 ? 0 : -1;
}

/* add KEY TEXT; keys; show */
int main(int argc, char **argv)
{
	PmWrapperConfig config = {
		.path = "step09.pool",
		.layout = "step09",
		.size = 1 << 20,
		.flags = PM_CREATE,
	};
	const char *verb = argc > 1 ? argv[1] : "show";
	struct root *root;

	if (pm_init(config) != 0 || !(root = pm_root(sizeof *root)))
		goto fail;
	if (strcmp(verb, "keys") != 0 && open_texts() != 0)
		goto fail;
	if (argc > 3 && add(root, argv[2], argv[3]) != 0)
		goto fail;
	show(root);
	if (pm_close() != 0)
		goto fail;
	return 0;
fail:
	fprintf(stderr, "step09: %s\n", pm_errormsg());
	return 1;
}
