#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The benchmark as a test: every limit is kept, and the plugin counts from outside what the guest measures inside."""
import sys

from salto import benchmark, tap


def main():
    report = tap.Report()
    try:
        found, sweeps = benchmark.run(sys.argv[1])
        for row in found:
            report.add(row.within(), f"{row.name}: {row.instructions} of {benchmark.shown(row.limit)} instructions, "
                       f"{row.cr3_writes} of {benchmark.shown(row.cr3_limit)} CR3 writes")
            report.add(row.counted == row.instructions, f"{row.name}: plugin and time-stamp counter agree",
                       f"the plugin counts {row.counted}, the guest {row.instructions}")
        report.add(len(sweeps) > 1, f"{len(sweeps)} operations were swept")
    except benchmark.BenchmarkError as error:
        report.add(False, "the benchmark runs", str(error))
    print(report.text(), end="")
    return 0 if report.passed() else 1


if __name__ == "__main__":
    sys.exit(main())
