/* SPDX-License-Identifier: BSD-3-Clause */
/* Step 3: stores that are lost, and four ways to keep them. */
#include <pmheap.h>
#include <stdio.h>

struct root {
	long forgotten;
	long added;
	long set;
	long written;
	long persisted;
};

static void show(const char *when, const struct root *root)
{
	printf("%s: forgotten %ld, added %ld, set %ld, written %ld, "
	       "persisted %ld\n", when, root->forgotten, root->added,
	       root->set, root->written, root->persisted);
}

int main(void)
{
	PmWrapperConfig config = {
		.path = "step03.pool",
		.layout = "step03",
		.size = 1 << 20,
		.flags = PM_CREATE,
	};
	struct root *root;

	if (pm_init(config) != 0 || !(root = pm_root(sizeof *root)))
		goto fail;
	show("found", root);

	TX_START {
		root->forgotten++;		/* wrong: was not added */

		TX_ADD(&root->added);
		root->added++;

		TX_SET(root->set, root->set + 1);
	} TX_END
	if (pm_tx_errno() != 0)
		goto fail;

	if (PM_SET(root->written, root->written + 1) == NULL)
		goto fail;

	root->persisted++;
	if (pm_persist(&root->persisted, sizeof root->persisted) != 0)
		goto fail;

	show("left ", root);
	return 0;
fail:
	fprintf(stderr, "step03: %s\n", pm_errormsg());
	return 1;
}
