# SPDX-License-Identifier: BSD-2-Clause
"""Runs the set tests/revoke_bench: for how long the kernel keeps interrupts off while it takes a page back that was mapped
on ten thousand times. The plugin tools/plugin/latency.c counts it, between the markers of tests/revoke_bench/revoke_bench.c.
"""
from salto import latency
from salto.benchmark_error import BenchmarkError

MARKER = 50


def run(build):
    """Answers the row: name to (longest, shortest, longest, CR3 writes, which nobody counts)."""
    found = latency.stretches(build, "revoke_bench", within=MARKER)
    if not found:
        raise BenchmarkError("the plugin saw nothing between the markers of revoke.10k")
    lengths = [stretch.instructions for stretch in found]
    return {"revoke.10k": (max(lengths), min(lengths), max(lengths), 0)}
