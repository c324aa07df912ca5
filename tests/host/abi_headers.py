#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Each header of kernel/abi, and the layout of the hot state, can be included alone: abi_headers.py TREE. Prints TAP.

In C by gcc and clang, as C11 with GNU extensions and twice in one file; those that assembly uses, in assembly too,
where every number that they define must also be one that the assembler takes.
"""
import os
import re
import subprocess
import sys
import tempfile

C_FLAGS = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-fsyntax-only"]
ALSO_ASSEMBLY = {"abi/addresses.h", "abi/capability.h", "abi/errors.h", "abi/message.h", "trampoline/layout.h"}
DEFINE = re.compile(r"^#define ([A-Z][A-Z0-9_]*) +\S", re.MULTILINE)


def headers(kernel):
    names = sorted(name for name in os.listdir(os.path.join(kernel, "abi")) if name.endswith(".h"))
    return ["abi/" + name for name in names] + ["trampoline/layout.h"]


def compiles(compiler, flags, kernel, text, suffix):
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "alone" + suffix)
        with open(source, "w", encoding="ascii") as file:
            file.write(text)
        command = [compiler, *flags, "-I", kernel, source, "-o", os.path.join(folder, "alone.o")]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def assembly(kernel, header):
    """Includes the header and uses every constant that it defines (not those with arguments)."""
    with open(os.path.join(kernel, header), encoding="utf-8") as file:
        names = [name for name in DEFINE.findall(file.read()) if not name.endswith("_H")]
    return f'#include "{header}"\n' + "".join(f".quad {name}\n" for name in names)


def cases(kernel):
    for header in headers(kernel):
        for compiler in ("gcc", "clang"):
            text = f'#include "{header}"\n#include "{header}"\n'
            yield f"{header} in C by {compiler}", compiles(compiler, C_FLAGS, kernel, text, ".c")
            if header in ALSO_ASSEMBLY:
                yield (f"{header} in assembly by {compiler}",
                       compiles(compiler, ["-c"], kernel, assembly(kernel, header), ".S"))


def main():
    number, good = 0, True
    for number, (name, done) in enumerate(cases(os.path.join(sys.argv[1], "kernel")), 1):
        good = good and done.returncode == 0
        print(f"{'not ok' if done.returncode else 'ok'} {number} - {name} compiles alone")
        print("".join(f"# {line}\n" for line in done.stderr.splitlines()[:5]), end="")
    print(f"1..{number}")
    return 0 if good and number > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
