/* SPDX-License-Identifier: BSD-3-Clause */
/* Step 6: a program that is killed in the middle. */
#include <pmheap.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

struct root {
	long left;
	long right;
};

static int move(struct root *root, long amount, const char *die)
{
	TX_START {
		TX_ADD(root);
		root->left -= amount;
		if (strcmp(die, "inside") == 0)
			raise(SIGKILL);
		root->right += amount;
	} TX_END
	if (strcmp(die, "after") == 0)
		raise(SIGKILL);
	return pm_tx_errno();
}

int main(int argc, char **argv)
{
	PmWrapperConfig config = {
		.path = "step06.pool",
		.layout = "step06",
		.size = 1 << 20,
		.flags = PM_CREATE,
	};
	struct root *root;
	PmStats stats;

	if (pm_init(config) != 0 || !(root = pm_root(sizeof *root)) ||
	    pm_stats(PM_PRIMARY, &stats) != 0)
		goto fail;
	printf("%ld and %ld, sum %ld, replayed %d\n", root->left, root->right,
	       root->left + root->right, (int)stats.recovered);
	fflush(stdout);
	if (argc > 1 && move(root, 10, argv[1]) != 0)
		goto fail;
	return 0;
fail:
	fprintf(stderr, "step06: %s\n", pm_errormsg());
	return 1;
}
