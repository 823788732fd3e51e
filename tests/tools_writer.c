/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tests/tools_writer.c: opens a pool, commits objects, stops in the middle of
 * a transaction and says so, until it is killed: for tests/tools.sh.
 */
#include <pmheap.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	PmWrapperConfig config = { .path = argc > 1 ? argv[1] : "" };
	int n = argc > 2 ? atoi(argv[2]) : 0;

	if (pm_init(config)) {
		fprintf(stderr, "tools_writer: %s\n", pm_errormsg());
		return 1;
	}
	for (int i = 0; i < n; i++)
		if (!pm_alloc(64))
			return 1;
	TX_START {
		if (pm_alloc(64)) {
			puts("ready");
			fflush(stdout);
			pause();
		}
	} TX_END
	return 1;
}
