#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes the table of text symbols that the kernel prints stacks with (kernel/debug/symbols.h).

The kernel is linked twice: first with an empty table, then with the table made from the first link. The table lies in
.rodata, behind the text, so text addresses are the same in both links; --check compares them.

    kernel_symbols.py --empty OUTPUT.c              the empty table
    kernel_symbols.py --make FIRST.elf OUTPUT.c     the table of a first link
    kernel_symbols.py --check FIRST.elf FINAL.elf   fails if a text symbol has moved
"""

import sys

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

# From kernel/abi/addresses.h: SHARED_BASE (which is TRAMPOLINE_TEXT too) and TRAMPOLINE_TEXT_PAGES.
SHARED_BASE = 0xFFFFFFFF80000000
TRAMPOLINE_TEXT = range(SHARED_BASE, SHARED_BASE + 2 * 4096)


def text_symbols(path):
    """{name: address} of what lies in kernel text or trampoline text, and the end of the kernel's text."""
    with open(path, "rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        if table is None:
            raise ValueError(f"{path}: has no symbol table")
        symbols = {symbol.name: symbol["st_value"] for symbol in table.iter_symbols()
                   if symbol.name and symbol["st_info"]["type"] not in ("STT_FILE", "STT_SECTION")}
    for name in ("kernel_text_start", "kernel_text_end"):
        if name not in symbols:
            raise ValueError(f"{path}: has no symbol {name}")
    text = range(symbols.pop("kernel_text_start"), symbols.pop("kernel_text_end"))
    found = {name: address for name, address in symbols.items()
             if not name.startswith(".") and (address in text or address in TRAMPOLINE_TEXT)}
    return found, text.stop


def escape(name):
    """A name as part of a C string; symbols hold letters, digits, '_', '.', '$' only."""
    if not all(character.isalnum() or character in "_.$" for character in name):
        raise ValueError(f"symbol {name!r} has characters that no compiler makes")
    return name


def render(symbols, text_end):
    """The table as C. Of two symbols at one address the first by name stands for both."""
    rows = {}
    for name in sorted(symbols, reverse=True):
        rows[symbols[name]] = name
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
    """Raises ValueError if a symbol is not where the table says."""
    before, after = text_symbols(first), text_symbols(final)
    if before != after:
        moved = sorted(name for name in before[0].keys() | after[0].keys() if before[0].get(name) != after[0].get(name))
        raise ValueError(f"{final}: text differs from the first link: {', '.join(moved[:5]) or 'its end'}")


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
            check(first, final)
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
