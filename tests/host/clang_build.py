#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""clang builds everything without a warning, and what it built boots and works: clang_build.py TREE BUILD. Prints TAP.

Meson is given BUILD/clang as a build folder of its own.
"""
import os
import subprocess
import sys

from salto import guest, machine, tap

TIMEOUT = 60
SHOWN_LINES = 40


def run(report, text, command):
    """Runs a build step with clang; answers whether it went well, and its output."""
    done = subprocess.run(command, env=dict(os.environ, CC="clang"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    good = report.add(done.returncode == 0, text, *done.stdout.splitlines()[-SHOWN_LINES:])
    warnings = [line for line in done.stdout.splitlines() if "warning:" in line]
    report.add(not warnings, f"{text}: no warning", *warnings)
    return good


def boot(report, tree, folder):
    """Boots the demonstration that clang built."""
    options = machine.Options(kernel=os.path.join(folder, "kernel", "kernel.elf"),
                              archive=os.path.join(folder, "calculator.cpio"), command_line="debug-exit",
                              debug_exit=True)
    outcome = machine.run(options, TIMEOUT)
    guest.check_lines(report, outcome.serial,
                      guest.expected_lines(os.path.join(tree, "tests", "boot", "calculator.expected")))
    guest.check_end(report, outcome, TIMEOUT, 0)


def main():
    tree, build = sys.argv[1:3]
    folder = os.path.join(build, "clang")
    report = tap.Report()
    ready = os.path.isfile(os.path.join(folder, "build.ninja"))
    if ready or run(report, "meson sets up for clang", ["/usr/bin/meson", "setup", folder, tree]):
        if run(report, "everything builds with clang", ["ninja", "-C", folder]):
            boot(report, tree, folder)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
