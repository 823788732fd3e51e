/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * points.h: operations that a process stops in the midst of.
 */
#ifndef TESTS_POINTS_H
#define TESTS_POINTS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One pool (or two) at path.a (and path.b). */
struct phase {
	const char *name;
	void (*prepare)(const char *path);	/* may leave the pool open    */
	void (*operate)(const char *path);	/* what the power cut is in   */
	/* Opens what is there; true: the operation's effect is there. */
	bool (*found)(const char *path);
};

extern const struct phase phases[];
extern const size_t phase_n;

/* From here on, the nth fence or system call on the medium is the last. */
void stop_arm(unsigned nth, int report_fd);

__attribute__((format(printf, 1, 2), noreturn))
void broken(const char *format, ...);

#define must(x) ((x) ? (void)0 : broken("%s: %s (%s)", #x, pm_errormsg(), \
					strerror(errno)))

#endif
