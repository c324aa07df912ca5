#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The table in docs/locks.md lists every writable symbol of the kernel: writable_symbols.py TREE KERNEL. Prints TAP.

Writable are the symbols for which `nm` says b, B, d or D. Compilers add a number (gcc: table.0) or the function's name
(clang: root_start.table) to variables within functions, which the table leaves out. A row's file must name the symbol.
"""
import collections
import os
import re
import subprocess
import sys

ROW = re.compile(r"^\| `(\w+)` \| (\S+) \| .* \| (.+) \|$")
GUARDS = ("first CPU", "boot", "boot, in turn", "atomic", "nobody", "first CPU; see below")


def plain_name(symbol):
    """The name as the source has it."""
    return re.sub(r"\.\d+$", "", symbol).rsplit(".", 1)[-1]


def writable(kernel):
    lines = subprocess.run(["nm", kernel], capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    parts = [line.split() for line in lines]
    return [plain_name(part[-1]) for part in parts if part[-2] in "bBdD"]


def rows(tree):
    with open(os.path.join(tree, "docs/locks.md"), encoding="utf-8") as file:
        return [match.groups() for match in map(ROW.match, file) if match]


def names_symbol(tree, path, symbol):
    try:
        with open(os.path.join(tree, path), encoding="utf-8") as file:
            return re.search(rf"\b{symbol}\b", file.read()) is not None
    except FileNotFoundError:
        return False


def listed(counted):
    return " ".join(sorted(counted.elements())) or "none"


def main():
    tree, kernel = sys.argv[1:3]
    table, symbols = rows(tree), collections.Counter(writable(kernel))
    documented = collections.Counter(symbol for symbol, _, _ in table)
    strange = [f"{symbol} in {path}" for symbol, path, _ in table if not names_symbol(tree, path, symbol)]
    unknown = [f"{symbol}: {guard}" for symbol, _, guard in table if guard not in GUARDS]
    twice = [row for row, count in collections.Counter(row[:2] for row in table).items() if count > 1]
    results = (
        (bool(symbols) and not symbols - documented, f"not in docs/locks.md: {listed(symbols - documented)}"),
        (not documented - symbols, f"in docs/locks.md, but not in the kernel: {listed(documented - symbols)}"),
        (not strange and not twice, f"rows with a wrong file, or twice: {strange + twice or 'none'}"),
        (not unknown, f"rows with a guard that the page does not explain: {unknown or 'none'}"),
    )
    print(f"1..{len(results)}")
    for number, (good, text) in enumerate(results, 1):
        print(f"{'ok' if good else 'not ok'} {number} - {text}")
    return 0 if all(good for good, _ in results) else 1


if __name__ == "__main__":
    sys.exit(main())
