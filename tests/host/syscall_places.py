#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The system call stands in lib's own places only: no stub is written by hand. Prints TAP.

Tests may: they hand the kernel what no stub would. Comments are not code.
"""
import os
import re
import sys

# The last: what a thread calls when it has given its stack back.
ALLOWED = {"lib/include/salto/ipc.h", "lib/serve.S", "lib/system_call.S", "lib/linux/entry.S"}
FOLDERS = ("kernel", "idl", "idlc", "lib", "servers", "examples")
INSTRUCTION = re.compile(r"(?<![\w./-])syscall(?![\w.(/-])|0x0f\s*,\s*0x05\b")
COMMENTS = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


def code(path):
    with open(path, encoding="utf-8") as file:
        return COMMENTS.sub("", file.read())


def offenders(base, folders):
    for folder in folders:
        for where, _, names in os.walk(os.path.join(base, folder)):
            for name in sorted(names):
                path = os.path.join(where, name)
                relative = os.path.relpath(path, base)
                if name.endswith((".c", ".h", ".S", ".inc", ".y", ".l")) and INSTRUCTION.search(code(path)):
                    yield relative


def main():
    tree, build = sys.argv[1:3]
    found = set(offenders(tree, FOLDERS)) | set(offenders(build, ("idl", "sets")))
    extra, allowed = sorted(found - ALLOWED), sorted(found & ALLOWED)
    print("1..2")
    print("ok 1 - lib holds the system call" if allowed else "not ok 1 - lib holds the system call")
    print(("not ok" if extra else "ok") + " 2 - nothing else does")
    for path in extra:
        print(f"# {path} holds the system call instruction")
    return 1 if extra or not allowed else 0


if __name__ == "__main__":
    sys.exit(main())
