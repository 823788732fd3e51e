/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tests/tools_writer.c: opens a pool, commits objects, stops in the middle of
 * a transaction and says so, until it is killed: for tests/tools.sh and
 * tests/tools/.
 *
 *	tools_writer POOL N [TYPE SIZE [SECOND]]
 *
 * With a type it also makes a root with a text and a pointer to the last object.
 * With a second pool the last transaction before changes both.
 */
#include <pmheap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct root {
	char text[24];
	void *last;
};

static int fill(int n, uint32_t type, size_t size)
{
	struct root *root = pm_root(sizeof(*root));
	void *last = NULL;

	for (int i = 0; i < n; i++) {
		last = pm_alloc_type(PM_PRIMARY, size, type);
		if (!last)
			return 1;
		pm_fill(last, 0x40 + i % 26, size);
	}
	if (!root)
		return 1;
	TX_START {
		pm_tx_add(root, sizeof(*root));
		strcpy(root->text, "the root of all");
		root->last = last;
	} TX_END
	return pm_tx_errno();
}

static int change_both(const char *path)
{
	int second = pm_init_sec((PmWrapperConfig){ .path = path });
	struct root *root = pm_root(0), *other;

	if (second < 0)
		return 1;
	other = pm_root_in(second, sizeof(*other));
	if (!other)
		return 1;
	TX_START {
		TX_MEMCPY(root->text, "in both", 8);
		TX_MEMCPY(other->text, "in both", 8);
	} TX_END
	return pm_tx_errno();
}

int main(int argc, char **argv)
{
	PmWrapperConfig config = { .path = argc > 1 ? argv[1] : "" };
	int n = argc > 2 ? atoi(argv[2]) : 0;

	if (pm_init(config)) {
		fprintf(stderr, "tools_writer: %s\n", pm_errormsg());
		return 1;
	}
	if (argc > 4 && fill(n, (uint32_t)atoi(argv[3]),
			     (size_t)atol(argv[4])))
		return 1;
	if (argc > 5 && change_both(argv[5]))
		return 1;
	for (int i = 0; argc <= 4 && i < n; i++)
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
