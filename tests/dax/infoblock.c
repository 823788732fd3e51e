/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * infoblock.c: writes the block that makes an NVDIMM image an fsdax namespace,
 * so that its file system can be mounted for direct access.
 *
 *	infoblock IMAGE BYTES
 *
 * The block stands at 4 KiB and is that of the kernel's drivers/nvdimm/pfn.h,
 * version 1.4: page structures in RAM, data from 2 MiB on, a Fletcher sum over
 * the 4 KiB with the sum itself taken as zero.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ALIGN	(2u << 20)
#define PAGE	4096u

struct infoblock {
	char signature[16];
	uint8_t uuid[16];
	uint8_t parent_uuid[16];
	uint32_t flags;
	uint16_t version_major;
	uint16_t version_minor;
	uint64_t data_off;
	uint64_t page_n;
	uint32_t mode;			/* 1: page structures in RAM */
	uint32_t start_pad;
	uint32_t end_trunc;
	uint32_t align;
	uint32_t page_size;
	uint16_t page_struct_size;
	uint8_t reserved[3994];
	uint64_t sum;
};

_Static_assert(sizeof(struct infoblock) == PAGE, "one page");

static uint64_t fletcher64(const void *block)
{
	uint32_t word, lo = 0;
	uint64_t hi = 0;
	size_t i;

	for (i = 0; i < PAGE; i += 4) {
		memcpy(&word, (const char *)block + i, 4);
		lo += word;
		hi += lo;
	}
	return hi << 32 | lo;
}

int main(int argc, char **argv)
{
	struct infoblock b = {
		.signature = "NVDIMM_PFN_INFO",
		.uuid = "pmheap test pool",
		.version_major = 1,
		.version_minor = 4,
		.data_off = ALIGN,
		.mode = 1,
		.align = ALIGN,
		.page_size = PAGE,
		.page_struct_size = 64,
	};
	unsigned long long size;
	int fd;

	size = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
	if (size <= ALIGN || size % ALIGN) {
		fprintf(stderr, "usage: infoblock IMAGE BYTES\n");
		return 2;
	}
	b.page_n = (size - ALIGN) / PAGE;
	b.sum = fletcher64(&b);
	fd = open(argv[1], O_WRONLY);
	if (fd < 0 || pwrite(fd, &b, PAGE, PAGE) != PAGE || close(fd)) {
		perror(argv[1]);
		return 1;
	}
	return 0;
}
