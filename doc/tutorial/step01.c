/* SPDX-License-Identifier: BSD-3-Clause */
/* Step 1: a struct that is still there in the next run. */
#include <pmheap.h>
#include <stdio.h>

struct root {
	long runs;
};

int main(void)
{
	PmWrapperConfig config = {
		.path = "step01.pool",	/* the file */
		.layout = "step01",	/* our name for what is in it */
		.size = 1 << 20,	/* bytes, if it has to be made */
		.flags = PM_CREATE,
	};
	struct root *root;

	if (pm_init(config) != 0)
		goto fail;
	root = pm_root(sizeof *root);
	if (root == NULL)
		goto fail;
	if (PM_SET(root->runs, root->runs + 1) == NULL)
		goto fail;
	printf("run %ld\n", root->runs);
	return 0;
fail:
	fprintf(stderr, "step01: %s\n", pm_errormsg());
	return 1;
}
