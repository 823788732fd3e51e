/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tree.c: a binary search tree, in plain C.
 *
 *	tree POOL insert KEY...		one transaction for all keys
 *	tree POOL remove KEY...
 *	tree POOL walk			the keys in order
 *
 * The functions that begin with tree_ are what one writes for memory that
 * forgets, but for TX_SET where a field changes.
 */
#include <pmheap.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
	struct node *left, *right;
	char *key;
};

/* The link that holds key's node, or the empty link where it belongs. */
static struct node **tree_find(struct node **link, const char *key)
{
	while (*link) {
		int order = strcmp(key, (*link)->key);

		if (order == 0)
			break;
		link = order < 0 ? &(*link)->left : &(*link)->right;
	}
	return link;
}

/* Hangs in a node whose key is not in the tree. */
static void tree_insert(struct node **root, struct node *n)
{
	struct node **link = tree_find(root, n->key);

	n->left = NULL;
	n->right = NULL;
	TX_SET(*link, n);
}

/* Takes out the node that *link holds, and returns it. */
static struct node *tree_remove(struct node **link)
{
	struct node *n = *link;

	if (n->left && n->right) {
		/* The smallest key on the right takes its place. */
		struct node **low = &n->right;
		struct node *heir;

		while ((*low)->left)
			low = &(*low)->left;
		heir = *low;
		TX_SET(*low, heir->right);
		TX_SET(heir->left, n->left);
		TX_SET(heir->right, n->right);
		TX_SET(*link, heir);
	} else {
		TX_SET(*link, n->left ? n->left : n->right);
	}
	return n;
}

static void tree_walk(const struct node *n)
{
	while (n) {
		tree_walk(n->left);
		puts(n->key);
		n = n->right;
	}
}

/* Makes a node for key unless there is one. 0, or -1. */
static int add(struct node **root, const char *key)
{
	struct node *n;

	if (*tree_find(root, key))
		return 0;
	n = PM_NEW(struct node);
	if (!n || !(n->key = pm_strdup(key)))
		return -1;
	tree_insert(root, n);
	return 0;
}

/* Takes out and frees the node of key, if there is one. */
static void drop(struct node **root, const char *key)
{
	struct node **link = tree_find(root, key);

	if (*link) {
		struct node *n = tree_remove(link);

		pm_free(n->key);
		pm_free(n);
	}
}

static int change(struct node **root, int is_insert, char **key, int n)
{
	int rc = EXIT_SUCCESS;

	TX_START {
		for (int i = 0; i < n; i++) {
			if (!is_insert)
				drop(root, key[i]);
			else if (add(root, key[i]) < 0)
				TX_ABORT(errno);
		}
	} TX_ONABORT {
		fprintf(stderr, "tree: nothing was changed: %s\n",
			pm_errormsg());
		rc = EXIT_FAILURE;
	} TX_END
	return rc;
}

int main(int argc, char **argv)
{
	int is_insert = argc > 3 && strcmp(argv[2], "insert") == 0;
	int is_remove = argc > 3 && strcmp(argv[2], "remove") == 0;
	int is_walk = argc == 3 && strcmp(argv[2], "walk") == 0;
	struct node **root;

	if (!is_insert && !is_remove && !is_walk) {
		fputs("usage: tree POOL insert|remove KEY...\n"
		      "       tree POOL walk\n", stderr);
		return 2;
	}
	if (pm_init((PmWrapperConfig){
			.path = argv[1],
			.layout = "tree",
			.size = (size_t)1 << 20,
			.max_size = (size_t)1 << 30,
			.flags = PM_CREATE,
		}) < 0 ||
	    !(root = pm_root(sizeof(*root)))) {
		fprintf(stderr, "tree: %s\n", pm_errormsg());
		return EXIT_FAILURE;
	}
	if (!is_walk)
		return change(root, is_insert, argv + 3, argc - 3);
	tree_walk(*root);
	return EXIT_SUCCESS;
}
