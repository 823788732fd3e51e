/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cxx.cc: the library from C++: exceptions roll back, PM_R() is typed.
 */
#include <pmheap.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <type_traits>

namespace {

struct root {
	root *self;
	int value;
	PmFat fat;
};

void expect(bool ok, const char *what)
{
	if (ok)
		return;
	std::fprintf(stderr, "%s: %s\n", what, pm_errormsg());
	std::exit(1);
}

void throw_inside(root *r)
{
	TX_START {
		TX_SET(r->value, 5);
		TX_START {
			TX_SET(r->self, nullptr);
			throw std::runtime_error("out of both blocks");
		} TX_END
	} TX_END
}

int return_inside(root *r)
{
	TX_START {
		TX_SET(r->value, 6);
		return r->value;
	} TX_END
	return 0;
}

} // namespace

int main()
{
	PmWrapperConfig config = PmWrapperConfig();
	bool committed = false, thrown = false;

	config.size = 1 << 20;
	expect(pm_init(config) == 0, "pm_init");
	root *r = static_cast<root *>(pm_root(sizeof(root)));
	expect(r != nullptr, "pm_root");
	TX_START {
		TX_SET(r->self, r);
		TX_SET(r->value, 1);
		TX_SET(r->fat, pm_fat(r));
	} TX_ONCOMMIT {
		committed = true;
	} TX_END
	expect(committed && r->value == 1, "commit");
	try {
		throw_inside(r);
	} catch (const std::runtime_error &) {
		thrown = true;
	}
	expect(thrown && pm_tx_level() == 0, "exception ends the transaction");
	expect(r->value == 1 && r->self == r, "exception rolls back");
	expect(pm_tx_errno() == ECANCELED, "result of an exception");
	expect(return_inside(r) == 6 && r->value == 1, "return rolls back");
	expect(PM_SET(r->value, 9) != nullptr && r->value == 9, "PM_SET");
	static_assert(std::is_same<decltype(PM_R(r->self)), root *>::value,
		      "PM_R() of a normal pointer keeps its type");
	expect(PM_R(r->fat) == r && PM_R(r->self) == r, "PM_R");
	expect(pm_close() == 0, "pm_close");
	return 0;
}
