#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A program of the host calls the calculator inside of QEMU over the second serial line, by generated code alone:
remote.py TREE IDLC KERNEL ARCHIVE. Prints TAP.

How long anything takes does not matter, but for a limit on the whole: the line is a socket, which QEMU reads no faster
than the driver does, and nothing is sent before the set says that it listens.
"""
import importlib
import os
import random
import subprocess
import sys
import tempfile
import time

from salto import machine, tap

LIMIT = 200
ACCEPTS = 0x10000  # __SO_ACCEPTCON of Linux, in /proc/net/unix
LISTENS = "the calculator is at the second serial line"
MOST, LEAST = (1 << 63) - 1, -(1 << 63)


def wait_until(found, process, deadline):
    while not found():
        if process.poll() is not None or time.monotonic() > deadline:
            raise TimeoutError("the machine does not get there")
        time.sleep(0.05)


def listens(path):
    """Does QEMU have its end of the line yet? It makes the socket, and listens a moment later."""
    with open("/proc/net/unix", encoding="ascii") as sockets:
        lines = [line.split() for line in sockets.readlines()[1:]]
    return any(words[-1] == path and int(words[3], 16) & ACCEPTS for words in lines)


def make_module(tree, idlc, work):
    subprocess.run([os.path.join(tree, "tools/idl_python.py"), "--idlc", idlc, "-o",
                    os.path.join(work, "calculator.py"), os.path.join(tree, "examples/calculator/calculator.idl")],
                   check=True)


def quotient(a, b):
    """Rounded towards zero, and what is left."""
    rounded = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return rounded, a - b * rounded


def check_calls(report, client, made):
    wrong, draw = [], random.Random(16550)
    for _ in range(30):
        a, b = draw.randint(-10 ** 9, 10 ** 9), draw.randint(1, 10 ** 6)
        results = client.add(a, b), tuple(client.divide(a, b)), client.calculate(a, made.Operator.MULTIPLY, b)
        wrong += [] if results == (a + b, quotient(a, b), a * b) else [f"{a}, {b}: {results}"]
    report.add(not wrong, "90 calls and their answers", *wrong)
    numbers = [draw.randint(-10 ** 15, 10 ** 15) for _ in range(40)]
    report.add(client.sum(numbers) == sum(numbers), "more than registers hold, and than the device does")
    report.add(client.add(MOST, LEAST) == -1, "the largest and the least number")
    report.add(client.statistics() == made.Statistics(92, 0, 9),
               "the calculator knows its caller by the badge, and has counted", str(client.statistics()))


def error_of(runtime, made, function, *arguments):
    try:
        return function(*arguments)
    except made.Error as error:
        return error.error.name
    except runtime.TransportError as error:
        return error.error, error.parameter


def check_errors(report, runtime, client, made, stream):
    got = error_of(runtime, made, client.divide, 1, 0), error_of(runtime, made, client.add, MOST, 1)
    report.add(got == ("DIVISION_BY_ZERO", "OVERFLOW"), "errors that the interface declares", str(got))
    made._Operator.is_open = True  # pylint: disable=protected-access  # else this end would not send it
    got = error_of(runtime, made, client.calculate, 1, 200, 1)
    report.add(got == (13, "calculate.how"), "a value that the type does not have is refused by its name", str(got))
    stream.write(bytes(3000))
    got = error_of(runtime, made, client.add, 1, 1)
    report.add(got == (3, ""), "3,000 bytes that are no frame: one error", str(got))
    got = [error_of(runtime, made, client.add, number, 1) for number in range(3)]
    report.add(got == [1, 2, 3], "and then it answers as before", str(got))


def check(report, runtime, made, options, work):
    line, serial = os.path.join(work, "line"), os.path.join(work, "serial")
    command = [*machine.qemu_command(options, work), "-monitor", "none", "-serial", f"file:{serial}", "-serial",
               f"unix:{line},server=on,wait=on"]
    deadline = time.monotonic() + LIMIT
    with machine.started(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: listens(line), process, deadline)
        with runtime.Stream.connect_unix(line) as stream:
            try:
                wait_until(lambda: LISTENS in machine.read(serial), process, deadline)
                client = made.CalculatorClient(stream, timeout=LIMIT)
                check_calls(report, client, made)
                check_errors(report, runtime, client, made, stream)
            except (OSError, runtime.TransportError, made.Error) as error:
                report.add(False, "the line", repr(error), machine.read(serial))


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    tree, idlc, kernel, archive = map(os.path.abspath, sys.argv[1:])
    report = tap.Report()
    with tempfile.TemporaryDirectory(prefix="salto-") as work:
        make_module(tree, idlc, work)
        sys.path.insert(0, work)
        runtime, made = importlib.import_module("salto_stream"), importlib.import_module("calculator")
        check(report, runtime, made, machine.Options(kernel=kernel, archive=archive), work)
    print(report.text(), end="")
    return 0 if report.passed() else 1


if __name__ == "__main__":
    sys.exit(main())
