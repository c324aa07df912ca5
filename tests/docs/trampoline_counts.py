#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""docs/address-spaces.md tells how many instructions each crossing takes: trampoline_counts.py TREE TRAMPOLINE. Prints TAP.

Walks the linked trampoline's instructions from an entry to the one that leaves it. Each column of the page's table is a
path: where it begins, and the labels to which its conditional jumps are taken; all others fall through.
"""
import os
import re
import subprocess
import sys

from salto import tap

INSTRUCTION = re.compile(r"^([0-9a-f]{16}):\s+(\S+)\s*(.*)$")
LEAVES = ("sysretq", "sysretl", "sysret", "iretq")
ENTRY = "trampoline_system_call"
LONGEST = 200
PATHS = {
    "plain call": (ENTRY, set()),
    "plain reply": (ENTRY, {"not_plain_call"}),
    "long call": (ENTRY, {"not_plain_call", "not_plain", "long_call"}),
    "long reply": (ENTRY, {"not_plain_call", "not_plain", "long_reply"}),
    "reflection": (ENTRY, {"not_plain_call", "not_plain", "reflect"}),
    "to the kernel": (ENTRY, {"slow"}), # at the second check: the slot's endpoint is one on which nobody waits
    "from the kernel": ("trampoline_resume", set()),
}
# The first check, of the handle's range, passes on the way to the kernel: its slot is looked at, and is empty.
PASSED_CHECKS = {"to the kernel": 1}


def disassembly(trampoline):
    """All instructions as (address, name, operands), in order, and the address of each label."""
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", trampoline], capture_output=True, text=True,
                          check=True).stdout
    code = [(int(m[1], 16), m[2], m[3]) for m in map(INSTRUCTION.match, text.splitlines()) if m]
    symbols = subprocess.run(["nm", trampoline], capture_output=True, text=True, check=True).stdout
    labels = {words[2]: int(words[0], 16) for words in map(str.split, symbols.splitlines()) if len(words) == 3}
    return code, labels


def walk(code, labels, name):
    """Instructions and writes of CR3 on a path."""
    start, taken = PATHS[name]
    targets, passes = {labels[label] for label in taken}, PASSED_CHECKS.get(name, 0)
    index = {address: i for i, (address, _, _) in enumerate(code)}
    at, count, writes = index[labels[start]], 0, 0
    while count < LONGEST:
        _, instruction, operands = code[at]
        count, writes, at = count + 1, writes + operands.endswith(",%cr3"), at + 1
        if instruction in LEAVES or (instruction == "jmp" and operands.startswith("*")):
            return count, writes
        target = int(operands.split()[0], 16) if instruction.startswith("j") else None
        if target in targets and instruction != "jmp" and passes:
            passes -= 1
        elif target is not None and (instruction == "jmp" or target in targets):
            at = index[target]
    raise ValueError(f"{name} does not end within {LONGEST} instructions")


def table(tree):
    """The page's table: column to its cells, by step."""
    with open(os.path.join(tree, "docs", "address-spaces.md"), encoding="utf-8") as page:
        lines = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in page if line.startswith("|")]
    first = next(i for i, cells in enumerate(lines) if cells[0] == "step")
    steps = lines[first + 2:]
    last = next(i for i, cells in enumerate(steps) if cells[0] == "writes of CR3")
    return {column: {cells[0]: cells[number] for cells in steps[:last + 1]}
            for number, column in enumerate(lines[first]) if number}


def main():
    tree, trampoline = sys.argv[1:3]
    code, labels = disassembly(trampoline)
    report, columns = tap.Report(), table(tree)
    report.add(set(columns) == set(PATHS), "the page has a column for each path")
    for name, cells in columns.items():
        count, writes = walk(code, labels, name)
        steps = sum(int(cell.split()[0]) for step, cell in cells.items() if step not in ("all", "writes of CR3"))
        words = int(cells["all"].endswith("+ n")) # `rep movsq` is one of those counted, and n iterations instead
        report.add(int(cells["all"].split()[0]) + words == count and steps == count - words, f"{name}: instructions",
                   f"the trampoline takes {count - words}, the page's steps add up to {steps}, and it says {cells['all']}")
        report.add(int(cells["writes of CR3"]) == writes, f"{name}: writes of CR3", f"the trampoline has {writes}")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
