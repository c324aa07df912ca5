#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every C file has the form that .clang-format describes, and no line, of comments neither, is too wide for it: format.py
TREE. Prints TAP, one result a file."""
import concurrent.futures
import os
import subprocess
import sys

WIDTH = 120  # as in .clang-format, which leaves comments as they are
FOLDERS = ("kernel", "idlc", "lib", "servers", "examples", "tests", "tools")


def sources(tree):
    for folder in FOLDERS:
        for where, _, names in os.walk(os.path.join(tree, folder)):
            yield from (os.path.join(where, name) for name in sorted(names) if name.endswith((".c", ".h")))


def check(path):
    """What is wrong with the file's form, a line each."""
    with open(path, encoding="utf-8") as file:
        wide = [f"line {number} has more than {WIDTH} characters" for number, line in enumerate(file, 1)
                if len(line.rstrip("\n")) > WIDTH]
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", path], capture_output=True, text=True, check=False)
    return wide + (done.stderr.splitlines()[:3] if done.returncode else [])


def main():
    tree = sys.argv[1]
    paths = list(sources(tree))
    print(f"1..{len(paths)}")
    good = bool(paths)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for number, (path, wrong) in enumerate(zip(paths, pool.map(check, paths)), 1):
            print(f"{'not ok' if wrong else 'ok'} {number} - {os.path.relpath(path, tree)}")
            good = good and not wrong
            for line in wrong:
                print(f"# {line}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
