#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A program inside of QEMU calls a server in Python on the host, over the second serial line, by generated code alone:
outside.py TREE IDLC KERNEL ARCHIVE. Prints TAP.

Nothing depends on how long it takes, but for a limit on the whole: the machine ends by itself.
"""
import os
import subprocess
import sys
import tempfile
import time

import remote
from salto import machine, tap

SAID = ["-17 / 5 = -3, remainder -2", "1 / 0: The divisor is 0.", "the sum of 40 squares: 20540 (0)",
        "3 calculations, 1 errors"]


def run(tree, options, work):
    """What the machine printed, and how it and the server ended."""
    line, serial = os.path.join(work, "line"), os.path.join(work, "serial")
    command = [*machine.qemu_command(options, work), "-monitor", "none", "-serial", f"file:{serial}", "-serial",
               f"unix:{line},server=on,wait=on"]
    environment = dict(os.environ, PYTHONPATH=f"{work}:{os.path.join(tree, 'tools')}")
    with machine.started(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL) as process:
        remote.wait_until(lambda: remote.listens(line), process, time.monotonic() + remote.LIMIT)
        with machine.started([os.path.join(tree, "examples/outside/server.py"), line], env=environment,
                             stderr=subprocess.PIPE, text=True) as server:
            process.wait(remote.LIMIT)
            _, complaint = server.communicate(timeout=remote.LIMIT)
            return machine.Outcome(machine.read(serial), complaint, server.returncode, False)


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    tree, idlc, kernel, archive = map(os.path.abspath, sys.argv[1:])
    report = tap.Report()
    with tempfile.TemporaryDirectory(prefix="salto-") as work:
        remote.make_module(tree, idlc, work)
        outcome = run(tree, machine.Options(kernel=kernel, archive=archive), work)
    lines = outcome.serial.splitlines()
    report.add([line for line in lines if line in SAID] == SAID, "the client has its answers", outcome.serial)
    report.add(outcome.status() == 0, "the set ends as it should", outcome.serial)
    report.add(outcome.code == 0 and not outcome.debug, "the server ends with the line",
               f"{outcome.code} {outcome.debug}")
    print(report.text(), end="")
    return 0 if report.passed() else 1


if __name__ == "__main__":
    sys.exit(main())
