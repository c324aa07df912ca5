#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A calculator for programs inside of the machine: server.py SOCKET, which QEMU's second serial line leads to.

    ./run --serial unix:/tmp/line,server=on,wait=on examples/outside
    tools/idl_python.py examples/calculator/calculator.idl -o /tmp/calculator.py
    PYTHONPATH=tools:/tmp examples/outside/server.py /tmp/line
"""
import sys

import calculator
import salto_stream

Error, Operator = calculator.Error, calculator.Operator


class Calculator(calculator.CalculatorServer):
    """Integers of 64 bits, as the interface has them."""

    def __init__(self):
        self.calculations = self.errors = 0

    def count(self, value):
        """A result, unless it is an error."""
        self.calculations += 1
        if value is None or not -(1 << 63) <= value < 1 << 63:
            self.errors += 1
            raise Error(Error.Code.DIVISION_BY_ZERO if value is None else Error.Code.OVERFLOW)
        return value

    def add(self, a, b):
        return self.count(a + b)

    def divide(self, a, b):
        quotient = self.count(None if b == 0 else abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1))
        return quotient, a - b * quotient

    def calculate(self, a, how, b):
        if how == Operator.DIVIDE:
            return self.divide(a, b)[0]
        return self.count({Operator.ADD: a + b, Operator.SUBTRACT: a - b, Operator.MULTIPLY: a * b}[how])

    def sum(self, numbers):
        return self.count(sum(numbers))

    def statistics(self):
        return calculator.Statistics(self.calculations, self.errors, 0)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        stream = salto_stream.Stream.connect_unix(sys.argv[1])
    except OSError as error:
        sys.exit(f"server.py {sys.argv[1]}: {error}")
    with stream:
        salto_stream.serve(Calculator(), stream)


if __name__ == "__main__":
    main()
