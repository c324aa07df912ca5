# SPDX-License-Identifier: BSD-2-Clause
"""What goes wrong with benchmarks."""


class BenchmarkError(Exception):
    """A benchmark that gave no result; the text says why."""
