/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * list.c: a sorted linked list of numbers, in plain C.
 *
 *	list POOL add NUMBER...		all of them or none
 *	list POOL remove NUMBER...	all of them or none
 *	list POOL reverse
 *	list POOL show
 */
#include <pmheap.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
	struct node *next;
	long value;
};

struct list {
	struct node *head;
	int descending;
};

/* The link behind which value stands, or would stand. */
static struct node **list_find(struct list *l, long value)
{
	struct node **link = &l->head;

	while (*link && (l->descending ? (*link)->value > value :
					 (*link)->value < value))
		link = &(*link)->next;
	return link;
}

static int list_add(struct list *l, long value)
{
	struct node **link = list_find(l, value);
	struct node *n = PM_NEW(struct node);

	if (!n)
		return -1;
	n->value = value;
	n->next = *link;
	TX_SET(*link, n);
	return 0;
}

static int list_remove(struct list *l, long value)
{
	struct node **link = list_find(l, value);
	struct node *n = *link;

	if (!n || n->value != value) {
		fprintf(stderr, "list: %ld is not in the list\n", value);
		errno = ENOENT;
		return -1;
	}
	TX_SET(*link, n->next);
	pm_free(n);
	return 0;
}

static int list_reverse(struct list *l)
{
	struct node *done = NULL, *next;

	if (TX_ADD(l) < 0)
		return -1;
	for (struct node *n = l->head; n; n = next) {
		next = n->next;
		if (TX_ADD_FIELD(n, next) < 0)
			return -1;
		n->next = done;
		done = n;
	}
	l->head = done;
	l->descending = !l->descending;
	return 0;
}

static void list_show(const struct list *l)
{
	for (const struct node *n = l->head; n; n = n->next)
		printf("%ld\n", n->value);
}

/* A whole decimal number, or the program ends. */
static long number(const char *text)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || *end || end == text) {
		fprintf(stderr, "list: not a number: %s\n", text);
		exit(2);
	}
	return value;
}

/* One transaction for the whole command. */
static int change(struct list *l, const char *command, char **arg, int n)
{
	int rc = EXIT_SUCCESS;

	for (int i = 0; i < n; i++)
		(void)number(arg[i]);
	TX_START {
		int bad = 0;

		if (strcmp(command, "reverse") == 0)
			bad = list_reverse(l);
		for (int i = 0; i < n && !bad; i++)
			bad = strcmp(command, "add") == 0 ?
				list_add(l, number(arg[i])) :
				list_remove(l, number(arg[i]));
		if (bad)
			TX_ABORT(errno);
	} TX_ONABORT {
		fprintf(stderr, "list: nothing was changed: %s\n",
			errno == ENOENT ? strerror(errno) : pm_errormsg());
		rc = EXIT_FAILURE;
	} TX_END
	return rc;
}

int main(int argc, char **argv)
{
	const char *command = argc > 2 ? argv[2] : "";
	int with_args = strcmp(command, "add") == 0 ||
			strcmp(command, "remove") == 0;
	int without = strcmp(command, "reverse") == 0 ||
		      strcmp(command, "show") == 0;
	struct list *l;

	if (!(with_args && argc > 3) && !(without && argc == 3)) {
		fputs("usage: list POOL add|remove NUMBER...\n"
		      "       list POOL reverse|show\n", stderr);
		return 2;
	}
	if (pm_init((PmWrapperConfig){
			.path = argv[1],
			.layout = "list",
			.size = (size_t)1 << 20,
			.max_size = (size_t)1 << 30,
			.flags = PM_CREATE,
		}) < 0 ||
	    !(l = pm_root(sizeof(*l)))) {
		fprintf(stderr, "list: %s\n", pm_errormsg());
		return EXIT_FAILURE;
	}
	if (strcmp(command, "show") != 0)
		return change(l, command, argv + 3, argc - 3);
	list_show(l);
	return EXIT_SUCCESS;
}
