#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes the table of text symbols that the kernel prints stacks with (kernel/debug/symbols.h).

The kernel is linked twice: first with an empty table, then with the table made from the first link. The table lies in
.rodata, behind the text, so text addresses are the same in both links; --check compares them.

    kernel_symbols.py --empty OUTPUT.c              the empty table
    kernel_symbols.py --make FIRST.elf OUTPUT.c     the table of a first link
    kernel_symbols.py --check FIRST.elf FINAL.elf   fails if a text symbol has moved; prints TAP
"""

import sys

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

# From kernel/abi/addresses.h: SHARED_BASE (which is TRAMPOLINE_TEXT too) and TRAMPOLINE_TEXT_PAGES.
SHARED_BASE = 0xFFFFFFFF80000000
TRAMPOLINE_TEXT = range(SHARED_BASE, SHARED_BASE + 2 * 4096)


def text_symbols(path):
    """What lies in kernel text or trampoline text, as a set of (address, name), and the end of the kernel's text.
    Static functions of several files may share a name."""
    with open(path, "rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        if table is None:
            raise ValueError(f"{path}: has no symbol table")
        symbols = {(symbol["st_value"], symbol.name) for symbol in table.iter_symbols()
                   if symbol.name and symbol["st_info"]["type"] not in ("STT_FILE", "STT_SECTION")}
    bounds = {name: address for address, name in symbols if name in ("kernel_text_start", "kernel_text_end")}
    if len(bounds) != 2:
        raise ValueError(f"{path}: has no symbols kernel_text_start and kernel_text_end")
    text = range(bounds["kernel_text_start"], bounds["kernel_text_end"])
    found = {(address, name) for address, name in symbols
             if name not in bounds and name[0] != "." and (address in text or address in TRAMPOLINE_TEXT)}
    return found, text.stop


def escape(name):
    """A name as part of a C string; symbols hold letters, digits, '_', '.', '$' only."""
    if not all(character.isalnum() or character in "_.$" for character in name):
        raise ValueError(f"symbol {name!r} has characters that no compiler makes")
    return name


def render(symbols, text_end):
    """The table as C. Of two symbols at one address the first by name stands for both."""
    rows = {}
    for address, name in sorted(symbols, reverse=True):
        rows[address] = name
    rows.setdefault(text_end, "")
    if any(address in TRAMPOLINE_TEXT for address in rows):
        rows.setdefault(TRAMPOLINE_TEXT.stop, "")
    lines = ["/* Made by tools/kernel_symbols.py. */", '#include "debug/symbols.h"', ""]
    names, table, position = [], [], 0
    for address in sorted(rows):
        table.append(f"    {{0x{address - SHARED_BASE:x}, {position}}},")
        names.append(f'    "{escape(rows[address])}\\0"')
        position += len(rows[address]) + 1
    lines += [f"const uint32_t symbols_count = {len(table)};", "const struct symbol symbols_table[] = {", *table, "};"]
    lines += ["const char symbols_names[] =", *names, "    ;", ""]
    return "\n".join(lines)


def empty():
    """A table without a symbol; C wants arrays of at least one element."""
    return "\n".join(["/* Made by tools/kernel_symbols.py. */", '#include "debug/symbols.h"', "",
                      "const uint32_t symbols_count = 0;", "const struct symbol symbols_table[] = {{0, 0}};",
                      'const char symbols_names[] = "";', ""])


def check(first, final):
    """Is each text symbol of the final link where the first link had it? Prints one TAP result."""
    before, after = text_symbols(first), text_symbols(final)
    moved = sorted({name for _, name in before[0] ^ after[0]})
    good = bool(before[0]) and before == after
    print(f"1..1\n{'ok' if good else 'not ok'} 1 - {len(before[0])} text symbols are where the kernel's table says")
    if not good:
        print(f"# moved: {', '.join(moved[:5]) or 'the end of the text'}")
    return 0 if good else 1


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def main(arguments):
    match arguments:
        case ["--empty", output]:
            write(output, empty())
        case ["--make", first, output]:
            write(output, render(*text_symbols(first)))
        case ["--check", first, final]:
            return check(first, final)
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (OSError, ValueError, ELFError) as error:
        print(f"kernel_symbols.py: {error}", file=sys.stderr)
        sys.exit(1)
