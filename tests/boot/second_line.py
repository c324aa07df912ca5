# SPDX-License-Identifier: BSD-2-Clause
"""What tests share in which a program of the host and one inside of QEMU talk over the second serial line, which is a
socket at the host's side. How long anything takes does not matter, but for a limit on the whole."""
import contextlib
import os
import subprocess
import sys
import tempfile
import time

from salto import machine, tap

LIMIT = 200
ACCEPTS = 0x10000  # __SO_ACCEPTCON of Linux, in /proc/net/unix


class Machine:
    """A machine that runs: `line` is the path of the socket, and what it prints goes to a file."""

    def __init__(self, process, line, serial):
        self.process, self.line, self.serial, self.deadline = process, line, serial, time.monotonic() + LIMIT

    def wait_until(self, found):
        while not found():
            if self.process.poll() is not None or time.monotonic() > self.deadline:
                raise TimeoutError("the machine does not get there")
            time.sleep(0.05)

    def listens(self):
        """Does QEMU have its end of the line yet? It makes the socket, and listens a moment later."""
        with open("/proc/net/unix", encoding="ascii") as sockets:
            lines = [line.split() for line in sockets.readlines()[1:]]
        return any(words[-1] == self.line and int(words[3], 16) & ACCEPTS for words in lines)

    def printed(self):
        return machine.read(self.serial)


@contextlib.contextmanager
def started(options, work):
    """A Machine to whose line one can connect; it is ended at the end."""
    line, serial = os.path.join(work, "line"), os.path.join(work, "serial")
    command = [*machine.qemu_command(options, work), "-monitor", "none", "-serial", f"file:{serial}", "-serial",
               f"unix:{line},server=on,wait=on"]
    with machine.started(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL) as process:
        running = Machine(process, line, serial)
        running.wait_until(running.listens)
        yield running


def main(usage, check):
    """The test's arguments are TREE IDLC KERNEL ARCHIVE; check(report, tree, options, work) finds the calculator's
    module for the host in the folder `work`."""
    if len(sys.argv) != 5:
        sys.exit(usage)
    tree, idlc, kernel, archive = map(os.path.abspath, sys.argv[1:])
    report = tap.Report()
    with tempfile.TemporaryDirectory(prefix="salto-") as work:
        subprocess.run([os.path.join(tree, "tools/idl_python.py"), "--idlc", idlc, "-o",
                        os.path.join(work, "calculator.py"), os.path.join(tree, "examples/calculator/calculator.idl")],
                       check=True)
        check(report, tree, machine.Options(kernel=kernel, archive=archive), work)
    sys.exit(report.finish())
