#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What generated code and idlc cost: figures.py IDLC TREE BUILD [--times]. Prints TAP.

The instructions of the stubs of figures/figures.idl, on their way to success and without the IPC, counted by executing
them one at a time (figures/stubs.c), as gcc and clang compile them with the project's options; gcc's have limits. How many
bytes of text 200 operations cost a server beyond its handlers: with a limit where they are of one shape, without where they are
of 40 or all different. With --times the processor time of idlc is held to limits as well: of all interfaces in the tree,
and of an interface of 10,000 operations, which may take no more for each than one of 1,000 does.
"""
import argparse
import itertools
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

from salto import tap

LIMITS = {"client add": 15, "server add": 30, "client four": 25, "server four": 40, "client read": 40, "server read": 50}
OPTIONS = ["-O2", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fno-stack-protector", "-fno-pie"]
STUBS = ("tests/idlc/figures/stubs.c", "lib/server.c", "lib/text.c", "lib/serve.S", "lib/system_call.S",
         "lib/route.S", "lib/route.c")
ALL_LIMIT, LARGE_LIMIT, LARGE = 0.2, 2.0, 10000
OPERATIONS, TEXT_LIMIT = 200, 8192  # of a server; bytes
NOT_PERMITTED = 77  # exit status of figures/stubs.c
TWICE = 2  # how much more an operation of a large interface may take, measured on a machine that does other things too


def shapes():
    """Parameters of operations that are all of different shapes: up to four of six types, and none to two results."""
    kinds = ("u32", "u8", "u16", "u64", "bool", "i32")
    inputs = [combination for length in (2, 3, 1, 4, 0)
              for combination in itertools.combinations_with_replacement(kinds, length)]
    return [(parameters, results) for results in (("u32",), (), ("u64", "bool")) for parameters in inputs]


def interface(count, different=1):
    """So many operations, of so many shapes, which take turns."""
    def row(letter, types):
        return ", ".join(f"{letter}{i}: {name}" for i, name in enumerate(types))

    all_shapes = shapes()
    picked = [all_shapes[i * len(all_shapes) // different] for i in range(different)]
    operations = (f"  /// Adds.\n  add{i} @{i} ({row('a', picked[i % different][0])}) -> ({row('r', picked[i % different][1])})"
                  " raises Error;\n".replace(" -> ()", "") for i in range(count))
    return "library large;\nerrors Error { gone = 1; }\n@id(0x6005) interface Large {\n" + "".join(operations) + "}\n"


class Figures:
    """idlc, the tree, where to write, and the report."""

    def __init__(self, arguments, work):
        self.idlc, self.tree = os.path.abspath(arguments.idlc), pathlib.Path(os.path.abspath(arguments.tree))
        self.build, self.work, self.report = os.path.abspath(arguments.build), pathlib.Path(work), tap.Report()

    def run(self, *words):
        return subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=120, check=True).stdout

    def compile_idl(self, source):
        self.run(self.idlc, "--client", self.work / f"{source.stem}.h", "--server",
                 self.work / f"{source.stem}_server.h", source)

    def options(self):
        return [*OPTIONS, f"-I{self.work}", f"-I{self.tree}/lib/include", f"-I{self.tree}/kernel", f"-I{self.build}"]

    def count(self, compiler):
        program = self.work / f"stubs-{compiler}"
        self.run(compiler, *self.options(), "-no-pie", "-o", program, *(self.tree / name for name in STUBS))
        done = subprocess.run([program], capture_output=True, text=True, timeout=120, check=False)
        if done.returncode == NOT_PERMITTED:
            return None
        done.check_returncode()
        lines = (line.rsplit(" ", 1) for line in done.stdout.splitlines())
        return {name: int(count) for name, count in lines}

    def check_stubs(self):
        self.compile_idl(self.tree / "tests/idlc/figures/figures.idl")
        counts, others = self.count("gcc"), self.count("clang")
        if not counts:
            return self.report.add(True, "counts of stubs # SKIP this machine lets nobody trace a process")
        for name, limit in LIMITS.items():
            self.report.add(counts[name] <= limit, f"{name}: {counts[name]} instructions by gcc, at most {limit}; "
                            f"{others[name]} by clang")

    def time(self, *sources):
        """Processor time of compiling them, in seconds."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        for source in sources:
            self.run(self.idlc, "-I", self.tree / "idl", "-I", self.tree / "idl/kernel", "--client", self.work / "t.h",
                     "--server", self.work / "t_server.h", "--kernel", self.work / "t_kernel.h", source)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def check_times(self):
        seconds = self.time(*sorted((self.tree / "idl").glob("**/*.idl")))
        self.report.add(seconds < ALL_LIMIT, f"all of idl/: {seconds:.3f} s, less than {ALL_LIMIT}")
        times = {}
        for count in (LARGE // 10, LARGE):
            source = self.work / f"large{count}.idl"
            source.write_text(interface(count))
            times[count] = self.time(source)
        self.report.add(times[LARGE] < LARGE_LIMIT, f"{LARGE} operations: {times[LARGE]:.2f} s, less than {LARGE_LIMIT}")
        self.report.add(times[LARGE] < times[LARGE // 10] * 10 * TWICE,
                        f"a tenth of them: {times[LARGE // 10]:.3f} s: time is linear in size")

    def check_text(self):
        for different in (1, 40, OPERATIONS):
            size, other = (self.text_of_server(compiler, OPERATIONS, different) for compiler in ("gcc", "clang"))
            text = f"{OPERATIONS} operations of {different} shapes: {size} bytes of text by gcc, {other} by clang"
            if different > 1:
                self.report.comment(text)
            else:
                self.report.add(size < TEXT_LIMIT, f"{text}; less than {TEXT_LIMIT} by gcc")

    def text_of_server(self, compiler, count, different):
        source, program = self.work / "large.idl", self.work / "large.c"
        source.write_text(interface(count, different))
        self.compile_idl(source)
        handlers = "".join(f"extern __typeof__(*((struct large_ops *)0)->add{i}) on_add{i};\n" for i in range(count))
        program.write_text(f'#include "large_server.h"\n{handlers}LARGE_SERVER(serve, on)\nidl_dispatcher *use(void);\n'
                           "idl_dispatcher *use(void)\n{\n    return serve;\n}\n")
        self.run(compiler, *self.options(), "-c", "-o", self.work / "large.o", program)
        return int(self.run("size", self.work / "large.o").splitlines()[1].split()[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("idlc", "tree", "build"):
        parser.add_argument(name)
    parser.add_argument("--times", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        figures = Figures(arguments, work)
        figures.check_stubs()
        figures.check_text()
        if arguments.times:
            figures.check_times()
    return figures.report.finish()


if __name__ == "__main__":
    sys.exit(main())
