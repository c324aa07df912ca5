#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests of tools/idl_fuzz.py --target: fuzz_target.py IDLC TREE BUILD. Prints TAP.

Targets of some interfaces find nothing in some thousands of inputs; where a check is taken out of the generated dispatcher,
they find that.
"""
import pathlib
import subprocess
import sys
import tempfile

from salto import tap

FLAGS = ["-g", "-O1", "-Wall", "-Wextra", "-Werror", "-fsanitize=fuzzer,address,undefined",
         "-fno-sanitize-recover=all"]
RUNTIME = ("tools/fuzz/fuzz.c", "lib/server.c", "lib/deferred.c", "lib/text.c")
TARGETS = (("tests/idlc/tools/shop.idl", "Shop"), ("tests/idlc/good/deferred.idl", "Special"))
INPUTS, INPUTS_TO_FIND = 5000, 100000
# Interface file and name, what is taken out of the dispatcher, and what must be said.
FAULTS = (
    ("tests/idlc/tools/shop.idl", "Shop", "if (!shop_payment_is_valid(&p1))", "pay: a handler was given what", "pay."),
    ("tests/idlc/tools/shop.idl", "Shop", "if (!idl_is_text((char *)idl_data_p3, idl_size_p3))", "", "note"),
    ("tests/idlc/good/deferred.idl", "Special", "if (idl_size_p2 > 40)", "", "AddressSanitizer"),
)


class Builder:
    def __init__(self, idlc, tree, build, work):
        self.idlc, self.tree, self.work = idlc, pathlib.Path(tree).absolute(), pathlib.Path(work)
        self.includes = [f"-I{folder}" for folder in (self.tree / "tools/fuzz", self.tree / "lib/include",
                                                      self.tree / "kernel", pathlib.Path(build).absolute())]
        self.runtime = [self.compile(self.tree / source, self.work / f"{pathlib.Path(source).stem}.o", "-c")
                        for source in RUNTIME]

    def run(self, *command):
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, check=False)
        if done.returncode or done.stderr:
            raise AssertionError(f"{command}: {done.stdout}{done.stderr}")

    def compile(self, source, output, *more):
        self.run("clang", *FLAGS, f"-I{source.parent}", *self.includes, *more, "-o", output, source)
        return output

    def target(self, source, interface, fault=None):
        """The program; without what `fault` says in its dispatcher."""
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.work))
        (folder / "idl").mkdir()
        base = folder / "idl" / source.stem
        self.run(self.idlc, "--client", f"{base}.h", "--server", f"{base}_server.h", source)
        self.run(sys.executable, "-B", self.tree / "tools/idl_fuzz.py", "--idlc", self.idlc, "--interface", interface,
                 "--target", folder / "target.c", source)
        if fault:
            header = pathlib.Path(f"{base}_server.h")
            text = header.read_text(encoding="utf-8")
            assert fault in text, f"{header.name} has no '{fault}': change FAULTS"
            header.write_text(text.replace(fault, "if (0)"), encoding="utf-8")
        self.compile(folder / "target.c", folder / "target", *self.runtime, "-Wno-unused-variable")
        return folder / "target"


def fuzz(program, inputs):
    done = subprocess.run([program, f"-runs={inputs}", "-seed=1", "-max_len=300", "-timeout=100"], cwd=program.parent,
                          capture_output=True, text=True, errors="replace", timeout=250, check=False)
    return done.returncode, done.stderr


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    idlc, tree, build = (pathlib.Path(word).absolute() for word in sys.argv[1:])
    report = tap.Report()
    with tempfile.TemporaryDirectory(prefix="salto-fuzz-") as work:
        builder = Builder(idlc, tree, build, work)
        for source, interface in TARGETS:
            status, said = fuzz(builder.target(tree / source, interface), INPUTS)
            report.add(status == 0 and f"Done {INPUTS} runs" in said, f"{interface}: {INPUTS} inputs", said[-3000:])
        for source, interface, fault, *wanted in FAULTS:
            status, said = fuzz(builder.target(tree / source, interface, fault), INPUTS_TO_FIND)
            found = status != 0 and all(text in said for text in wanted)
            report.add(found, f"{interface}: finds that '{fault}' is missing", said[-3000:])
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
