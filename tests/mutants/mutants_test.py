#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Mutants in short: no fault of the table is stale, those marked `short` are caught, and a fault that is stale, does not
build or changes nothing is called so. mutants_test.py TREE; ./test --mutants tries the whole table."""
import os
import sys

from salto import console, mutants, tap

LEAST_FAULTS = 30
JOBS = 2

HARMLESS = mutants.Fault("harmless", "Nothing.", "kernel/ipc/message.h", "uint32_t tag_words(uint32_t general)",
                         "uint32_t tag_words(const uint32_t general)", "kernel-tag")
BROKEN = mutants.Fault("broken", "The build.", "kernel/ipc/message.h", "uint32_t tag_words(uint32_t general)",
                       "uint32_t tag_words(", "kernel-tag")
STALE = mutants.Fault("stale", "Nothing.", "kernel/ipc/message.c", "no such text", "", "kernel-tag")
TESTLESS = mutants.Fault("testless", "Nothing.", "kernel/ipc/message.h", "uint32_t tag_words(uint32_t general)",
                         "uint32_t tag_words(const uint32_t general)", "no-such-test")
EXPECTED = {"harmless": mutants.MISSED, "broken": "does not build", "stale": "stale", "testless": "no verdict"}


def main():
    tree = os.path.abspath(sys.argv[1])
    report = tap.Report()
    faults = mutants.load(tree)
    report.add(len(faults) >= LEAST_FAULTS, f"the table has at least {LEAST_FAULTS} faults", f"it has {len(faults)}")
    for fault in faults:
        why = mutants.stale(fault, tree)
        report.add(not why, f"{fault.name} can be planted", f"{why}; bring {mutants.TABLE} up to date")
    short = [fault for fault in faults if fault.short and not mutants.stale(fault, tree)]
    for verdict in mutants.try_all([*short, HARMLESS, BROKEN, STALE, TESTLESS], JOBS, tree=tree):
        expected = EXPECTED.get(verdict.fault.name, mutants.CAUGHT)
        report.add(verdict.result == expected, f"{verdict.fault.name}: {expected}", mutants.line(verdict))
    return report.finish()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, console.Failure) as error:
        sys.exit(f"Bail out! {error}")
