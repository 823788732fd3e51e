/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * choices.c: a string of bytes as decisions.
 */
#include "fuzz.h"

static unsigned next(struct choices *in)
{
	if (in->n == 0)
		return 0;
	in->n--;
	return *in->p++;
}

unsigned pick(struct choices *in, unsigned n)
{
	unsigned v = next(in);

	if (n > 256)
		v |= next(in) << 8;
	if (n > 65536)
		v |= next(in) << 16;
	return v % n;
}

uint64_t pick_u64(struct choices *in)
{
	uint64_t v = 0;
	int i;

	for (i = 0; i < 64; i += 8)
		v |= (uint64_t)next(in) << i;
	return v;
}

bool rarely(struct choices *in, unsigned n)
{
	return in->n && next(in) % n == n - 1;
}

uint64_t pick_value(struct choices *in, const struct pm_header *h,
		    uint64_t old)
{
	const uint64_t far[] = {
		0, 1, 7, 8, 63, 64, 255, 4096, UINT16_MAX, 1u << 31,
		UINT32_MAX, 1ull << 40, (1ull << 56) - 16, PM_COUNT_MAX / 2,
		PM_COUNT_MAX + 1, 1ull << 63, UINT64_MAX - 4095,
		UINT64_MAX - 7, UINT64_MAX, PM_LANES_OFF, h->size,
		h->size - 1, h->max_size, h->zone[0].off,
		h->zone[0].off + h->zone[0].len, h->id, GOOD_ID,
	};

	switch (pick(in, 6)) {
	case 0:
		return old + 1;
	case 1:
		return old - 1;
	case 2:
		return old ^ 1ull << pick(in, 64);
	case 3:
		return old + (uint64_t)pick(in, 256) * 16;
	case 4:
		return far[pick(in, sizeof(far) / sizeof(*far))];
	default:
		return pick_u64(in);
	}
}
