#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A machine ends with whoever started it, also where that is killed, and cannot clean up. Prints TAP."""
import os
import subprocess
import sys
import time

from salto import tap

STARTER = """
import sys
from salto import machine
with machine.started(["sleep", "1000"]) as process:
    print(process.pid, flush=True)
    process.wait()
"""
LONGEST = 60 # seconds


def runs(pid):
    """Is it there, and not just waited for?"""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(holds):
    """False if it takes too long."""
    end = time.monotonic() + LONGEST
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    return holds()


def is_machine(pid):
    """Is it what was to be started, and no more what starts it? From then on it ends with its starter."""
    with open(f"/proc/{pid}/comm", encoding="ascii") as file:
        return file.read().strip() == "sleep"


def main():
    report = tap.Report()
    with subprocess.Popen([sys.executable, "-c", STARTER], stdout=subprocess.PIPE, text=True) as starter:
        pid = int(starter.stdout.readline())
        report.add(wait_until(lambda: is_machine(pid)) and runs(pid), "a machine runs")
        starter.kill()
    report.add(wait_until(lambda: not runs(pid)), "it ends when whoever started it is killed")
    if runs(pid):
        os.kill(pid, 9)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
