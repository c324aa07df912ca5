# SPDX-License-Identifier: BSD-2-Clause
"""Runs the set tests/bench, with the counting plugin beside it, and judges its rows.

The guest writes to the debug port, for each row, `bench NAME ID EMPTY MEDIAN MIN MAX`: what it measured by `rdtsc`, its
empty loop subtracted, and the marker ids (tests/bench/markers.h) of the row's rounds and of the empty loop's rounds.
Under -icount the time-stamp counter advances by one for each instruction, so the plugin must count the same. The rows
of interrupts, memory and processes (interrupt_benchmark.py, memory_benchmark.py, revoke_benchmark.py) are counted by a
plugin alone.
"""
import dataclasses
import json
import os
import re
import subprocess
import tempfile

from salto import interrupt_benchmark, machine, memory_benchmark, places, revoke_benchmark, shared_benchmark
from salto.benchmark_error import BenchmarkError

LIMITS = os.path.join(places.TREE, "tools", "bench_limits.json")
CPU = "max,-erms"
TIMEOUT = 300
ROW = re.compile(r"^bench (\S+) (\d+) (\d+) (\d+) (\d+) (\d+)$", re.MULTILINE)


@dataclasses.dataclass
class Row:
    """One row of the table. `counted` is the plugin's median, less that of the empty loop. A row has a limit, or a goal
    that is not reached yet."""
    name: str
    instructions: int
    minimum: int
    maximum: int
    counted: int
    cr3_writes: int
    limit: int | None
    cr3_limit: int | None
    goal: int | None = None

    def within(self):
        return ((self.limit is None or self.instructions <= self.limit) and
                (self.cr3_limit is None or self.cr3_writes <= self.cr3_limit))


def run(build):
    """Boots the benchmarks and answers their rows, in the order of the table of limits, and how long each operation
    that was swept holds off an interrupt: a list of (instructions, name)."""
    with open(LIMITS, encoding="utf-8") as file:
        limits = json.load(file)
    counted, sweeps = interrupt_benchmark.run(build, CPU, TIMEOUT)
    counted.update(memory_benchmark.run(build, CPU, TIMEOUT))
    counted.update(revoke_benchmark.run(build))
    counted.update(shared_benchmark.run(build, CPU, TIMEOUT))
    found = []
    for boot, name in sorted({boot_of(limit) for limit in limits}):
        found += run_rounds(build, boot, [limit for limit in limits
                                          if limit["name"] not in counted and boot_of(limit) == (boot, name)], name)
    for limit in limits:
        if limit["name"] in counted:
            median, minimum, maximum, cr3_writes = counted[limit["name"]]
            found.append(Row(limit["name"], median, minimum, maximum, median, cr3_writes, limit.get("limit"),
                             limit.get("cr3_writes"), limit.get("goal")))
    return found, sweeps


def boot_of(limit):
    """In which boot a row is measured: what the kernel's command line has, and the set."""
    return limit.get("boot", ""), limit.get("set", "bench")


def run_rounds(build, boot, limits, name="bench"):
    """Boots the set `name`, with `boot` on the kernel's command line; the rows that `limits` names."""
    with tempfile.TemporaryDirectory(prefix="salto-") as work:
        counts = os.path.join(work, "counts")
        plugin = f"file={os.path.join(build, 'tools', 'count.so')},out={counts}"
        options = machine.Options(kernel=os.path.join(build, "kernel", "kernel.elf"),
                                  archive=os.path.join(build, f"{name}.cpio"), cpu=CPU, memory="2G", icount=True,
                                  command_line=f"debug-exit {boot}".strip(), debug_exit=True, plugin=plugin)
        outcome = machine.run(options, TIMEOUT)
        if outcome.timed_out:
            raise BenchmarkError(f"the benchmark did not end within {TIMEOUT} seconds\n{outcome.serial}")
        if outcome.status() != 0:
            raise BenchmarkError(f"the benchmark failed\n{outcome.serial}\n{outcome.debug}")
        return rows(outcome.debug, read_counts(counts), limits)


def read_counts(path):
    """Marker id to (median instructions, median CR3 writes)."""
    return {marker: (count.median, count.cr3_writes)
            for marker, count in interrupt_benchmark.read_counts(path).items()}


def rows(text, counts, all_limits):
    """The guest's lines, with the plugin's counts and the limits."""
    measured = {match[0]: [int(word) for word in match[1:]] for match in ROW.findall(text)}
    found = []
    for limits in all_limits:
        name = limits.get("of", limits["name"])
        if name not in measured:
            raise BenchmarkError(f"the benchmark printed no row {name}")
        marker, empty, median, minimum, maximum = measured[name]
        if marker not in counts or empty not in counts:
            raise BenchmarkError(f"{name}: the plugin saw no rounds {marker} or {empty}")
        limit = measured[limits["limit_of"]][2] + limits["more"] if "limit_of" in limits else limits.get("limit")
        found.append(Row(limits["name"], median, minimum, maximum, counts[marker][0] - counts[empty][0],
                         counts[marker][1] - counts[empty][1], limit, limits.get("cr3_writes"), limits.get("goal")))
    return found


def table(found):
    lines = [f"{'row':<20}{'instructions':>14}{'limit':>8}{'min':>8}{'max':>8}{'CR3 writes':>12}{'limit':>7}"]
    for row in found:
        verdict = "ok" if row.within() else "over"
        if row.goal is not None and row.instructions > row.goal:
            verdict = f"not yet the goal of {row.goal}"
        lines.append(f"{row.name:<20}{row.instructions:>14}{shown(row.limit):>8}{row.minimum:>8}{row.maximum:>8}"
                     f"{row.cr3_writes:>12}{shown(row.cr3_limit):>7}  {verdict}")
    return "\n".join(lines)


def shown(limit):
    return "-" if limit is None else limit


def sweeps_table(sweeps):
    lines = [f"{'instructions':>14}  operation, and the longest wait of an interrupt while it goes on"]
    return "\n".join(lines + [f"{wait:>14}  {name}" for wait, name in sweeps])


def write_json(path, found, sweeps):
    version = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True, check=True).stdout
    commit = subprocess.run(["git", "-C", places.TREE, "rev-parse", "HEAD"], capture_output=True, text=True,
                            check=False).stdout.strip()
    results = [{"name": row.name, "instructions": row.instructions, "min": row.minimum, "max": row.maximum,
                "cr3_writes": row.cr3_writes, "limit": row.limit} for row in found]
    waits = [{"operation": name, "instructions": wait} for wait, name in sweeps]
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"qemu": version.splitlines()[0], "cpu": CPU, "commit": commit, "results": results,
                   "interrupt_waits": waits}, file, indent=1)
        file.write("\n")
