# SPDX-License-Identifier: BSD-2-Clause
"""./bench: measures, prints the table, writes build/bench.json."""
import argparse
import os

from salto import benchmark, builder, places, setup
from salto.console import Failure, command, say


def main():
    parser = argparse.ArgumentParser(
        prog="bench", description="Runs the benchmarks in QEMU, prints a table in guest instructions (median of the "
        "rounds) and writes build/bench.json. Installs what is missing.")
    parser.add_argument("--check", action="store_true", help="fail where a limit is missed")
    arguments = parser.parse_args()
    setup.prepare(setup.BUILD_PACKAGES + setup.MACHINE_PACKAGES)
    builder.build(["set-tools", "bench.cpio"])
    say("running the benchmarks")
    try:
        found = benchmark.run(places.BUILD)
    except benchmark.BenchmarkError as error:
        raise Failure(str(error)) from error
    print(benchmark.table(found))
    output = os.path.join(places.BUILD, "bench.json")
    benchmark.write_json(output, found)
    say(f"wrote {os.path.relpath(output)}")
    over = [row.name for row in found if not row.within()]
    if over and arguments.check:
        raise Failure("over the limit: " + ", ".join(over))
    return 0


if __name__ == "__main__":
    command(main)
