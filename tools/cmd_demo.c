/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/cmd_demo.c: pmheap demo, a process that is killed in the middle of a
 * transaction, and what its pool holds afterwards.
 *
 * A child counts: each transaction adds one to a counter and a node to a list,
 * and reports its number through a pipe when it has returned. The last one is
 * never finished: the parent kills the child in the middle of it.
 */
#include "tool.h"

#include <errno.h>
#include <inttypes.h>
#include <pmheap.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT_N		1000
#define POOL_SIZE	((size_t)8 << 20)
#define NODE_TYPE	1
#define HALF_WAY	UINT64_MAX	/* on the pipe: in the last transaction */

struct node {
	uint64_t number;
	struct node *next;
};

struct root {
	uint64_t counter;
	struct node *list;
};

struct demo {
	char	 dir[4096];
	char	 path[4096 + 16];
};

static const PmWrapperConfig demo_config = {
	.layout = "pmheap demo",
	.size = POOL_SIZE,
	.flags = PM_CREATE,
};

static struct root *demo_open(const struct demo *demo)
{
	PmWrapperConfig config = demo_config;

	config.path = demo->path;
	return pm_init(config) ? NULL : pm_root(sizeof(struct root));
}

static struct node *node_new(struct root *root)
{
	struct node *node = pm_alloc_type(PM_PRIMARY, sizeof *node, NODE_TYPE);

	if (node) {
		node->number = root->counter;
		node->next = root->list;
	}
	return node;
}

static int count_up(struct root *root)
{
	TX_START {
		TX_SET(root->counter, root->counter + 1);
		TX_SET(root->list, node_new(root));
	} TX_END
	return pm_tx_errno();
}

/* Stops for ever with the counter changed and the list not. */
static void count_up_half(struct root *root, int report)
{
	uint64_t half_way = HALF_WAY;

	TX_START {
		TX_SET(root->counter, root->counter + 1);
		if (node_new(root) &&
		    write(report, &half_way, sizeof half_way) > 0)
			for (;;)
				pause();
	} TX_END
}

static int child_run(const struct demo *demo, int report)
{
	struct root *root = demo_open(demo);

	if (!root)
		return tool_fail(errno, pm_errormsg(), "cannot make '%s'",
				 demo->path);
	for (uint64_t i = 1; i <= COUNT_N; i++) {
		if (count_up(root))
			return tool_fail(pm_tx_errno(), pm_errormsg(),
					 "transaction %" PRIu64 " failed", i);
		if (write(report, &i, sizeof i) != sizeof i)
			return tool_fail(errno, NULL, "cannot report");
	}
	count_up_half(root, report);
	return tool_fail(errno, pm_errormsg(), "the last transaction failed");
}

/* The child's last finished transaction, once it is half-way in the next. */
static int child_watch(int report, uint64_t *finished)
{
	uint64_t i;

	while (read(report, &i, sizeof i) == sizeof i) {
		if (i == HALF_WAY)
			return 0;
		*finished = i;
	}
	return -1;
}

static int child_kill(const struct demo *demo, uint64_t *finished)
{
	int fds[2], status, watched;
	pid_t pid;

	if (pipe(fds))
		return tool_fail(errno, NULL, "cannot make a pipe");
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return tool_fail(errno, NULL, "cannot start a process");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(fds[0]);
		_exit(child_run(demo, fds[1]));
	}
	close(fds[1]);
	printf("2. Process %d opens it and runs transactions: each adds 1 to a "
	       "counter and\n   links a node with that number into a list.\n",
	       (int)pid);
	watched = child_watch(fds[0], finished);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(fds[0]);
	if (watched)
		return TOOL_FAILED;
	printf("3. %" PRIu64 " transactions have returned. In the middle of the "
	       "next, with the counter\n   changed and a node allocated but not "
	       "linked, the process is killed: SIGKILL.\n", *finished);
	return TOOL_OK;
}

static int log_show(const struct demo *demo)
{
	PmCheckReport report;

	if (pm_check(demo->path, 0, &report))
		return tool_fail(errno, pm_errormsg(), "cannot check '%s'",
				 demo->path);
	printf("4. The pool is checked as it lies there: no fault, %" PRIu64
	       " log entries to replay.\n", report.pending);
	return report.status == PM_CHECK_DAMAGED ? TOOL_DAMAGED : TOOL_OK;
}

/* Every number from the counter down to 1 must be in the list, once. */
static uint64_t list_len(const struct root *root)
{
	uint64_t want = root->counter, len = 0;

	for (struct node *n = root->list; n && n->number == want; n = n->next) {
		len++;
		want--;
	}
	return len;
}

static uint64_t node_count(void)
{
	uint64_t n = 0;

	for (void *o = pm_first(PM_PRIMARY, NODE_TYPE); o; o = pm_next(o))
		n++;
	return n;
}

static int pool_compare(const struct demo *demo, uint64_t finished)
{
	struct root *root = demo_open(demo);
	uint64_t nodes;

	if (!root)
		return tool_fail(errno, pm_errormsg(), "cannot open '%s'",
				 demo->path);
	nodes = node_count();
	printf("5. The pool is opened again. Counter: %" PRIu64 ". Nodes in the "
	       "list: %" PRIu64 ". Nodes\n   allocated: %" PRIu64 ".\n",
	       root->counter, list_len(root), nodes);
	if (root->counter != finished || list_len(root) != finished ||
	    nodes != finished)
		return tool_fail(EUCLEAN, "the three numbers are not those of "
				 "the transactions that returned",
				 "'%s' is wrong", demo->path);
	if (count_up(root) || list_len(root) != finished + 1)
		return tool_fail(pm_tx_errno(), pm_errormsg(),
				 "cannot go on with '%s'", demo->path);
	printf("6. It works on: transaction %" PRIu64 " is done.\n",
	       root->counter);
	if (pm_close())
		return tool_fail(errno, pm_errormsg(), "cannot close '%s'",
				 demo->path);
	printf("%sNothing was lost, and nothing is half done.%s\n",
	       tool_colour(stdout, TOOL_GREEN), tool_colour_end(stdout));
	return TOOL_OK;
}

static int demo_run(const struct demo *demo)
{
	uint64_t finished = 0;
	int code;

	printf("1. A pool of 8 MiB is made: %s\n", demo->path);
	code = child_kill(demo, &finished);
	if (!code)
		code = log_show(demo);
	if (!code)
		code = pool_compare(demo, finished);
	return code;
}

int cmd_demo(const struct tool_args *args)
{
	const char *parent = args->operand_n ? args->operand[0] :
						getenv("TMPDIR");
	struct demo demo;
	int code;

	if (!parent || !*parent)
		parent = "/tmp";
	if ((size_t)snprintf(demo.dir, sizeof demo.dir, "%s/pmheap-demo-XXXXXX",
			     parent) >= sizeof demo.dir)
		return tool_fail(ENAMETOOLONG, NULL, "cannot use '%s'", parent);
	if (!mkdtemp(demo.dir))
		return tool_fail(errno, NULL, "cannot make a folder in '%s'",
				 parent);
	snprintf(demo.path, sizeof demo.path, "%s/pool", demo.dir);
	code = demo_run(&demo);
	(void)pm_close();
	unlink(demo.path);
	if (rmdir(demo.dir))
		return tool_fail(errno, NULL, "cannot remove '%s'", demo.dir);
	return code;
}
