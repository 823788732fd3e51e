/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tools/place.h: what a folder's file system and the process offer to pools,
 * for pmheap doctor.
 */
#ifndef PMHEAP_TOOL_PLACE_H
#define PMHEAP_TOOL_PLACE_H

#include "tool.h"

struct place {
	char	 type[64];	/* of the file system                        */
	char	 source[256];	/* what is mounted                           */
	uint64_t free_bytes;
	bool	 network;	/* its server decides what is durable        */
	bool	 layered;	/* another file system beneath does          */
	bool	 dax;		/* files are mapped without a page cache     */
	bool	 map_sync;	/* a flushed line is durable                 */
	int	 map_sync_err;	/* errno of why not                          */
	bool	 reflink;	/* copies can share blocks                   */
	bool	 auto_flush;	/* caches are in the persistence domain      */
	uint64_t window_base, window_len;
	unsigned slots, slots_free;
	uint64_t limit_as, limit_file;	/* UINT64_MAX: none                  */
	uint64_t maps_max;
	int	 overcommit;
};

/* Looks at the folder by files in temp, which is in it. 0, or -1 with errno. */
int place_look(struct place *p, const char *temp);

#endif
