/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * afl.c: a target for AFL++ in persistent mode, the input in shared memory.
 * FUZZ_TARGET is fuzz_built or fuzz_noise.
 */
#include "fuzz.h"

#include <unistd.h>

__AFL_FUZZ_INIT();

int main(void)
{
	const uint8_t *data;

	fuzz_begin();
	__AFL_INIT();
	data = __AFL_FUZZ_TESTCASE_BUF;
	while (__AFL_LOOP(100000))
		FUZZ_TARGET(data, (size_t)__AFL_FUZZ_TESTCASE_LEN);
	return 0;
}
