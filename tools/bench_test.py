#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The benchmark as a test: every limit is kept, and the plugin counts from outside what the guest measures inside."""
import sys

from salto import benchmark, tap


def main():
    report = tap.Report()
    try:
        for row in benchmark.run(sys.argv[1]):
            report.add(row.within(), f"{row.name}: {row.instructions} of {row.limit} instructions, "
                       f"{row.cr3_writes} of {row.cr3_limit} CR3 writes")
            report.add(row.counted == row.instructions, f"{row.name}: plugin and time-stamp counter agree",
                       f"the plugin counts {row.counted}, the guest {row.instructions}")
    except benchmark.BenchmarkError as error:
        report.add(False, "the benchmark runs", str(error))
    print(report.text(), end="")
    return 0 if report.passed() else 1


if __name__ == "__main__":
    sys.exit(main())
