/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/measure.h: what transactions cost in a folder, and what the machine
 * needs at least there. For pmheap bench and doctor.
 */
#ifndef PMHEAP_TOOL_MEASURE_H
#define PMHEAP_TOOL_MEASURE_H

#include "tool.h"

#include <pmheap.h>

#define MEASURE_ROUNDS_MAX 101

/* A pool and a plain file in a new folder. */
struct measure {
	char	 dir[4096], pool[4096 + 8], file[4096 + 8];
	PmStats	 stats;		/* of the pool                               */
	int	 fd;		/* the file                                  */
	char	*base;		/* its mapping                               */
	uint64_t at;		/* where the next append goes                */
	uint64_t seed;
	void	*area;		/* that transactions change                  */
	unsigned rounds;
	unsigned round_ms;
};

/* ns of one operation: of the rounds, the median and the extremes. */
struct cost {
	double	 median, least, most;
	uint64_t n;
};

struct measure_work {
	const char *name, *what;
	int	(*run)(struct measure *m);	/* one operation; 0        */
	size_t	 floor_len;	/* bytes that it must append to a log        */
};

/* Ended by one without a name. */
extern const struct measure_work measure_works[];

/* Exit codes, after saying why. */
int measure_begin(struct measure *m, const char *parent, const char *backend);
int measure_run(struct measure *m, const struct measure_work *work,
		struct cost *cost, struct cost *floor);
void measure_end(struct measure *m);
/* What the floor is on this backend. */
const char *measure_floor_text(const struct measure *m);

#endif
