#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The sources of client and server do not name their transport: transports.py TREE BUILD. Prints TAP.

examples/calculator is built and run with the line of its manifest that grants the server over each transport. The objects of
the two programs must be the same, byte by byte, and so must be what they print, but for what a call costs.
"""
import hashlib
import os
import re
import shutil
import sys
import tempfile

from salto import archive, machine, sets, tap

GRANT = "grant calc = calculator.calc rights write badge 7"
SOURCES = ("client", "calculator")
COST = re.compile(r"^(  \S.*\S) +\d+\s*$", re.MULTILINE)
TRANSPORTS = ("kernel", "local", "shared")
TIMEOUT = 120


def hashes(work):
    """Of the objects that were compiled from the programs' sources."""
    found = {}
    for name in SOURCES:
        with open(os.path.join(work, f"{name}.c.o"), "rb") as file:
            found[name] = hashlib.sha256(file.read()).hexdigest()
    return found


def printed(serial):
    """The lines of the programs, without their costs and the kernel's own lines."""
    lines = COST.sub(r"\1", serial.replace("\r", "")).splitlines()
    return [line for line in lines if not line.startswith("salto: ")]


class Builds:
    """The same folder, with one manifest after the other."""

    def __init__(self, tree, build, work):
        self.folder, self.work, self.build, self.archive = f"{work}/set", f"{work}/work", build, f"{work}/set.cpio"
        shutil.copytree(os.path.join(tree, "examples", "calculator"), self.folder)
        with open(f"{self.folder}/set.manifest", encoding="utf-8") as file:
            self.manifest = file.read()
        assert self.manifest.count(GRANT + ";") == 1

    def build_over(self, transport):
        with open(f"{self.folder}/set.manifest", "w", encoding="utf-8") as file:
            file.write(self.manifest.replace(GRANT, f"{GRANT} over {transport}"))
        sets.Set(self.folder, self.work, sets.load_config(self.build)).build(self.archive)
        return hashes(self.work)

    def run(self):
        options = machine.Options(kernel=os.path.join(self.build, "kernel", "kernel.elf"), archive=self.archive)
        return machine.run(options, TIMEOUT)


def main():
    tree, build = map(os.path.abspath, sys.argv[1:3])
    report, objects, lines = tap.Report(), {}, {}
    with tempfile.TemporaryDirectory(prefix="salto-") as work:
        builds = Builds(tree, build, work)
        for transport in TRANSPORTS:
            objects[transport] = builds.build_over(transport)
            outcome = builds.run()
            lines[transport] = printed(outcome.serial)
            report.add(outcome.status() == 0 and "2 + 3 = 5" in lines[transport], f"the calculator works over {transport}")
    first = TRANSPORTS[0]
    for transport in TRANSPORTS[1:]:
        report.add(objects[transport] == objects[first], f"{transport} links the same objects as {first}")
        if not report.add(lines[transport] == lines[first], f"and prints the same: {len(lines[first])} lines"):
            for line in lines[transport]:
                report.comment(line)
    return report.finish()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (sets.SetError, archive.ArchiveError) as error:
        sys.exit(f"transports: {error}")
