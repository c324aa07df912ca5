#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A program inside of QEMU calls a server in Python on the host, over the second serial line, by generated code alone:
outside.py TREE IDLC KERNEL ARCHIVE. Prints TAP.

Nothing depends on how long it takes, but for a limit on the whole: the machine ends by itself.
"""
import os
import subprocess

import second_line
from salto import machine

SAID = ["-17 / 5 = -3, remainder -2", "1 / 0: The divisor is 0.", "the sum of 40 squares: 20540 (0)",
        "3 calculations, 1 errors"]


def run(tree, options, work):
    """What the machine printed, and how it and the server ended."""
    environment = dict(os.environ, PYTHONPATH=f"{work}:{os.path.join(tree, 'tools')}")
    with second_line.started(options, work) as running:
        with machine.started([os.path.join(tree, "examples/outside/server.py"), running.line], env=environment,
                             stderr=subprocess.PIPE, text=True) as server:
            running.process.wait(second_line.LIMIT)
            _, complaint = server.communicate(timeout=second_line.LIMIT)
            return machine.Outcome(running.printed(), complaint, server.returncode, False)


def check(report, tree, options, work):
    outcome = run(tree, options, work)
    lines = outcome.serial.splitlines()
    report.add([line for line in lines if line in SAID] == SAID, "the client has its answers", outcome.serial)
    report.add(outcome.status() == 0, "the set ends as it should", outcome.serial)
    report.add(outcome.code == 0 and not outcome.debug, "the server ends with the line",
               f"{outcome.code} {outcome.debug}")


if __name__ == "__main__":
    second_line.main(__doc__, check)
