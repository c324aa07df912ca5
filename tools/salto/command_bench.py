# SPDX-License-Identifier: BSD-2-Clause
"""./bench: measures, prints the table, writes build/bench.json."""
import argparse
import os

from salto import benchmark, builder, latency, places, setup
from salto.benchmark_error import BenchmarkError
from salto.console import Failure, command, say

LATENCY_ROWS = 40


def main():
    parser = argparse.ArgumentParser(
        prog="bench", description="Runs the benchmarks in QEMU, prints a table in guest instructions (median of the "
        "rounds) and writes build/bench.json. Installs what is missing.")
    parser.add_argument("--check", action="store_true", help="fail where a limit is missed")
    parser.add_argument("--latency", nargs="*", metavar="SET", help="instead, run server sets of the tree (the guest "
                        "tests that run on one CPU, if none is named) and print the longest stretches with interrupts off")
    arguments = parser.parse_args()
    setup.prepare(setup.BUILD_PACKAGES + setup.MACHINE_PACKAGES)
    try:
        return run(arguments.check) if arguments.latency is None else run_latency(arguments.latency)
    except BenchmarkError as error:
        raise Failure(str(error)) from error


def run(check):
    builder.build(["set-tools", "bench.cpio", "interrupt_bench.cpio", "memory_bench.cpio",
                   "revoke_bench.cpio", "local_bench.cpio", "shared_bench.cpio"])
    say("running the benchmarks")
    found, sweeps = benchmark.run(places.BUILD)
    print(benchmark.table(found))
    print("\n" + benchmark.sweeps_table(sweeps))
    output = os.path.join(places.BUILD, "bench.json")
    benchmark.write_json(output, found, sweeps)
    say(f"wrote {os.path.relpath(output)}")
    over = [row.name for row in found if not row.within()]
    if over and check:
        raise Failure("over the limit: " + ", ".join(over))
    return 0


def guest_sets():
    """The guest tests' sets, but for the one that ends in a panic."""
    sets = places.listed_sets()
    guest = os.path.join(places.TREE, "tests", "guest")
    return [name for name, folder in sets.items() if os.path.dirname(folder) == guest and name != "panic"]


def run_latency(names):
    known = places.listed_sets()
    unknown = [name for name in names if name not in known]
    if unknown:
        raise Failure(f"there is no set {', '.join(unknown)}; ./run --list shows them")
    names = names or guest_sets()
    builder.build(["set-tools", *[f"{name}.cpio" for name in names]])
    found = []
    for name in names:
        say(f"running {name}")
        found += [(stretch, name) for stretch in latency.stretches(places.BUILD, name)]
    print(latency.table(found, LATENCY_ROWS))
    return 0


if __name__ == "__main__":
    command(main)
