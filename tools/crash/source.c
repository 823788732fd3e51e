/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * source.c: from an address in the recorded program to function, file and
 * line, by elfutils' libdw; without it, to module and offset.
 */
#include "crash/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct run_module *module_of(const struct run *run, uint64_t at)
{
	for (size_t i = 0; i < run->module_n; i++)
		if (at >= run->module[i].lo && at < run->module[i].hi)
			return &run->module[i];
	return NULL;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

#ifdef HAVE_LIBDW

#include <dwarf.h>
#include <elfutils/libdwfl.h>

static Dwfl *dwfl;

static Dwfl *open_modules(const struct run *run)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
	};

	if (dwfl)
		return dwfl;
	dwfl = dwfl_begin(&callbacks);
	if (!dwfl)
		return NULL;
	dwfl_report_begin(dwfl);
	for (size_t i = 0; i < run->module_n; i++)
		dwfl_report_elf(dwfl, run->module[i].path, run->module[i].path,
				-1, run->module[i].bias, true);
	dwfl_report_end(dwfl, NULL, NULL);
	return dwfl;
}

static bool is_function(Dwarf_Die *die)
{
	int tag = dwarf_tag(die);

	return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
}

/* Where an inlined function was called: the file and line of its caller. */
static void call_site(Dwarf_Die *die, Dwarf_Die *cu, struct source *out)
{
	Dwarf_Attribute attr;
	Dwarf_Word file, line;
	Dwarf_Files *files;
	size_t n;

	if (dwarf_formudata(dwarf_attr(die, DW_AT_call_line, &attr), &line) ||
	    dwarf_formudata(dwarf_attr(die, DW_AT_call_file, &attr), &file) ||
	    dwarf_getsrcfiles(cu, &files, &n))
		return;
	out->line = (int)line;
	snprintf(out->file, sizeof(out->file), "%s",
		 last_part(dwarf_filesrc(files, file, NULL, NULL) ?: ""));
}

/* The function at pc, and those it was inlined into; how many. */
static unsigned functions_at(Dwarf_Die *cu, Dwarf_Addr pc, struct source *out,
			     unsigned max)
{
	Dwarf_Die *inner = NULL, *outer = NULL;
	unsigned found = 0;
	int n = dwarf_getscopes(cu, pc, &inner);

	n = n > 0 ? dwarf_getscopes_die(&inner[0], &outer) : 0;
	for (int i = 0; i < n && found < max; i++) {
		const char *name;

		if (!is_function(&outer[i]))
			continue;
		name = dwarf_diename(&outer[i]);
		snprintf(out[found].function, sizeof(out[found].function),
			 "%s", name ? name : "");
		if (++found < max &&
		    dwarf_tag(&outer[i]) == DW_TAG_inlined_subroutine)
			call_site(&outer[i], cu, &out[found]);
		else
			break;
	}
	free(inner);
	free(outer);
	return found;
}

static unsigned find_lines(const struct run *run, uint64_t pc,
			   struct source *out, unsigned max)
{
	Dwfl *d = open_modules(run);
	Dwfl_Module *m = d ? dwfl_addrmodule(d, pc) : NULL;
	Dwfl_Line *line = m ? dwfl_module_getsrc(m, pc) : NULL;
	Dwarf_Addr bias;
	Dwarf_Die *cu = m ? dwfl_module_addrdie(m, pc, &bias) : NULL;
	const char *file, *name;
	unsigned n = cu ? functions_at(cu, pc - bias, out, max) : 0;

	name = m && !n ? dwfl_module_addrname(m, pc) : NULL;
	if (name)
		snprintf(out->function, sizeof(out->function), "%s", name);
	file = line ? dwfl_lineinfo(line, NULL, &out->line, NULL, NULL, NULL) :
		      NULL;
	if (file)
		snprintf(out->file, sizeof(out->file), "%s", last_part(file));
	return n ? n : 1;
}

void source_done(void)
{
	if (dwfl)
		dwfl_end(dwfl);
	dwfl = NULL;
}

#else

static unsigned find_lines(const struct run *run, uint64_t pc,
			   struct source *out, unsigned max)
{
	(void)run;
	(void)pc;
	(void)out;
	(void)max;
	return 1;
}

void source_done(void)
{
}

#endif

unsigned source_find(const struct run *run, uint64_t frame,
		     struct source *out, unsigned max)
{
	uint64_t pc = frame - 1;	/* inside the call */
	const struct run_module *m = module_of(run, pc);
	unsigned n;

	memset(out, 0, max * sizeof(*out));
	if (!m)
		return 1;
	n = find_lines(run, pc, out, max);
	for (unsigned i = 0; i < n; i++) {
		snprintf(out[i].module, sizeof(out[i].module), "%s",
			 last_part(m->path));
		out[i].offset = pc - m->bias;
	}
	return n;
}

unsigned source_of_call(const struct run *run, const struct run_call *call,
			struct source *out, unsigned max)
{
	unsigned n = 0, k;

	for (unsigned i = 0; i < call->frame_n && n < max; i++) {
		k = source_find(run, call->frame[i], out + n, max - n);
		/* What starts a program is of no interest. */
		if (n && strncmp(out[n].module, "libc.so", 7) == 0)
			break;
		n += k;
	}
	return n;
}
