/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * drop.c: fences and flushes that take no effect.
 */
#include "explore.h"

#include <string.h>

#define HEADERS_END 32768u	/* two header copies, see pmheap_format(5) */
#define LANES_OFF 36864u
#define N_LANES_AT 100u
#define LANE_SIZE_AT 104u

static uint64_t zone_off(const struct journal *j, unsigned medium)
{
	const uint8_t *header = j->image[medium].bytes;
	uint32_t n;
	uint64_t size;

	memcpy(&n, header + N_LANES_AT, sizeof(n));
	memcpy(&size, header + LANE_SIZE_AT, sizeof(size));
	return LANES_OFF + n * size;
}

/* What has been done to the medium since the last fence. */
static void notice(struct dropper *d, const struct trace_event *e,
		   uint64_t zone)
{
	bool direct = e->kind != TRACE_FLUSH && e->how == PM_WRITE_FLUSH;

	if (e->off >= HEADERS_END && e->off < LANES_OFF)
		d->saw_record = true;
	else if (e->off >= LANES_OFF && e->off < zone)
		d->saw_lane |= direct || e->kind == TRACE_FLUSH;
	else if (e->off >= LANES_OFF)
		d->saw_direct |= direct;
}

static enum drop order_of(const struct dropper *d)
{
	return d->saw_record ? DROP_T3 : d->saw_lane ? DROP_T1 :
	       d->saw_direct ? DROP_T4 : DROP_T2;
}

bool drop_event(struct dropper *d, const struct trace_event *e,
		const struct journal *j)
{
	enum drop kind = DROP_NOTHING;
	uint64_t zone;

	if (d->what == DROP_NOTHING)
		return false;
	zone = zone_off(j, e->medium);
	switch (e->kind) {
	case TRACE_WRITE:
	case TRACE_FILL:
		notice(d, e, zone);
		return false;
	case TRACE_FLUSH:
		notice(d, e, zone);
		kind = e->off < zone ? DROP_LANE_FLUSH : DROP_HOME_FLUSH;
		break;
	case TRACE_FENCE:
		kind = order_of(d);
		d->saw_record = d->saw_lane = d->saw_direct = false;
		break;
	}
	if (!d->armed || kind != d->what)
		return false;
	d->dropped++;
	return true;
}
