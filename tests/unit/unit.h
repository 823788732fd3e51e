/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * unit.h: what the unit tests share: the main program around Check, and a
 * region in plain memory without a log.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tx/internal.h"

#define UNIT_ROOM (4u << 20)

/* A formatted region of one zone in UNIT_ROOM bytes; no log, no window. */
struct region *unit_region(uint64_t size, uint64_t max_size);
void unit_region_free(struct region *r);
/* Its bytes, to be damaged. */
uint8_t *unit_bytes(struct region *r);
uint64_t unit_random(uint64_t *state);

/* The suite's name and its tests, ended by NULL. */
int unit_main(const char *name, const TTest *const *tests);

#endif
