/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options.c: the command line of the crash explorer.
 */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_STATES 400000u
#define DEFAULT_QUOTA 64u

static uint64_t number(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 0);

	if (*end || end == text) {
		fprintf(stderr, "\"%s\" is not a number\n", text);
		exit(2);
	}
	return n;
}

static void parse_state(struct options *o, char *text)
{
	char *one;

	for (one = strtok(text, "/"); one && o->state_n < DEPTH_MAX;
	     one = strtok(NULL, "/")) {
		if (!state_parse(&o->state[o->state_n++], one)) {
			fprintf(stderr, "\"%s\" is not a state\n", one);
			exit(2);
		}
	}
}

static int parse_mode(const char *text)
{
	int m = 0;

	while (m < MODES && strcmp(text, mode_names[m]))
		m++;
	if (m == MODES) {
		fprintf(stderr, "\"%s\" is not a mode\n", text);
		exit(2);
	}
	return m;
}

static void list(void)
{
	size_t i;

	for (i = 0; i < workload_n; i++)
		printf("%s\n", workloads[i].name);
	for (i = 0; i < family_n; i++)
		printf("%s:...\n", families[i].name);
	exit(0);
}

static void option(struct options *o, int c)
{
	switch (c) {
	case 'w':
		o->workload = optarg;
		if (!workload_find(optarg)) {
			fprintf(stderr, "no workload \"%s\"\n", optarg);
			exit(2);
		}
		break;
	case 'f':
		o->family = optarg;
		break;
	case 'm':
		o->mode = parse_mode(optarg);
		break;
	case 'n':
		o->states = number(optarg);
		break;
	case 'q':
		o->quota = number(optarg);
		break;
	case 's':
		o->seed = number(optarg);
		break;
	case 'd':
		o->drop = (unsigned)number(optarg);
		break;
	case 'D':
		o->depth = (unsigned)number(optarg);
		break;
	case 'j':
		o->jobs = (unsigned)number(optarg);
		break;
	case 'S':
		parse_state(o, optarg);
		break;
	case 'r':
		o->races = true;
		/* fall through */
	case 'l':
		o->longest = (unsigned)number(optarg);
		break;
	case 'L':
		list();
		break;
	default:
		exit(2);
	}
}

void options_parse(struct options *o, int argc, char **argv)
{
	static const struct option known[] = {
		{"workload", 1, 0, 'w'}, {"mode", 1, 0, 'm'},
		{"states", 1, 0, 'n'}, {"seed", 1, 0, 's'},
		{"drop", 1, 0, 'd'}, {"depth", 1, 0, 'D'},
		{"state", 1, 0, 'S'}, {"list", 0, 0, 'L'},
		{"small", 1, 0, 'l'}, {"race", 1, 0, 'r'},
		{"quota", 1, 0, 'q'}, {"family", 1, 0, 'f'},
		{"jobs", 1, 0, 'j'}, {0, 0, 0, 0},
	};
	const char *env = getenv("PMHEAP_CRASH_STATES");
	int c;

	*o = (struct options){.mode = -1, .seed = 1, .depth = 1,
			      .jobs = 1, .quota = DEFAULT_QUOTA};
	o->states = env ? number(env) : DEFAULT_STATES;
	while ((c = getopt_long(argc, argv, "", known, NULL)) >= 0)
		option(o, c);
	if (o->depth >= DEPTH_MAX)
		o->depth = DEPTH_MAX - 1;
	if (o->quota < STATES_MIN)
		o->quota = STATES_MIN;
	if (o->jobs == 0)
		o->jobs = 1;
	if (o->longest > WORDS_MAX)
		o->longest = WORDS_MAX;
}
