/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * consumer.c: counts its runs in the pool that is its argument, as C and C++.
 */
#include <pmheap.h>
#include <stdio.h>

struct root { int runs; };

int main(int argc, char **argv)
{
	static PmWrapperConfig config;
	struct root *root;

	config.path = argc > 1 ? argv[1] : NULL;
	config.size = 1 << 20;
	config.flags = PM_CREATE;
	if (pm_init(config) != 0) {
		fprintf(stderr, "%s\n", pm_errormsg());
		return 1;
	}
	root = (struct root *)pm_root(sizeof *root);
	if (root == NULL)
		return 2;
	TX_START {
		TX_SET(root->runs, root->runs + 1);
	} TX_END
	printf("run %d of version %d.%d.%d\n", root->runs,
	       pm_version() / 10000, pm_version() / 100 % 100,
	       pm_version() % 100);
	return pm_tx_errno();
}
