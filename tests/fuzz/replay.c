/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * replay.c: the targets without a fuzzer.
 *
 *	replay built|noise FILE...		what a fuzzer found
 *	replay built|noise --seeds FIRST N	strings made from seeds
 *	replay built|noise --corpus DIR N	writes such strings for a fuzzer
 */
#include "fuzz.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STRING_MAX 4096u

static uint8_t bytes[STRING_MAX];
static uint64_t current;
static bool by_seed;

/* Mostly small numbers: they choose what is plain. */
static size_t from_seed(uint64_t seed)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15ull | 1;
	size_t n, i;

	for (i = 0; i < 8; i++)
		x = x * 6364136223846793005ull + 1442695040888963407ull;
	n = (x >> 40) % (seed % 3 ? 300 : STRING_MAX);
	for (i = 0; i < n; i++) {
		x = x * 6364136223846793005ull + 1442695040888963407ull;
		bytes[i] = (uint8_t)(x >> 56);
		if (seed % 2)
			bytes[i] &= (uint8_t)(x >> 48);
	}
	return n;
}

static void say_seed(void)
{
	if (by_seed)
		fprintf(stderr, "died at seed %llu\n",
			(unsigned long long)current);
}

static void died(int sig)
{
	say_seed();
	signal(sig, SIG_DFL);
	raise(sig);
}

typedef void (*target_fn)(const uint8_t *data, size_t n);

static int run_file(target_fn f, const char *path)
{
	FILE *in = fopen(path, "rb");
	size_t n;

	if (!in) {
		perror(path);
		return EXIT_FAILURE;
	}
	n = fread(bytes, 1, sizeof(bytes), in);
	fclose(in);
	f(bytes, n);
	return EXIT_SUCCESS;
}

static int write_corpus(const char *dir, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		size_t len = from_seed(i);
		char path[4096];
		FILE *out;

		(void)snprintf(path, sizeof(path), "%s/seed%u", dir, i);
		out = fopen(path, "wb");
		if (!out || fwrite(bytes, 1, len, out) != len || fclose(out)) {
			perror(path);
			return EXIT_FAILURE;
		}
	}
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	target_fn f = argc > 1 && !strcmp(argv[1], "noise") ? fuzz_noise
							    : fuzz_built;
	int i, ret = EXIT_SUCCESS;

	if (argc < 3)
		return EXIT_FAILURE;
	if (!strcmp(argv[2], "--corpus") && argc == 5)
		return write_corpus(argv[3], (unsigned)atoi(argv[4]));
	fuzz_begin();
	if (!strcmp(argv[2], "--seeds") && argc == 5) {
		uint64_t first = strtoull(argv[3], NULL, 0);

		by_seed = true;
		signal(SIGABRT, died);
		signal(SIGSEGV, died);
		for (current = first;
		     current < first + strtoull(argv[4], NULL, 0); current++)
			f(bytes, from_seed(current));
		printf("%s: %s seeds from %s on\n", argv[1], argv[4], argv[3]);
		return EXIT_SUCCESS;
	}
	for (i = 2; i < argc && ret == EXIT_SUCCESS; i++)
		ret = run_file(f, argv[i]);
	return ret;
}
