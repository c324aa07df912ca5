#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The benchmark as a test: every limit is kept, the plugin counts from outside what the guest measures inside, and README
says what is measured. bench_test.py BUILD"""
import os
import re
import sys

from salto import benchmark, places, tap

README_SLACK = 0.03 # of a figure: README need not follow every instruction
WORDS_ROW = re.compile(r"^\| (\d+)[^|]* \| ([\d,]+) \| (\d) \|", re.MULTILINE)
NAMED_ROW = re.compile(r"^\|[^|]*\| `([a-z_.0-9]+)` \| ([\d,]+) \|", re.MULTILINE)


def readme_figures():
    """Row and figure of each line of README's tables."""
    with open(os.path.join(places.TREE, "README.md"), encoding="utf-8") as file:
        text = file.read()
    figures = [(f"ipc.call.{words}", figure) for words, figure, _ in WORDS_ROW.findall(text)]
    return [(name, int(figure.replace(",", ""))) for name, figure in figures + NAMED_ROW.findall(text)]


def check_readme(report, found):
    measured = {row.name: row.instructions for row in found}
    figures = readme_figures()
    report.add(len(figures) > 10, f"README has {len(figures)} figures")
    for name, figure in figures:
        near = name in measured and abs(measured[name] - figure) <= README_SLACK * figure
        report.add(near, f"README's figure of {name}", f"it says {figure}, measured is {measured.get(name)}")


def main():
    report = tap.Report()
    try:
        found, sweeps = benchmark.run(sys.argv[1])
        for row in found:
            report.add(row.within(), f"{row.name}: {row.instructions} of {benchmark.shown(row.limit)} instructions, "
                       f"{row.cr3_writes} of {benchmark.shown(row.cr3_limit)} CR3 writes")
            report.add(row.counted == row.instructions, f"{row.name}: plugin and time-stamp counter agree",
                       f"the plugin counts {row.counted}, the guest {row.instructions}")
        check_readme(report, found)
        report.add(len(sweeps) > 1, f"{len(sweeps)} operations were swept")
    except benchmark.BenchmarkError as error:
        report.add(False, "the benchmark runs", str(error))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
