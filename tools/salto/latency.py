# SPDX-License-Identifier: BSD-2-Clause
"""How long the kernel keeps interrupts off while server sets run: tools/plugin/latency.c counts every stretch of it."""
import dataclasses
import os
import subprocess
import tempfile

from salto import machine
from salto.benchmark_error import BenchmarkError

CPU = "max,-erms"
TIMEOUT = 600
ENTRY = ("kernel_system_call", "system_call") # in every operation's way, so of no interest


@dataclasses.dataclass
class Stretch:
    """The longest of the stretches that enter the same functions."""
    instructions: int
    count: int
    way: list


def write_functions(build, path):
    """Writes addresses and names of the kernel's functions, as the plugin wants them."""
    symbols = subprocess.run(["nm", os.path.join(build, "kernel", "kernel.elf")], capture_output=True, text=True,
                             check=True).stdout
    with open(path, "w", encoding="utf-8") as file:
        for line in symbols.splitlines():
            address, kind, name = line.split()
            if kind in "tT":
                file.write(f"{address} {name[:47]}\n")


def stretches(build, name, within=None):
    """Boots the set, and answers its stretches, longest first: all, or those between the markers `within`. The set must
    succeed then."""
    with tempfile.TemporaryDirectory(prefix="salto-") as work:
        output, functions = os.path.join(work, "stretches"), os.path.join(work, "functions")
        write_functions(build, functions)
        plugin = f"file={os.path.join(build, 'tools', 'latency.so')},out={output},functions={functions}"
        if within is not None:
            plugin += f",within={within}"
        options = machine.Options(kernel=os.path.join(build, "kernel", "kernel.elf"),
                                  archive=os.path.join(build, f"{name}.cpio"), cpu=CPU, memory="2G", icount=True,
                                  command_line="debug-exit", debug_exit=True, plugin=plugin)
        outcome = machine.run(options, TIMEOUT)
        if outcome.timed_out or outcome.status() is None or (within is not None and outcome.status() != 0):
            raise BenchmarkError(f"the set {name} did not end\n{outcome.serial}\n{outcome.debug}")
        return [parse(line) for line in machine.read(output).splitlines()]


def parse(line):
    words = line.split()
    if len(words) != 3:
        raise BenchmarkError(f"the plugin reports: {line}")
    return Stretch(int(words[0]), int(words[1]), [name for name in words[2].split(">") if name not in ENTRY])


def table(found, most):
    """The longest of all, the set's name beside it; of those that begin with the same functions only one."""
    lines = [f"{'instructions':>14}{'times':>9}  set, and the functions that the kernel entered, in order"]
    seen = set()
    for stretch, name in sorted(found, key=lambda pair: -pair[0].instructions):
        key = tuple(stretch.way[:6])
        if key not in seen and len(seen) < most:
            seen.add(key)
            lines.append(f"{stretch.instructions:>14}{stretch.count:>9}  {name}: {' > '.join(stretch.way)}")
    return "\n".join(lines)
