# SPDX-License-Identifier: BSD-2-Clause
"""Runs the set tests/bench, with the counting plugin beside it, and judges its rows.

The guest writes to the debug port, for each row, `bench NAME ID EMPTY MEDIAN MIN MAX`: what it measured by `rdtsc`, its
empty loop subtracted, and the marker ids (tests/bench/markers.h) of the row's rounds and of the empty loop's rounds.
Under -icount the time-stamp counter advances by one for each instruction, so the plugin must count the same.
"""
import dataclasses
import json
import os
import re
import subprocess
import tempfile

from salto import machine, places

LIMITS = os.path.join(places.TREE, "tools", "bench_limits.json")
CPU = "max,-erms"
TIMEOUT = 300
ROW = re.compile(r"^bench (\S+) (\d+) (\d+) (\d+) (\d+) (\d+)$", re.MULTILINE)


class BenchmarkError(Exception):
    """A benchmark that gave no result; the text says why."""


@dataclasses.dataclass
class Row:
    """One row of the table. `counted` is the plugin's median, less that of the empty loop."""
    name: str
    instructions: int
    minimum: int
    maximum: int
    counted: int
    cr3_writes: int
    limit: int
    cr3_limit: int

    def within(self):
        return self.instructions <= self.limit and self.cr3_writes <= self.cr3_limit


def run(build):
    """Boots the benchmark and answers its rows, in the order of the table of limits."""
    with tempfile.TemporaryDirectory(prefix="salto-") as work:
        counts = os.path.join(work, "counts")
        plugin = f"file={os.path.join(build, 'tools', 'count.so')},out={counts}"
        options = machine.Options(kernel=os.path.join(build, "kernel", "kernel.elf"),
                                  archive=os.path.join(build, "bench.cpio"), cpu=CPU, memory="2G", icount=True,
                                  command_line="debug-exit", debug_exit=True, plugin=plugin)
        outcome = machine.run(options, TIMEOUT)
        if outcome.timed_out:
            raise BenchmarkError(f"the benchmark did not end within {TIMEOUT} seconds\n{outcome.serial}")
        if outcome.status() != 0:
            raise BenchmarkError(f"the benchmark failed\n{outcome.serial}\n{outcome.debug}")
        return rows(outcome.debug, read_counts(counts))


def read_counts(path):
    """Marker id to (median instructions, median CR3 writes)."""
    counts = {}
    for line in machine.read(path).splitlines():
        numbers = [int(word) for word in line.split() if word.isdigit()]
        if len(numbers) != 8:
            raise BenchmarkError(f"the plugin reports: {line}")
        counts[numbers[0]] = (numbers[2], numbers[5])
    return counts


def rows(text, counts):
    """The guest's lines, with the plugin's counts and the limits."""
    measured = {match[0]: [int(word) for word in match[1:]] for match in ROW.findall(text)}
    found = []
    with open(LIMITS, encoding="utf-8") as file:
        for limits in json.load(file):
            name = limits["name"]
            if name not in measured:
                raise BenchmarkError(f"the benchmark printed no row {name}")
            marker, empty, median, minimum, maximum = measured[name]
            if marker not in counts or empty not in counts:
                raise BenchmarkError(f"{name}: the plugin saw no rounds {marker} or {empty}")
            limit = limits["limit"] if "limit" in limits else measured[limits["limit_of"]][2] + limits["more"]
            found.append(Row(name, median, minimum, maximum, counts[marker][0] - counts[empty][0],
                             counts[marker][1] - counts[empty][1], limit, limits["cr3_writes"]))
    return found


def table(found):
    lines = [f"{'row':<20}{'instructions':>14}{'limit':>8}{'min':>8}{'max':>8}{'CR3 writes':>12}{'limit':>7}"]
    for row in found:
        verdict = "ok" if row.within() else "over"
        lines.append(f"{row.name:<20}{row.instructions:>14}{row.limit:>8}{row.minimum:>8}{row.maximum:>8}"
                     f"{row.cr3_writes:>12}{row.cr3_limit:>7}  {verdict}")
    return "\n".join(lines)


def write_json(path, found):
    version = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True, check=True).stdout
    commit = subprocess.run(["git", "-C", places.TREE, "rev-parse", "HEAD"], capture_output=True, text=True,
                            check=False).stdout.strip()
    results = [{"name": row.name, "instructions": row.instructions, "min": row.minimum, "max": row.maximum,
                "cr3_writes": row.cr3_writes, "limit": row.limit} for row in found]
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"qemu": version.splitlines()[0], "cpu": CPU, "commit": commit, "results": results}, file, indent=1)
        file.write("\n")
