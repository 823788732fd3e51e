/* SPDX-License-Identifier: BSD-3-Clause */
/* Step 2: two numbers that change together, or not at all. */
#include <pmheap.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct root {
	long notes;
	long bytes;
};

/* Counts a note of len bytes. 0, or an errno value. */
static int count_note(struct root *root, long len)
{
	int err = 0;

	TX_START {
		TX_SET(root->notes, root->notes + 1);
		TX_SET(root->bytes, root->bytes + len);
		if (len > 100)
			TX_ABORT(EMSGSIZE);
	} TX_ONABORT {
		err = errno;
	} TX_END
	return err;
}

int main(int argc, char **argv)
{
	PmWrapperConfig config = {
		.path = "step02.pool",
		.layout = "step02",
		.size = 1 << 20,
		.flags = PM_CREATE,
	};
	struct root *root;

	if (pm_init(config) != 0 || !(root = pm_root(sizeof *root))) {
		fprintf(stderr, "step02: %s\n", pm_errormsg());
		return 1;
	}
	for (int i = 1; i < argc; i++) {
		int err = count_note(root, atol(argv[i]));

		if (err != 0)
			printf("%s: %s\n", argv[i], strerror(err));
	}
	printf("%ld notes, %ld bytes\n", root->notes, root->bytes);
	return 0;
}
