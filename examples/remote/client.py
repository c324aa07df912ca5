#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Calls the calculator inside of the machine from outside: client.py SOCKET NUMBER NUMBER.

    ./run --serial unix:/tmp/line,server=on,wait=off examples/remote
    tools/idl_python.py examples/calculator/calculator.idl -o /tmp/calculator.py
    PYTHONPATH=tools:/tmp examples/remote/client.py /tmp/line 17 5
"""
import sys

import calculator
import salto_stream


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    try:
        a, b = map(int, sys.argv[2:])
        stream = salto_stream.Stream.connect_unix(sys.argv[1])
    except (ValueError, OSError) as error:
        sys.exit(f"client.py {' '.join(sys.argv[1:])}: {error}")
    with stream:
        client = calculator.CalculatorClient(stream)
        print(f"{a} + {b} = {client.add(a, b)}")
        try:
            print(f"{a} / {b} = {client.divide(a, b).quotient}, remainder {client.divide(a, b).remainder}")
        except calculator.Error as error:
            print(f"{a} / {b}: {error}")
        print(client.statistics())


if __name__ == "__main__":
    main()
