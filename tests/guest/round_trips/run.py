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
import re
import sys
import tempfile

import interfaces
import vectors
from salto import archive, guest, machine, tap

PART = 40  # interfaces in a machine: a set has at most 64 programs


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="of the test, for messages")
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--archive", required=True)
    parser.add_argument("--idlc", required=True)
    parser.add_argument("--values", type=int, default=8, help="of each operation")
    parser.add_argument("--timeout", type=float, default=300)
    return parser.parse_args()


class Numbered:
    """An interface, by its number in generated code."""

    def __init__(self, number, file, interface, over):
        self.number, self.file, self.interface = number, file, interface
        self.over, self.left_out = over, {}
        for operation in file.served(interface):
            self.left_out[operation["name"]] = self.why_not(operation)
        self.operations = [one for one in file.served(interface) if not self.left_out[one["name"]]]

    def why_not(self, operation):
        """Events have a test of their own: idlc-events, and the set watchers."""
        twins = [one for one in self.file.model.declarations.values() if one.get("id") == self.interface["id"]]
        if operation["kind"] == "call":
            return ""
        if len(twins) > 1:
            return "an event is lost where nobody waits for it just then"
        if self.over and "timeout_ns" in operation:
            return "it goes by the kernel, and the next call may overtake it"
        return ""


def transport(path):
    """What the manifest in an archive says behind `over`; nothing for the kernel's."""
    manifest = dict(archive.read(path))["set.manifest"].decode()
    found = re.search(r"^ *grant s0 = .* over (\w+);$", manifest, re.MULTILINE)
    return found[1] if found else ""


def with_grants(manifest, part):
    """The manifest with capabilities to these interfaces, over what it says for that of the first one."""
    line = re.search(r"^ *grant s0 = (answerer\.trips) badge 1(.*);$", manifest, re.MULTILINE)
    return manifest.replace(line[0], "\n".join(
        f"    grant s{one.number} = {line[1]} badge {one.number + 1}{line[2]};" for one in part))


def run_part(arguments, part, seed, work):
    """A machine for some interfaces; answers its report."""
    maker = random.Random(f"{seed} {part[0].number}")
    sections = b"".join(vectors.Maker(one.file.model, maker).section(one.interface, one.operations, arguments.values)
                        for one in part)
    filled = os.path.join(work, f"{part[0].number}.cpio")
    members = [(name, with_grants(data.decode(), part).encode() if name == "set.manifest" else data)
               for name, data in archive.read(arguments.archive)]
    archive.write(filled, [*members, ("vectors", sections)])
    options = machine.Options(kernel=arguments.kernel, archive=filled, icount=True, leap=True,
                              command_line="debug-exit", debug_exit=True)
    return guest.run(arguments.name, options, seed, arguments.timeout)


def tell(report, found, values):
    """What was called, if the guest said so of each interface: an operation that was not fails."""
    passed = {line.split(" - ", 1)[1] for line in report.lines if line.startswith("ok ") and " - " in line}
    for one in found:
        names = [operation["name"] for operation in one.operations]
        report.add(one.interface["c_name"] in passed or not names, f"{one.interface['name']}: all its operations")
        report.comment(f"operations {one.interface['name']}: {', '.join(names)}")
        report.comment(*(f"left out {one.interface['name']}.{name}: {why}"
                         for name, why in one.left_out.items() if why))
    for file in dict.fromkeys(one.file for one in found):
        report.comment(*(f"left out {name}: {why}" for name, why in file.left_out()))
    report.comment(f"round trips {values * sum(len(one.operations) for one in found)}")


def main():
    arguments = parse()
    seed = int(os.environ.get("SALTO_SEED") or random.SystemRandom().randrange(1, 1 << 32))
    folders = [interfaces.TREE / "idl", interfaces.TREE / "idl/kernel"]
    found = interfaces.sources(arguments.idlc, folders)
    everything = [(file, interface) for file in found for interface in file.interfaces]
    over = transport(arguments.archive)
    numbered = [Numbered(number, *one, over) for number, one in enumerate(everything)]
    called = [one for one in numbered if one.operations]
    report = tap.Report()
    with tempfile.TemporaryDirectory(prefix="salto-") as work:
        for first in range(0, len(called), PART):
            tap.parse(run_part(arguments, called[first:first + PART], seed, work).text(), report)
    tell(report, numbered, arguments.values)
    if not report.passed():
        report.comment(f"the values are those of seed {seed}: SALTO_SEED={seed} ./test {arguments.name}")
    print(report.text(), end="")
    return 0 if report.passed() else 1


if __name__ == "__main__":
    sys.exit(main())
