#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Random values of every interface of tests/idlc/good and idl/, sent to a program in Salto and back: run.py NAME
--kernel FILE --archive FILE --idlc FILE. Prints TAP, which operations were called, and which cannot cross a stream.

The requests and replies are made here, by an implementation of the encoding of its own (vectors.py), and put into the
archive: generated code in C must find the same values in them, pass them on over the transport of the set, and make the
same bytes of them again.
"""
import argparse
import os
import random
import sys
import tempfile

import interfaces
import vectors
from salto import archive, guest, machine


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="of the test, for messages")
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--archive", required=True)
    parser.add_argument("--idlc", required=True)
    parser.add_argument("--values", type=int, default=8, help="of each operation")
    parser.add_argument("--timeout", type=float, default=300)
    return parser.parse_args()


def add_vectors(source, output, found, seed, values):
    """The archive with a file `vectors` more."""
    numbers = random.Random(seed)
    sections = b"".join(vectors.Maker(file.model, numbers).section(interface, file.served(interface), values)
                        for file in found for interface in file.interfaces)
    archive.write(output, [*archive.read(source), ("vectors", sections)])


def tell(report, found, values):
    """What was called, if the guest said so of each interface: an operation that was not fails."""
    passed = {line.split(" - ", 1)[1] for line in report.lines if line.startswith("ok ") and " - " in line}
    count = 0
    for file in found:
        for interface in file.interfaces:
            names = [operation["name"] for operation in file.served(interface)]
            report.add(interface["c_name"] in passed and names, f"{interface['name']}: all its operations")
            report.comment(f"operations {interface['name']}: {', '.join(names)}")
            count += len(names) * values
        for name, why in file.left_out():
            report.comment(f"left out {name}: {why}")
    report.comment(f"round trips {count}")


def main():
    arguments = parse()
    seed = int(os.environ.get("SALTO_SEED") or random.SystemRandom().randrange(1, 1 << 32))
    folders = [interfaces.TREE / "idl", interfaces.TREE / "idl/kernel"]
    found = interfaces.sources(arguments.idlc, folders)
    with tempfile.TemporaryDirectory(prefix="salto-") as work:
        filled = os.path.join(work, "set.cpio")
        add_vectors(arguments.archive, filled, found, seed, arguments.values)
        options = machine.Options(kernel=arguments.kernel, archive=filled, icount=True, leap=True,
                                  command_line="debug-exit", debug_exit=True)
        report = guest.run(arguments.name, options, seed, arguments.timeout)
    tell(report, found, arguments.values)
    if not report.passed():
        report.comment(f"the values are those of seed {seed}: SALTO_SEED={seed} ./test {arguments.name}")
    print(report.text(), end="")
    return 0 if report.passed() else 1


if __name__ == "__main__":
    sys.exit(main())
