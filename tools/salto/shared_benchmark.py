# SPDX-License-Identifier: BSD-2-Clause
"""Runs the set tests/shared_bench: messages over rings, counted from outside by the plugin."""
from salto import memory_benchmark

# Marker (tests/shared_bench/shared_bench.c): row, and what a round has of what it measures.
ROWS = {60: ("shared.add", 1), 61: ("send.16", 1), 62: ("shared.send.16", 1), 63: ("shared.string.4k", 1)}


def run(build, cpu, timeout):
    """Answers the rows: name to (median, minimum, maximum, CR3 writes)."""
    return memory_benchmark.count(build, "shared_bench", ROWS, cpu, timeout)
