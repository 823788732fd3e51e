/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * consumer.cc: the same program, as C++.
 */
#include "consumer.c"
