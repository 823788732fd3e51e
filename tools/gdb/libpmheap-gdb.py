# SPDX-License-Identifier: BSD-3-Clause
"""gdb and libpmheap: info pmheap, PmFat printed with its address, $pm_r().

Loaded by gdb with the shared library, from its auto-load folder; in a program
that is linked statically: source libpmheap-gdb.py. Reads the library's own
tables and needs its debug information; works on a core file too.
"""
import gdb
import gdb.printing

POISON = {1: "a sync failed", 2: "file truncated", 3: "no memory to undo"}


def table():
    """The library's table of open regions by number, or None."""
    symbol = (gdb.lookup_global_symbol("table_numbers") or
              gdb.lookup_static_symbol("table_numbers"))
    return symbol.value() if symbol else None


def missing():
    """Why there is no table: what was looked for, and where."""
    for objfile in gdb.objfiles():
        if "/libpmheap.so." in (objfile.filename or ""):
            return ("There is no debug information of libpmheap here: no "
                    "'table_numbers' in %s" % objfile.filename)
    return ("There is no debug information of libpmheap here: the shared "
            "library is not loaded (run the program first), and the program "
            "has no 'table_numbers'.")


def regions():
    """Open regions, by number."""
    by_number = table()
    if by_number is None:
        raise gdb.GdbError(missing())
    kind = gdb.lookup_type("struct region").pointer()
    last = 0
    for number in range(by_number.type.range()[1] + 1):
        address = int(by_number[number])
        # A large region stands under several numbers.
        if address and address != last:
            yield by_number[number].cast(kind).dereference()
        last = address


def text(pointer):
    """A C string, or what stands for NULL."""
    return pointer.string() if int(pointer) else "volatile"


def layout_of(region):
    """The application's name for the data."""
    try:
        return region["hdr"]["layout"].string()
    except gdb.error:
        return "?"


def state_of(region):
    """What is special about a region."""
    words = []
    if region["readonly"]:
        words.append("read-only")
    elif region["private"]:
        words.append("scratch")
    poison = int(region["poisoned"])
    if poison:
        words.append("poisoned: " + POISON.get(poison, str(poison)))
    return ", ".join(words) or "-"


def find(fat):
    """The region and the address that a PmFat means; None, None."""
    for region in regions():
        if int(region["id"]) == int(fat["region"]):
            if int(fat["offset"]) >= int(region["size"]):
                return region, None
            return region, int(region["work"]) + int(fat["offset"])
    return None, None


class PmFatPrinter:
    """{region, offset} and where that is."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        number, offset = int(self.value["region"]), int(self.value["offset"])
        if number == 0:
            return "PM_FAT_NULL"
        what = "%016x+%#x" % (number, offset)
        try:
            region, address = find(self.value)
        except gdb.GdbError:
            return what
        if region is None:
            return what + " (region not open)"
        path = text(region["md"]["path"])
        if address is None:
            return "%s (outside of %s)" % (what, path)
        return "%s = %#x (%s)" % (what, address, path)


class InfoPmheap(gdb.Command):
    """List the open regions of libpmheap."""

    def __init__(self):
        super().__init__("info pmheap", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        rows = [("Num", "Id", "From", "To", "State", "Layout", "File")]
        for region in regions():
            start, size = int(region["work"]), int(region["size"])
            rows.append((str(int(region["number"])),
                         "%016x" % int(region["id"]), "%#x" % start,
                         "%#x" % (start + size), state_of(region),
                         layout_of(region) or "-", text(region["md"]["path"])))
        if len(rows) == 1:
            print("No region is open.")
            return
        widths = [max(len(row[i]) for row in rows) for i in range(7)]
        for row in rows:
            print("  ".join(cell.ljust(width) for cell, width
                            in zip(row, widths)).rstrip())


class PmR(gdb.Function):
    """$pm_r(FAT): the address that a PmFat means."""

    def __init__(self):
        super().__init__("pm_r")

    def invoke(self, fat):
        void_pointer = gdb.lookup_type("void").pointer()
        if int(fat["region"]) == 0:
            return gdb.Value(0).cast(void_pointer)
        address = find(fat)[1]
        if address is None:
            raise gdb.GdbError("The region of this fat pointer is not open, "
                               "or the offset is outside of it.")
        return gdb.Value(address).cast(void_pointer)


def printers():
    """What is printed in another way."""
    collection = gdb.printing.RegexpCollectionPrettyPrinter("libpmheap")
    collection.add_printer("PmFat", "^PmFat$", PmFatPrinter)
    return collection


gdb.printing.register_pretty_printer(gdb.current_objfile(), printers(),
                                     replace=True)
InfoPmheap()
PmR()
