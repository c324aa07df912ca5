#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the commands say when the machine lacks something: setup_messages.py TREE. Prints TAP.

Nothing is installed: the machine's answers (architecture, disk space, packages, system, apt-get) are stood in for.
"""
import contextlib
import os
import platform
import re
import subprocess
import sys
import tempfile
from unittest import mock

from salto import setup, tap
from salto.console import Failure

NO_PACKAGE = subprocess.CompletedProcess([], 1, stdout="gcc install ok not-installed\n")
FAILED = subprocess.CompletedProcess([], 100)
DEBIAN = {"ID": "debian", "VERSION_ID": "12", "PRETTY_NAME": "Debian GNU/Linux 12 (bookworm)"}
OTHER = {"ID": "other", "VERSION_ID": "1", "PRETTY_NAME": "Other Linux 1"}
ROOM = mock.Mock(free=100 << 30)


def machine(name="x86_64", free=ROOM, system=None, answers=(), tools=("dpkg-query", "sudo"), user=0):
    """Patches of what setup.py asks the machine; `answers` are the results of the commands that it runs."""
    answers = mock.Mock(side_effect=list(answers))
    return [mock.patch.object(platform, "machine", lambda: name),
            mock.patch.object(platform, "freedesktop_os_release", lambda: system or DEBIAN),
            mock.patch.object(setup.shutil, "disk_usage", lambda folder: free),
            mock.patch.object(setup.shutil, "which", lambda tool: tool in tools or None),
            mock.patch.object(setup.subprocess, "run", answers),
            mock.patch.object(setup.os, "geteuid", lambda: user)]


CASES = [
    ("another architecture", machine(name="aarch64"), "Salto is built on x86-64, and this machine is aarch64"),
    ("no disk space to build", machine(free=mock.Mock(free=5 << 20)), "no disk space: .* has 5 MiB free, and 1024 MiB"),
    ("no disk space to install", machine(free=mock.Mock(free=2 << 30), answers=[NO_PACKAGE]),
     "no disk space: / has 2048 MiB free, and 3072 MiB are needed"),
    ("no dpkg", machine(tools=(), system=OTHER), "this is Other Linux 1, and Salto needs Debian 12"),
    ("another system", machine(system=OTHER, answers=[NO_PACKAGE]),
     "this is Other Linux 1: .* these are missing: gcc"),
    ("a plain user without sudo", machine(answers=[NO_PACKAGE], user=1000, tools=("dpkg-query",)),
     "there is no sudo; as root type: apt-get install gcc"),
    ("no network", machine(answers=[NO_PACKAGE, FAILED]), "apt-get update failed with 100, most often for want of a"),
    ("a package that cannot be had", machine(answers=[NO_PACKAGE, mock.Mock(returncode=0), FAILED]),
     "apt-get install failed with 100, most often for want of a network"),
]


def complaint(patches):
    """The sentence with which setup refuses; None if it does not."""
    with contextlib.ExitStack() as stack:
        for patch in patches:
            stack.enter_context(patch)
        try:
            setup.prepare(["gcc"])
        except Failure as failure:
            return str(failure)
    return None


def start_script(report, tree):
    """The shell script that looks for Python refuses another architecture before it installs anything."""
    with tempfile.TemporaryDirectory(prefix="salto-") as folder:
        with open(os.path.join(folder, "uname"), "w", encoding="ascii") as file:
            file.write("#!/bin/sh\necho riscv64\n")
        os.chmod(file.name, 0o755)
        done = subprocess.run([os.path.join(tree, "run"), "--list"], capture_output=True, text=True, check=False,
                              env=dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}"))
    report.add(done.returncode == 1 and "this machine is riscv64" in done.stderr, "./run: another architecture",
               done.stdout, done.stderr)


def main():
    report = tap.Report()
    for text, patches, pattern in CASES:
        said = complaint(patches)
        good = said is not None and re.search(pattern, said) is not None and "\n" not in said
        report.add(good, text, f"said: {said}")
    report.add(complaint(machine(answers=[mock.Mock(stdout="gcc installed\n")])) is None, "nothing is missing")
    start_script(report, sys.argv[1])
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
