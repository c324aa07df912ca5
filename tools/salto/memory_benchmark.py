# SPDX-License-Identifier: BSD-2-Clause
"""Runs the set tests/memory_bench: faults, mmap, processes and forks, counted from outside by the plugin.

A round of the faults is a pass over 64 pages, so its counts are divided by 64.
"""
import os
import tempfile

from salto import machine
from salto.benchmark_error import BenchmarkError
from salto.interrupt_benchmark import read_counts

# Marker (tests/memory_bench/rounds.c and forks.c): row, and what a round has of what it measures.
ROWS = {40: ("fault.anon", 64), 41: ("fault.cow", 64), 42: ("mmap.4k", 1), 43: ("mmap.4m", 1), 44: ("spawn", 1),
        45: ("fork", 1)}


def run(build, cpu, timeout):
    """Answers the rows: name to (median, minimum, maximum, CR3 writes)."""
    return count(build, "memory_bench", ROWS, cpu, timeout)


def count(build, name, rows, cpu, timeout):
    """Boots the set `name`, which says nothing itself, and answers the rows of its markers."""
    with tempfile.TemporaryDirectory(prefix="salto-") as work:
        counts = os.path.join(work, "counts")
        plugin = f"file={os.path.join(build, 'tools', 'count.so')},out={counts}"
        options = machine.Options(kernel=os.path.join(build, "kernel", "kernel.elf"),
                                  archive=os.path.join(build, f"{name}.cpio"), cpu=cpu, memory="2G", icount=True,
                                  command_line="debug-exit", debug_exit=True, plugin=plugin)
        outcome = machine.run(options, timeout)
        if outcome.timed_out or outcome.status() != 0:
            raise BenchmarkError(f"the set {name} failed\n{outcome.serial}\n{outcome.debug}")
        found = read_counts(counts)
    missing = [row for marker, (row, _) in rows.items() if marker not in found]
    if missing:
        raise BenchmarkError(f"the plugin saw no rounds of {', '.join(missing)}")
    return {row: tuple(number // parts for number in
                        (found[marker].median, found[marker].minimum, found[marker].maximum, found[marker].cr3_writes))
            for marker, (row, parts) in rows.items()}
