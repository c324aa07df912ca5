#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A program of the host calls the calculator inside of QEMU over the second serial line, by generated code alone:
remote.py TREE IDLC KERNEL ARCHIVE. Prints TAP.

How long anything takes does not matter, but for a limit on the whole: the line is a socket, which QEMU reads no faster
than the driver does, and nothing is sent before the set says that it listens.
"""
import importlib
import random
import sys

import second_line

LISTENS = "the calculator is at the second serial line"
MOST, LEAST = (1 << 63) - 1, -(1 << 63)


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


def check(report, _tree, options, work):
    sys.path.insert(0, work)
    runtime, made = importlib.import_module("salto_stream"), importlib.import_module("calculator")
    with second_line.started(options, work) as running:
        with runtime.Stream.connect_unix(running.line) as stream:
            try:
                running.wait_until(lambda: LISTENS in running.printed())
                client = made.CalculatorClient(stream, timeout=second_line.LIMIT)
                check_calls(report, client, made)
                check_errors(report, runtime, client, made, stream)
            except (OSError, runtime.TransportError, made.Error) as error:
                report.add(False, "the line", repr(error), running.printed())


if __name__ == "__main__":
    second_line.main(__doc__, check)
