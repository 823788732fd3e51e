/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * target.c: from a fuzzer's bytes to a pool and what is done with it. The last
 * byte says what, so that a string may be cut and joined without another use.
 */
#include "fuzz.h"

#include <string.h>

#define NOISE_BASES 32

void fuzz_begin(void)
{
	window_choose();
	media_begin();
}

static void use(struct choices *in, unsigned how)
{
	media_use_files(how / PLANS % 8 != 7);
	use_pool(&image_a, how % PLANS, in);
}

void fuzz_built(const uint8_t *data, size_t n)
{
	struct choices in = {data, n ? n - 1 : 0};

	build_pool(&image_a, &in);
	use(&in, n ? data[n - 1] : 0);
}

/* A pool that is well, of a kind that the first byte chooses, with noise. */
void fuzz_noise(const uint8_t *data, size_t n)
{
	struct choices in = {data, n ? n - 1 : 0}, base;
	uint8_t random[200];
	uint64_t x = pick(&in, NOISE_BASES) + 1;
	size_t i;

	for (i = 0; i < sizeof(random); i++) {
		x = x * 6364136223846793005ull + 1442695040888963407ull;
		random[i] = (uint8_t)(x >> 56);
	}
	base = (struct choices){random, sizeof(random)};
	build_pool(&image_a, &base);
	build_noise(&image_a, &in);
	use(&in, n ? data[n - 1] : 0);
}
