# SPDX-License-Identifier: BSD-2-Clause
"""Runs the set tests/interrupt_bench: how long interrupts take, counted from outside alone.

irq.to_driver is what the plugin counts from the first instruction of the timer's vector to the end marker that is the
first instruction of the driver which waits for it. irq.latency.max comes from the sweeps: each round counts from the
start of the timer to its vector's first instruction; the timer's own time is always the same, and is what the rounds
count in which the interrupt found a program running, so the most less the least is the longest wait. The time-stamp
counter and the kernel's own records have no part in it.
"""
import dataclasses
import os
import re
import subprocess
import tempfile

from salto import machine
from salto.benchmark_error import BenchmarkError

DRIVER = 32
SWEEP_FIRST, SWEEP_LAST = 64, 127
TIMER_INPUT = 2 # of the I/O APIC, where q35's firmware leads the 8254
VECTOR_INPUT_0 = 0x30
VECTOR_STUB_SIZE = 16
NAME = re.compile(r"^# sweep (\d+) (.+)$", re.MULTILINE)


@dataclasses.dataclass
class Count:
    """What the plugin counted of one marker's rounds: instructions, and the median of CR3 writes."""
    rounds: int
    median: int
    minimum: int
    maximum: int
    cr3_writes: int


def read_counts(path):
    """Marker id to Count."""
    counts = {}
    for line in machine.read(path).splitlines():
        numbers = [int(word) for word in line.split() if word.isdigit()]
        if len(numbers) != 8:
            raise BenchmarkError(f"the plugin reports: {line}")
        counts[numbers[0]] = Count(*numbers[1:6])
    return counts


def vector_address(build):
    """Address of the first instruction of the timer's vector."""
    trampoline = os.path.join(build, "kernel", "trampoline.elf")
    symbols = subprocess.run(["nm", trampoline], capture_output=True, text=True, check=True).stdout
    found = re.search(r"^([0-9a-f]+) \w trampoline_vectors$", symbols, re.MULTILINE)
    if not found:
        raise BenchmarkError(f"{trampoline} has no symbol trampoline_vectors")
    return int(found[1], 16) + (VECTOR_INPUT_0 + TIMER_INPUT) * VECTOR_STUB_SIZE


def run(build, cpu, timeout):
    """Answers the rows, name to (median, minimum, maximum, CR3 writes), and the sweeps, longest first, as a list of
    (instructions, name)."""
    with tempfile.TemporaryDirectory(prefix="salto-") as work:
        counts, vector = os.path.join(work, "counts"), vector_address(build)
        plugin = (f"file={os.path.join(build, 'tools', 'count.so')},out={counts},begin={vector:x}:{DRIVER},"
                  f"end={vector:x}:{SWEEP_FIRST}:{SWEEP_LAST}")
        options = machine.Options(kernel=os.path.join(build, "kernel", "kernel.elf"),
                                  archive=os.path.join(build, "interrupt_bench.cpio"), cpu=cpu, memory="2G", icount=True,
                                  command_line="debug-exit", debug_exit=True, plugin=plugin)
        outcome = machine.run(options, timeout)
        if outcome.timed_out or outcome.status() != 0:
            raise BenchmarkError(f"the benchmark of interrupts failed\n{outcome.serial}\n{outcome.debug}")
        return rows(outcome.debug, read_counts(counts))


def rows(text, counts):
    names = {int(marker): name for marker, name in NAME.findall(text)}
    missing = [marker for marker in [DRIVER, *names] if marker not in counts]
    if missing or not names:
        raise BenchmarkError(f"the plugin saw no rounds of markers {missing}, or the sweeps have no names")
    driver = counts[DRIVER]
    sweeps = sorted(((counts[marker].maximum - counts[marker].minimum, name) for marker, name in names.items()),
                    reverse=True)
    least = {counts[marker].minimum for marker in names}
    if max(least) - min(least) > 1:
        raise BenchmarkError(f"the timer's own time differs between sweeps: {sorted(least)}")
    waits = [wait for wait, _ in sweeps]
    return {"irq.to_driver": (driver.median, driver.minimum, driver.maximum, driver.cr3_writes),
            "irq.latency.max": (waits[0], waits[-1], waits[0], 0)}, sweeps
