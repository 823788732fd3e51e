/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ops.h: what the files of the workloads' operations share.
 */
#ifndef TESTS_OPS_H
#define TESTS_OPS_H

#include "model.h"

static inline struct root *root_of(void)
{
	return pm_root(0);
}

/* An operation begins: the version after the newest may come. */
void run_begin(struct run *r);
/* It has returned; late: it may be lost until the next flush. */
void run_end(struct run *r, bool late);
/* The model's slot i holds such an object; size 0: none. */
void set_slot(struct run *r, unsigned i, uint64_t size, uint64_t tag);

void op_put(struct run *r, unsigned i, uint64_t size);
void op_many(struct run *r, unsigned i, uint64_t n);
void op_batch(struct run *r, unsigned i);
void op_floating(struct run *r, uint64_t size);
void op_flush_now(struct run *r);
void op_both(struct run *r, unsigned i, uint64_t n);
void op_pin(struct run *r, unsigned i);
void op_fail(struct run *r, unsigned i, unsigned nth);
void op_crowd(struct run *r);

#endif
