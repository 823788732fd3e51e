/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * choose.c: in place of lib/persist/choose.c. Every medium is simulated, also
 * those that the library opens by a path alone (repair, a new id, peers).
 */
#include "explore.h"
#include "persist/persist.h"

static bool pages;

void choose_pages(bool on)
{
	pages = on;
}

PM_API const PmBackend *pm_backend(const char *name)
{
	(void)name;
	return pages ? &sim_pages : &sim_lines;
}

const PmBackend *medium_choose(const PmWrapperConfig *config, int fd)
{
	(void)fd;
	return pm_backend(config->backend_name);
}
